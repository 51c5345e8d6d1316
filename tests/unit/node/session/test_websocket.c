/* WebSocket sessions over a backend that does what the test wants: what waits, what fails, what
 * time does. What frames mean is tests/conformance/test_websocket.py. */
#include "node/exchange/reply.h"
#include "tests/unit/node/session/websocket_world.h"

#define SWITCHED "HTTP/1.1 101 Switching Protocols\r\n\r\n"

static const char *const settings[] = {"key=limits.min_ping",
                                       "value=60",
                                       "key=limits.kill_limit",
                                       "value=0",
                                       "key=limits.min_read_rate",
                                       "value=0",
                                       "key=limits.min_write_rate",
                                       "value=0",
                                       "key=limits.output_queue",
                                       "value=1000000",
                                       NULL};

static int set_up(void **state)
{
    (void)state;
    ws_start(settings);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ws_stop();
    assert_int_equal(ws_world.serving.worker.exchanges.in_use, 0);
    return 0;
}

static struct slice received(bool *ended)
{
    return serving_receive(&ws_world.serving, ended);
}

static void open_as(const char *handshake)
{
    serving_connect(&ws_world.serving);
    ws_world.conn = container_of(ws_world.serving.worker.conns.all.next, struct conn, link);
    serving_ask(&ws_world.serving, slice_str(handshake), NULL);
}

static void open_messages(void)
{
    open_as(WS_HANDSHAKE_OF("/messages", ""));
}

static void say(uint8_t first, const char *text)
{
    struct buf b = BUF_INIT;
    ws_frame(&b, first, slice_str(text));
    assert_int_equal(write(ws_world.serving.client, b.data, b.len), b.len);
    buf_fini(&b);
}

static void assert_told(const char *expected)
{
    assert_string_equal(buf_str(&ws_world.told), expected);
    buf_clear(&ws_world.told);
}

static void assert_received(struct slice expected, bool closed)
{
    bool ended = false;
    struct slice got = received(&ended);
    assert_int_equal(got.len, expected.len);
    assert_memory_equal(got.ptr, expected.ptr, got.len);
    assert_int_equal(ended, closed);
}

static void push_as(enum push_kind kind, const char *text)
{
    struct push p = {.kind = kind, .bytes = slice_str(text), .close_code = 4000};
    ws_world.conn->session->push(ws_world.conn, &p);
    payload_unref(p.ws_deflated[0]);
    payload_unref(p.ws_deflated[1]);
}

static void push(const char *text)
{
    push_as(PUSH_PLAIN, text);
}

/* -- mode raw ---------------------------------------------------------------------------------- */

static void test_raw_from_the_handshake_to_the_end(void **state)
{
    (void)state;
    open_as(WS_HANDSHAKE_OF("/raw", ""));
    assert_told("HANDSHAKE:s3pPLMBiTxaQ9kYGzzhZRbK+xOo=|");
    assert_int_equal(ws_world.serving.worker.exchanges.in_use, 1);
    push("HTTP/1.1 101 Swit");
    assert_int_equal(ws_world.serving.worker.exchanges.in_use, 1);
    push("ching Protocols\r\n\r\n\x81\x02hi");
    assert_int_equal(ws_world.serving.worker.exchanges.in_use, 0);
    assert_int_equal(ws_world.done, 1);
    assert_received(SLICE(SWITCHED "\x81\x02hi"), false);
    say(0x81, "hello");
    say(0xc2, "");
    received(NULL);
    assert_told("0x81:hello|0xC2:|");
    push("");
    assert_received(SLICE(""), true);
    serving_disconnect(&ws_world.serving);
    assert_told(""); /* it was the handler who ended it */
}

static void test_raw_nobody_takes_the_handshake(void **state)
{
    (void)state;
    ws_world.holds = true;
    open_as(WS_HANDSHAKE_OF("/raw", ""));
    say(0x81, "early");
    received(NULL);
    assert_int_equal(ws_world.sent, 2);
    ws_refuse_all(503);
    bool ended = false;
    struct slice got = received(&ended);
    assert_true(slice_starts_with(got, SLICE("HTTP/1.1 503 ")));
    assert_true(slice_ends_with(got, SLICE("\r\n\r\nService Unavailable")));
    assert_true(ended);
}

static void test_raw_the_client_leaves_before_the_answer(void **state)
{
    (void)state;
    ws_world.holds = true;
    open_as(WS_HANDSHAKE_OF("/raw", ""));
    serving_disconnect(&ws_world.serving);
    assert_null(ws_world.conn);
    assert_int_equal(ws_world.done, 1);
    assert_told("disconnect|");
}

/* The time of its route runs for the handshake alone. */
static void test_raw_the_handshake_takes_too_long(void **state)
{
    (void)state;
    open_as(WS_HANDSHAKE_OF("/raw", ""));
    push(SWITCHED);
    received(NULL);
    ws_wait(30);
    assert_non_null(ws_world.conn);
    serving_disconnect(&ws_world.serving);
    open_as(WS_HANDSHAKE_OF("/raw", ""));
    ws_wait(19);
    assert_received(SLICE(""), false);
    ws_wait(2);
    bool ended = false;
    assert_true(slice_starts_with(received(&ended), SLICE("HTTP/1.1 504 ")));
    assert_true(ended);
}

static void test_raw_a_refusal(void **state)
{
    (void)state;
    open_as(WS_HANDSHAKE_OF("/raw", ""));
    push("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
    assert_int_equal(ws_world.serving.worker.counters.responses_4xx, 1);
    push("");
    assert_received(SLICE("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"), true);
}

static void test_raw_drain_lets_the_handshake_be_answered(void **state)
{
    (void)state;
    open_as(WS_HANDSHAKE_OF("/raw", ""));
    ws_world.serving.worker.draining = true;
    ws_world.conn->session->drain(ws_world.conn);
    assert_received(SLICE(""), false);
    push(SWITCHED);
    assert_received(SLICE(SWITCHED), true);
}

static void test_raw_idle_for_too_long(void **state)
{
    (void)state;
    open_as(WS_HANDSHAKE_OF("/raw", ""));
    push(SWITCHED);
    received(NULL);
    ws_wait(50);
    say(0x81, "alive");
    received(NULL);
    ws_wait(50);
    assert_non_null(ws_world.conn);
    ws_wait(12);
    assert_null(ws_world.conn);
    assert_told("HANDSHAKE:s3pPLMBiTxaQ9kYGzzhZRbK+xOo=|0x81:alive|disconnect|");
}

/* What is said once per connection is in the handshake, not in the head of all that follows. */
static void test_credits_are_told_once(void **state)
{
    static const char *const with_credits[] = {"key=download.flow_control", "value=1", NULL};
    tear_down(state);
    ws_start(with_credits);
    for (int i = 0; i < 2; i++) {
        open_as(i == 0 ? WS_HANDSHAKE_OF("/raw", "") : WS_HANDSHAKE_OF("/messages", ""));
        assert_non_null(strstr(buf_str(&ws_world.last), "\"DOWNLOAD_CREDITS\":\"102400\""));
        buf_clear(&ws_world.told);
        say(0x81, "x");
        received(NULL);
        assert_told("0x81:x|");
        assert_null(strstr(buf_str(&ws_world.last), "DOWNLOAD_CREDITS"));
        assert_non_null(strstr(buf_str(&ws_world.last), "\"METHOD\":\"WEBSOCKET\""));
        serving_disconnect(&ws_world.serving);
    }
}

/* -- what waits -------------------------------------------------------------------------------- */

/* Of what a client sends only so much is taken as may wait; the rest follows in order. */
static void test_a_slow_handler_stops_the_reading(void **state)
{
    (void)state;
    open_messages();
    buf_clear(&ws_world.told);
    ws_world.holds = true;
    struct buf all = BUF_INIT, expected = BUF_INIT;
    for (int i = 0; i < 300; i++) {
        char text[8];
        snprintf(text, sizeof text, "%d", i);
        ws_frame(&all, 0x81, slice_str(text));
        buf_printf(&expected, "0x81:%s|", text);
    }
    assert_int_equal(write(ws_world.serving.client, all.data, all.len), all.len);
    received(NULL);
    assert_int_equal(ws_world.sent, 1 + 64);
    assert_true(ws_world.conn->reading_paused);
    ws_release_all(31);
    received(NULL);
    assert_int_equal(ws_world.sent, 1 + 64);
    ws_release_all(1);
    received(NULL);
    assert_int_equal(ws_world.sent, 1 + 64 + 32);
    for (int i = 0; i < 20; i++) {
        ws_release_all(64);
        received(NULL);
    }
    assert_int_equal(ws_world.sent, 1 + 300);
    assert_false(ws_world.conn->reading_paused);
    assert_told(buf_str(&expected));
    buf_fini(&all);
    buf_fini(&expected);
}

static void test_where_many_wait_each_has_one(void **state)
{
    (void)state;
    open_messages();
    ws_world.holds = true;
    ws_world.backend->figures.queued_now = 1000; /* of others */
    say(0x81, "one");
    say(0x81, "two");
    received(NULL);
    assert_int_equal(ws_world.sent, 1 + 1);
    ws_release_all(1);
    received(NULL);
    assert_int_equal(ws_world.sent, 1 + 2);
    ws_world.backend->figures.queued_now = 1;
}

static void test_large_messages_wait_by_their_bytes(void **state)
{
    (void)state;
    open_messages();
    ws_world.holds = true;
    static char large[100001];
    memset(large, 'x', sizeof large - 1);
    struct buf all = BUF_INIT;
    for (int i = 0; i < 10; i++)
        ws_frame(&all, 0x81, slice_str(large));
    for (size_t at = 0; at < all.len;) {
        ssize_t len = write(ws_world.serving.client, all.data + at, all.len - at);
        received(NULL);
        if (len <= 0)
            break;
        at += (size_t)len;
    }
    assert_int_equal(ws_world.sent, 1 + 3);
    buf_fini(&all);
}

static void test_a_message_that_nobody_takes_ends_it(void **state)
{
    (void)state;
    open_messages();
    received(NULL);
    ws_world.holds = true;
    say(0x81, "one");
    say(0x81, "two");
    received(NULL);
    ws_refuse_all(503);
    assert_received(SLICE("\x88\x02\x03\xf5"), true); /* 1013 */
    assert_int_equal(ws_world.serving.worker.counters.websocket_faults, 1);
}

/* Pongs to a client that does not read them stop its pings from being read. */
static void test_a_client_that_does_not_read_is_not_read(void **state)
{
    (void)state;
    open_messages();
    struct buf pings = BUF_INIT;
    static char payload[126];
    memset(payload, 'p', 125);
    for (int i = 0; i < 100; i++)
        ws_frame(&pings, 0x89, slice_str(payload));
    size_t sent = 0;
    for (int i = 0; i < 2000 && !ws_world.conn->reading_paused; i++) {
        ssize_t len = write(ws_world.serving.client, pings.data + sent % pings.len,
                            pings.len - sent % pings.len);
        sent += len > 0 ? (size_t)len : 0;
        loop_step(&ws_world.serving.worker.loop);
    }
    assert_true(ws_world.conn->reading_paused);
    assert_true(ws_world.conn->out.bytes < 1000000);
    received(NULL);
    received(NULL);
    assert_false(ws_world.conn->reading_paused);
    buf_fini(&pings);
}

/* -- mode messages ----------------------------------------------------------------------------- */

static void test_silence_is_asked_and_then_left(void **state)
{
    (void)state;
    open_messages();
    buf_clear(&ws_world.told);
    received(NULL);
    ws_wait(29);
    assert_received(SLICE(""), false);
    ws_wait(2);
    assert_received(SLICE("\x89\x00"), false);
    say(0x8a, "");
    received(NULL);
    ws_wait(29);
    assert_received(SLICE(""), false);
    ws_wait(2);
    assert_received(SLICE("\x89\x00"), false);
    ws_wait(31);
    assert_null(ws_world.conn);
    assert_told("disconnect|");
}

/* While its messages wait for us, a client has no reason to say more. */
static void test_silence_of_ours_is_not_the_clients(void **state)
{
    (void)state;
    open_messages();
    received(NULL);
    ws_world.holds = true;
    say(0x81, "x");
    received(NULL);
    for (int i = 0; i < 10; i++)
        ws_wait(31);
    assert_non_null(ws_world.conn);
}

static void test_drain_says_away(void **state)
{
    (void)state;
    open_messages();
    received(NULL);
    buf_clear(&ws_world.told);
    ws_world.conn->session->drain(ws_world.conn);
    assert_received(SLICE("\x88\x02\x03\xe9"), false);
    say(0x81, "too late");
    say(0x88, "\x03\xe9");
    bool ended = false;
    assert_int_equal(received(&ended).len, 0);
    assert_true(ended);
    serving_disconnect(&ws_world.serving);
    assert_told("disconnect|");
}

static void test_a_close_that_is_not_answered(void **state)
{
    (void)state;
    open_messages();
    received(NULL);
    buf_clear(&ws_world.told);
    push_as(PUSH_CLOSE, "enough");
    assert_received(SLICE("\x88\x08\x0f\xa0"
                          "enough"),
                    false);
    push("too late");
    ws_wait(4);
    assert_received(SLICE(""), false);
    ws_wait(2);
    assert_null(ws_world.conn);
    assert_told("");
}

static void test_the_kind_of_plain_replies(void **state)
{
    (void)state;
    open_messages();
    received(NULL);
    push("a");
    say(0x82, "x");
    received(NULL);
    push("b");
    push_as(PUSH_TEXT, "c");
    say(0x81, "x");
    received(NULL);
    push("d");
    push("\xff");
    push_as(PUSH_BINARY, "e");
    /* the first is gone with the reading of what came before */
    assert_received(SLICE("\x81\x01"
                          "d"
                          "\x82\x01\xff"
                          "\x82\x01"
                          "e"),
                    false);
}

/* -- fan-out ----------------------------------------------------------------------------------- */

static void test_what_goes_to_many_is_compressed_once(void **state)
{
    (void)state;
    open_as(WS_HANDSHAKE_OF("/messages", "Sec-WebSocket-Extensions: permessage-deflate\r\n"));
    received(NULL);
    static char text[1001];
    memset(text, 'a', sizeof text - 1);
    struct push p = {.bytes = slice_str(text)};
    struct conn *c = ws_world.conn;
    c->session->push(c, &p);
    struct payload *form = p.ws_deflated[0];
    assert_non_null(form);
    struct slice first = received(NULL);
    assert_int_equal(first.len, form->len);
    assert_memory_equal(first.ptr, form->bytes, form->len);
    assert_int_equal((unsigned char)first.ptr[0], 0xc1);
    c->session->push(c, &p);
    assert_ptr_equal(p.ws_deflated[0], form);
    assert_null(p.ws_deflated[1]);
    assert_int_equal(received(NULL).len, form->len);
    payload_unref(form);

    char noise[200];
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (char)(i * i * 31 + i * 7 % 13 + (i >> 3) * 91);
    struct push q = {.kind = PUSH_BINARY, .bytes = slice_of(noise, 70)};
    c->session->push(c, &q);
    assert_true(q.ws_incompressible || q.ws_deflated[1] != NULL);
    payload_unref(q.ws_deflated[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_raw_from_the_handshake_to_the_end),
        TEST(test_raw_nobody_takes_the_handshake),
        TEST(test_raw_the_client_leaves_before_the_answer),
        TEST(test_raw_the_handshake_takes_too_long),
        TEST(test_raw_a_refusal),
        TEST(test_raw_drain_lets_the_handshake_be_answered),
        TEST(test_raw_idle_for_too_long),
        TEST(test_credits_are_told_once),
        TEST(test_a_slow_handler_stops_the_reading),
        TEST(test_where_many_wait_each_has_one),
        TEST(test_large_messages_wait_by_their_bytes),
        TEST(test_a_message_that_nobody_takes_ends_it),
        TEST(test_a_client_that_does_not_read_is_not_read),
        TEST(test_silence_is_asked_and_then_left),
        TEST(test_silence_of_ours_is_not_the_clients),
        TEST(test_drain_says_away),
        TEST(test_a_close_that_is_not_answered),
        TEST(test_the_kind_of_plain_replies),
        TEST(test_what_goes_to_many_is_compressed_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
