/* The transport over a socket pair, with a client of the same library: handshakes in pieces,
 * sockets that take little, ends of every kind. */
#include "node/tls/tls.h"
#include "tests/unit/node/io/pair.h"
#include "tests/unit/node/tls/certs.h"

#include <mbedtls/net_sockets.h>
#include <mbedtls/version.h>
#include <sys/ioctl.h>

static struct pair p;
static struct certs certs;
static struct counters counters;
static struct tls_shared *shared;
static struct tls_context *context;
static int64_t now_s;

static struct client {
    mbedtls_ssl_config settings;
    mbedtls_ssl_context ssl;
    size_t most; /* bytes that are sent at once; the rest waits */
    size_t read_most;
} client;

static int client_send(void *arg, const unsigned char *bytes, size_t len)
{
    (void)arg;
    if (client.most == 0)
        return MBEDTLS_ERR_SSL_WANT_WRITE;
    ssize_t sent = write(p.client, bytes, len < client.most ? len : client.most);
    if (client.most != SIZE_MAX)
        client.most = 0;
    return sent >= 0 ? (int)sent : MBEDTLS_ERR_SSL_WANT_WRITE;
}

static int client_recv(void *arg, unsigned char *into, size_t room)
{
    (void)arg;
    ssize_t got = read(p.client, into, room < client.read_most ? room : client.read_most);
    return got >= 0 ? (int)got : MBEDTLS_ERR_SSL_WANT_READ;
}

/* Most of what is tested here is the same in 1.3, except for what clients get after the handshake.
 */
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
static bool speaks_1_3;
#endif

static void set_version(mbedtls_ssl_config *settings)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    mbedtls_ssl_protocol_version version = speaks_1_3 ? MBEDTLS_SSL_VERSION_TLS1_3
                                                      : MBEDTLS_SSL_VERSION_TLS1_2;
    mbedtls_ssl_conf_max_tls_version(settings, version);
    mbedtls_ssl_conf_min_tls_version(settings, version);
#else
    (void)settings;
#endif
}

static void client_start(void)
{
    memset(&client, 0, sizeof client);
    client.most = client.read_most = SIZE_MAX;
    mbedtls_ssl_config_init(&client.settings);
    mbedtls_ssl_init(&client.ssl);
    assert_int_equal(mbedtls_ssl_config_defaults(&client.settings, MBEDTLS_SSL_IS_CLIENT,
                                                 MBEDTLS_SSL_TRANSPORT_STREAM,
                                                 MBEDTLS_SSL_PRESET_DEFAULT),
                     0);
    mbedtls_ssl_conf_authmode(&client.settings, MBEDTLS_SSL_VERIFY_NONE);
    mbedtls_ssl_conf_rng(&client.settings, random_bytes, &certs.random);
    set_version(&client.settings);
    assert_int_equal(mbedtls_ssl_setup(&client.ssl, &client.settings), 0);
    mbedtls_ssl_set_bio(&client.ssl, NULL, client_send, client_recv, NULL);
}

static struct tls_context *make_context(enum tls_verify verify)
{
    struct error e;
    struct tls_options o = {.root = "",
                            .certdir = certs.dir,
                            .uuid = "server",
                            .ca_chain = "",
                            .ciphers = "",
                            .verify = verify,
                            .file_piece = 16384};
    struct tls_context *x = tls_context_create(shared, &o, &e);
    if (x == NULL)
        fail_msg("%s", e.text);
    return x;
}

static void connect_pair(void)
{
    int ends[2];
    union conn_address peer = {.sa.sa_family = AF_UNIX};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    p.client = ends[0];
    p.conn = conn_create(&p.conns, ends[1], &peer, &pair_session);
    assert_non_null(p.conn);
}

static int set_up(void **state)
{
    (void)state;
    struct error e;
    certs_start(&certs);
    certs_make(&certs, "server", "default");
    memset(&counters, 0, sizeof counters);
    now_s = 1000;
    shared = tls_shared_create(&now_s, &counters, &e);
    assert_non_null(shared);
    context = make_context(TLS_VERIFY_NONE);
    pair_start(&p);
    conn_close(p.conn, CONN_DONE);
    pair_turn(&p);
    close(p.client);
    p.conns.transport = &transport_tls;
    p.conns.transport_config = context;
    p.conns.open_timeout_ms = 5000;
    connect_pair();
    buf_clear(&p.calls);
    client_start();
    return 0;
}

#if defined(MBEDTLS_SSL_PROTO_TLS1_3)
static int set_up_1_3(void **state)
{
    speaks_1_3 = true;
    int result = set_up(state);
    speaks_1_3 = false;
    return result;
}
#endif

static int tear_down(void **state)
{
    (void)state;
    mbedtls_ssl_free(&client.ssl);
    mbedtls_ssl_config_free(&client.settings);
    pair_stop(&p);
    tls_context_unref(context);
    assert_true(list_is_empty(&shared->dirs));
    assert_int_equal(shared->input_memory.in_use, 0);
    tls_shared_destroy(shared);
    certs_stop(&certs);
    return 0;
}

/* Both sides go on until the client is through. */
static void shake_hands(size_t at_once)
{
    int code = -1;
    for (int i = 0; i < 20000 && code != 0; i++) {
        client.most = at_once;
        code = mbedtls_ssl_handshake(&client.ssl);
        assert_true(code == 0 || code == MBEDTLS_ERR_SSL_WANT_READ ||
                    code == MBEDTLS_ERR_SSL_WANT_WRITE);
        pair_turn(&p);
    }
    assert_int_equal(code, 0);
    client.most = SIZE_MAX;
    pair_turns(&p, 2);
}

static void say(const void *bytes, size_t len)
{
    assert_int_equal(mbedtls_ssl_write(&client.ssl, bytes, len), len);
}

static void test_a_handshake_and_both_directions(void **state)
{
    (void)state;
    char heard[16];
    shake_hands(SIZE_MAX);
    assert_int_equal(counters.tls_handshakes, 1);
    assert_int_equal(counters.tls_resumed, 0);
    say("hello", 5);
    pair_turn(&p);
    pair_assert_calls(&p, "input:5 ");
    conn_write(p.conn, SLICE("answer"));
    pair_turn(&p);
    assert_int_equal(mbedtls_ssl_read(&client.ssl, (unsigned char *)heard, sizeof heard), 6);
    assert_memory_equal(heard, "answer", 6);
    assert_true(conn_is_secure(p.conn));
    assert_null(tls_peer(p.conn));
}

static void test_a_handshake_byte_by_byte(void **state)
{
    (void)state;
    shake_hands(1);
    client.most = 1;
    int code;
    while ((code = mbedtls_ssl_write(&client.ssl, (const unsigned char *)"abc", 3)) ==
           MBEDTLS_ERR_SSL_WANT_WRITE) {
        pair_assert_calls(&p, "");
        pair_turn(&p);
        client.most = 1;
    }
    assert_int_equal(code, 3);
    pair_turn(&p);
    pair_assert_calls(&p, "input:3 ");
    assert_int_equal(shared->input_memory.in_use, 0);
}

/* One record, more than the input buffer takes at once: no event tells of its rest. */
static void test_a_record_larger_than_the_buffer(void **state)
{
    (void)state;
    static char bytes[16000];
    shake_hands(SIZE_MAX);
    say(bytes, sizeof bytes);
    pair_turn(&p);
    size_t total = 0;
    for (const char *at = buf_str(&p.calls); (at = strstr(at, "input:")) != NULL; at += 6)
        total += (size_t)atoi(at + 6);
    assert_int_equal(total, sizeof bytes);
    assert_int_equal(p.conn->bytes_read, sizeof bytes);
}

static void test_records_read_ahead_wait_for_a_pause(void **state)
{
    (void)state;
    shake_hands(SIZE_MAX);
    for (int i = 0; i < 20; i++)
        say("0123456789", 10);
    pair_turn(&p);
    assert_int_equal(p.conn->bytes_read, 200);
    buf_clear(&p.calls);
    conn_pause(p.conn);
    for (int i = 0; i < 20; i++)
        say("0123456789", 10);
    pair_turns(&p, 3);
    pair_assert_calls(&p, "");
    conn_resume(p.conn);
    pair_turns(&p, 2);
    assert_int_equal(p.conn->bytes_read, 400);
}

/* A session that takes nothing for a while: what is ready stays until it does. */
static void test_a_full_buffer_loses_nothing(void **state)
{
    (void)state;
    static char bytes[4000];
    shake_hands(SIZE_MAX);
    p.consume = 0;
    say(bytes, sizeof bytes);
    pair_turns(&p, 3);
    assert_int_equal(p.conn->bytes_read, PAIR_BUFFER);
    p.consume = SIZE_MAX;
    conn_consume(p.conn, PAIR_BUFFER);
    conn_resume(p.conn);
    pair_turns(&p, 3);
    assert_int_equal(p.conn->bytes_read, sizeof bytes);
}

static size_t hear(unsigned char *into, size_t room, size_t *total)
{
    int got = mbedtls_ssl_read(&client.ssl, into + *total, room - *total);
    if (got > 0)
        *total += (size_t)got;
    else
        assert_true(got == MBEDTLS_ERR_SSL_WANT_READ);
    return *total;
}

/* Memory and file in one queue, to a client that takes little: every byte once, in order. */
static void test_partial_writes(void **state)
{
    (void)state;
    enum { PIECE = 70000, FILE_BYTES = 300000, TOTAL = 2 * PIECE + FILE_BYTES };
    static unsigned char sent[TOTAL], heard[TOTAL];
    size_t total = 0;
    int small = 4096;
    for (size_t i = 0; i < TOTAL; i++)
        sent[i] = (unsigned char)(i * 7 + i / 251);
    FILE *f = tmpfile();
    assert_non_null(f);
    assert_int_equal(fwrite(sent + PIECE, 1, FILE_BYTES, f), FILE_BYTES);
    assert_int_equal(fflush(f), 0);
    shake_hands(SIZE_MAX);
    setsockopt(p.conn->io.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    struct file_ref *file = file_ref_create(dup(fileno(f)));
    assert_non_null(file);
    for (size_t at = 0; at < PIECE; at += 700) /* many small vectors */
        assert_true(conn_write(p.conn, slice_of(sent + at, 700)));
    assert_true(conn_write_file(p.conn, file, 0, FILE_BYTES));
    assert_true(conn_write(p.conn, slice_of(sent + PIECE + FILE_BYTES, PIECE)));
    file_ref_unref(file);
    client.read_most = 1000;
    for (int i = 0; i < 20000 && hear(heard, TOTAL, &total) < TOTAL; i++)
        pair_turn(&p);
    assert_int_equal(total, TOTAL);
    assert_memory_equal(heard, sent, TOTAL);
    assert_int_equal(p.conn->bytes_written, TOTAL);
    fclose(f);
}

static void test_the_end_is_announced(void **state)
{
    (void)state;
    unsigned char byte;
    shake_hands(SIZE_MAX);
    conn_close_after_flush(p.conn);
    pair_turn(&p);
    assert_int_equal(mbedtls_ssl_read(&client.ssl, &byte, 1), MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY);
    assert_int_equal(mbedtls_ssl_close_notify(&client.ssl), 0);
    pair_turns(&p, 2);
    pair_assert_calls(&p, "closed:done ");
}

static void test_an_end_that_is_announced(void **state)
{
    (void)state;
    shake_hands(SIZE_MAX);
    assert_int_equal(mbedtls_ssl_close_notify(&client.ssl), 0);
    pair_turns(&p, 2);
    pair_assert_calls(&p, "end closed:client closed ");
}

static void test_an_end_that_is_not(void **state)
{
    (void)state;
    shake_hands(SIZE_MAX);
    shutdown(p.client, SHUT_WR);
    pair_turns(&p, 2);
    pair_assert_calls(&p, "closed:client reset ");
}

static void test_bytes_that_were_changed(void **state)
{
    (void)state;
    shake_hands(SIZE_MAX);
    pair_send(&p, "\x17\x03\x03");
    assert_int_equal(write(p.client,
                           "\0\x20"
                           "0123456789abcdef0123456789abcdef",
                           34),
                     34);
    pair_turns(&p, 2);
    pair_assert_calls(&p, "closed:protocol error ");
}

static void test_plain_text_is_no_handshake(void **state)
{
    (void)state;
    pair_send(&p, "GET / HTTP/1.1\r\n\r\n");
    pair_turns(&p, 2);
    pair_assert_calls(&p, "closed:protocol error ");
    assert_int_equal(counters.tls_failures, 1);
    assert_int_equal(pair_read(&p, NULL, SIZE_MAX, NULL), 0);
}

static void test_who_says_nothing_is_no_failure(void **state)
{
    (void)state;
    shutdown(p.client, SHUT_WR);
    pair_turns(&p, 2);
    assert_null(p.conn);
    assert_int_equal(counters.tls_failures, 0);
}

static void test_a_handshake_has_a_deadline(void **state)
{
    (void)state;
    uint64_t timeouts = 0;
    p.conns.timeouts = &timeouts;
    pair_send(&p, "\x16\x03\x01");
    pair_wait(&p, 4000);
    pair_assert_calls(&p, "");
    pair_wait(&p, 2000);
    pair_assert_calls(&p, "closed:timed out ");
    assert_int_equal(timeouts, 1);
    assert_int_equal(counters.tls_failures, 1);
}

static void test_afterwards_the_deadline_is_the_sessions(void **state)
{
    (void)state;
    shake_hands(SIZE_MAX);
    pair_wait(&p, 6000);
    pair_assert_calls(&p, "timeout ");
    assert_non_null(p.conn);
}

static void test_the_server_name(void **state)
{
    (void)state;
    char text[200];
    certs_make(&certs, "_.example.test", "wild");
    assert_int_equal(mbedtls_ssl_set_hostname(&client.ssl, "www.example.test"), 0);
    shake_hands(SIZE_MAX);
    assert_string_equal(certs_name(mbedtls_ssl_get_peer_cert(&client.ssl), text), "wild");
}

/* The same client again, on a new connection. */
static void reconnect(const mbedtls_ssl_session *session)
{
    conn_close(p.conn, CONN_DONE);
    pair_turn(&p);
    close(p.client);
    connect_pair();
    assert_int_equal(mbedtls_ssl_session_reset(&client.ssl), 0);
    assert_int_equal(mbedtls_ssl_set_session(&client.ssl, session), 0);
    shake_hands(SIZE_MAX);
}

static void resume(bool with_ticket, int64_t after_s, bool is_resumed)
{
    mbedtls_ssl_session session;
    mbedtls_ssl_session_init(&session);
    mbedtls_ssl_conf_session_tickets(&client.settings, with_ticket
                                                           ? MBEDTLS_SSL_SESSION_TICKETS_ENABLED
                                                           : MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
    shake_hands(SIZE_MAX);
    assert_int_equal(mbedtls_ssl_get_session(&client.ssl, &session), 0);
    now_s += after_s;
    reconnect(&session);
    assert_int_equal(counters.tls_handshakes, 2);
    assert_int_equal(counters.tls_resumed, is_resumed);
    mbedtls_ssl_session_free(&session);
}

static void test_a_ticket_resumes(void **state)
{
    (void)state;
    resume(true, 60, true);
}

static void test_an_id_resumes(void **state)
{
    (void)state;
    resume(false, 60, true);
}

static void test_a_ticket_expires(void **state)
{
    (void)state;
    resume(true, SESSION_LIFETIME_S, false);
}

static void test_an_id_expires(void **state)
{
    (void)state;
    resume(false, SESSION_LIFETIME_S, false);
}

/* A ticket of the last second of its key is good for as long as any other. */
static void test_a_key_opens_after_it_has_sealed(void **state)
{
    (void)state;
    struct ticket_key key = {.name = "test", .secret = "0", .since_s = now_s};
    assert_int_equal(tickets_install(&shared->tickets, &key), 0);
    now_s += SESSION_LIFETIME_S - 1;
    resume(true, SESSION_LIFETIME_S - 1, true);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#if defined(MBEDTLS_SSL_PROTO_TLS1_3)

/* The library sends tickets ahead of the first bytes that the server writes. */
static void take_ticket(mbedtls_ssl_session *session)
{
    unsigned char byte;
    int code, turns = 0;
    conn_write(p.conn, SLICE("x"));
    pair_turn(&p);
    do
        code = mbedtls_ssl_read(&client.ssl, &byte, 1);
    while (code == MBEDTLS_ERR_SSL_WANT_READ && turns++ < 10);
    assert_int_equal(code, MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET);
    assert_int_equal(mbedtls_ssl_get_session(&client.ssl, session), 0);
    assert_int_equal(mbedtls_ssl_read(&client.ssl, &byte, 1), 1);
    assert_int_equal(byte, 'x');
}

static void test_1_3_both_directions(void **state)
{
    (void)state;
    char heard[16], text[200];
    certs_make(&certs, "_.example.test", "wild");
    assert_int_equal(mbedtls_ssl_set_hostname(&client.ssl, "www.example.test"), 0);
    shake_hands(1);
    assert_string_equal(mbedtls_ssl_get_version(&client.ssl), "TLSv1.3");
    assert_string_equal(certs_name(mbedtls_ssl_get_peer_cert(&client.ssl), text), "wild");
    say("hello", 5);
    pair_turn(&p);
    pair_assert_calls(&p, "input:5 ");
    conn_write(p.conn, SLICE("answer"));
    pair_turn(&p);
    assert_int_equal(mbedtls_ssl_read(&client.ssl, (unsigned char *)heard, sizeof heard), 6);
    assert_memory_equal(heard, "answer", 6);
    assert_int_equal(counters.tls_handshakes, 1);
    assert_int_equal(counters.tls_resumed, 0);
}

static void signal_tickets(void)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03060100
    mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(
        &client.settings, MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
#endif
}

static void resume_1_3(int64_t after_s, bool is_resumed)
{
    mbedtls_ssl_session session;
    mbedtls_ssl_session_init(&session);
    signal_tickets();
    shake_hands(SIZE_MAX);
    take_ticket(&session);
    now_s += after_s;
    reconnect(&session);
    assert_int_equal(counters.tls_handshakes, 2);
    assert_int_equal(counters.tls_resumed, is_resumed);
    mbedtls_ssl_session_free(&session);
}

/* A session of 1.3 does not remember who the client was. */
static void test_1_3_no_ticket_where_clients_are_known(void **state)
{
    (void)state;
    unsigned char byte;
    int code, turns = 0;
    signal_tickets();
    conn_close(p.conn, CONN_DONE);
    pair_turn(&p);
    close(p.client);
    tls_context_unref(context);
    context = make_context(TLS_VERIFY_OPTIONAL);
    p.conns.transport_config = context;
    connect_pair();
    shake_hands(SIZE_MAX);
    conn_write(p.conn, SLICE("x"));
    pair_turn(&p);
    do
        code = mbedtls_ssl_read(&client.ssl, &byte, 1);
    while (code == MBEDTLS_ERR_SSL_WANT_READ && turns++ < 10);
    assert_int_equal(code, 1);
}

static void test_1_3_a_ticket_resumes(void **state)
{
    (void)state;
    resume_1_3(60, true);
}

static void test_1_3_a_ticket_expires(void **state)
{
    (void)state;
    resume_1_3(SESSION_LIFETIME_S, false);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_handshake_and_both_directions),
        TEST(test_a_handshake_byte_by_byte),
        TEST(test_a_record_larger_than_the_buffer),
        TEST(test_records_read_ahead_wait_for_a_pause),
        TEST(test_a_full_buffer_loses_nothing),
        TEST(test_partial_writes),
        TEST(test_the_end_is_announced),
        TEST(test_an_end_that_is_announced),
        TEST(test_an_end_that_is_not),
        TEST(test_bytes_that_were_changed),
        TEST(test_plain_text_is_no_handshake),
        TEST(test_who_says_nothing_is_no_failure),
        TEST(test_a_handshake_has_a_deadline),
        TEST(test_afterwards_the_deadline_is_the_sessions),
        TEST(test_the_server_name),
#if defined(MBEDTLS_SSL_PROTO_TLS1_3)
#define TEST_1_3(name) cmocka_unit_test_setup_teardown(name, set_up_1_3, tear_down)
        TEST_1_3(test_1_3_both_directions),
        TEST_1_3(test_1_3_a_ticket_resumes),
        TEST_1_3(test_1_3_a_ticket_expires),
        TEST_1_3(test_1_3_no_ticket_where_clients_are_known),
#endif
        TEST(test_a_ticket_resumes),
        TEST(test_an_id_resumes),
        TEST(test_a_ticket_expires),
        TEST(test_an_id_expires),
        TEST(test_a_key_opens_after_it_has_sealed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
