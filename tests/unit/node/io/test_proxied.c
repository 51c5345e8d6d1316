/* Connections that begin with a PROXY protocol header: whose they are, and that not a byte behind
 * the header is missing, however it comes. */
#include "tests/unit/node/io/pair.h"

static struct pair p;
static uint64_t bad;

static int set_up(void **state)
{
    (void)state;
    pair_start(&p);
    conn_close(p.conn, CONN_DONE);
    pair_turn(&p);
    close(p.client);
    int ends[2];
    union conn_address peer = {.sa.sa_family = AF_UNIX};
    bad = 0;
    p.conns.proxy_protocol = true;
    p.conns.bad_proxy_headers = &bad;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    p.client = ends[0];
    p.conn = conn_create(&p.conns, ends[1], &peer, &pair_session);
    assert_non_null(p.conn);
    buf_clear(&p.calls);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pair_stop(&p);
    return 0;
}

static void send_bytes(const void *bytes, size_t len)
{
    assert_int_equal(write(p.client, bytes, len), len);
    pair_turn(&p);
}

static void assert_peer(const char *address, unsigned port)
{
    char text[46];
    conn_peer_text(p.conn, text);
    assert_string_equal(text, address);
    assert_int_equal(conn_peer_port(p.conn), port);
}

static void test_a_header_with_the_request(void **state)
{
    (void)state;
    pair_send(&p, "PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\nhello");
    pair_turn(&p);
    assert_peer("192.0.2.1", 56324);
    pair_assert_calls(&p, "input:5 ");
    pair_send(&p, "more");
    pair_turn(&p);
    pair_assert_calls(&p, "input:4 ");
}

static void test_a_header_in_pieces(void **state)
{
    (void)state;
    const char *text = "PROXY TCP6 2001:db8::1 ::1 80 443\r\nx";
    for (const char *at = text; *at != '\0'; at++) {
        pair_assert_calls(&p, "");
        send_bytes(at, 1);
    }
    assert_peer("2001:db8::1", 80);
    pair_assert_calls(&p, "input:1 ");
}

static void test_long_extensions_are_skipped(void **state)
{
    (void)state;
    static char header[16 + 12 + 9000] = "\r\n\r\n\0\r\nQUIT\n\x21\x11";
    header[14] = (char)((12 + 9000) >> 8);
    header[15] = (char)((12 + 9000) & 255);
    memcpy(header + 16, "\xc0\0\2\1\xc6\x33\x64\2\xdc\4\1\xbb", 12);
    send_bytes(header, 10);
    send_bytes(header + 10, 500);
    send_bytes(header + 510, sizeof header - 511);
    pair_turns(&p, 4);
    pair_assert_calls(&p, "");
    send_bytes(header + sizeof header - 1, 1);
    send_bytes("abc", 3);
    pair_turn(&p);
    pair_assert_calls(&p, "input:3 ");
    assert_peer("192.0.2.1", 56324);
}

static void test_the_balancers_own_connection(void **state)
{
    (void)state;
    send_bytes("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0ping", 20);
    pair_turn(&p);
    pair_assert_calls(&p, "input:4 ");
    assert_peer("unix", 0);
}

static void test_without_a_header_it_is_closed(void **state)
{
    (void)state;
    pair_send(&p, "GET / HTTP/1.1\r\n\r\n");
    pair_turns(&p, 2);
    pair_assert_calls(&p, "closed:protocol error ");
    assert_int_equal(bad, 1);
}

static void test_an_end_in_the_header(void **state)
{
    (void)state;
    send_bytes("PROXY TC", 8);
    close(p.client);
    p.client = -1;
    pair_turns(&p, 2);
    pair_assert_calls(&p, "end closed:client closed ");
    assert_int_equal(bad, 0);
}

static void test_nothing_is_said_before_it(void **state)
{
    (void)state;
    conn_write(p.conn, SLICE("plain text where TLS may be meant"));
    pair_turns(&p, 2);
    pair_assert_calls(&p, "closed:client reset ");
    assert_int_equal(pair_read(&p, NULL, SIZE_MAX, NULL), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_header_with_the_request),     TEST(test_a_header_in_pieces),
        TEST(test_long_extensions_are_skipped),   TEST(test_the_balancers_own_connection),
        TEST(test_without_a_header_it_is_closed), TEST(test_an_end_in_the_header),
        TEST(test_nothing_is_said_before_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
