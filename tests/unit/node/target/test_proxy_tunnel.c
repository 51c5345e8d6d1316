/* WebSockets through a Proxy: the handshake as the upstream and the client see it, and then bytes
 * both ways, held back by the slower side, until one of them ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/base/log.h"
#include "tests/unit/node/target/proxying.h"

#include <signal.h>

#define KEYS "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
#define ASK                                                                         \
    "GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: keep-alive, " \
    "Upgrade\r\n" KEYS "\r\n"
#define SENT                                                                                    \
    "GET /ws HTTP/1.1\r\nHost: h\r\n" KEYS ADDED "Via: 1.1 mongrel2\r\nConnection: upgrade\r\n" \
    "Upgrade: websocket\r\n\r\n"
#define ACCEPT "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define SWITCH                                                                                 \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" ACCEPT \
    "\r\n"
#define SWITCHED                                                                               \
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n" ACCEPT \
    "\r\n"

static void open_tunnel(struct proxying *p)
{
    begin(p);
    pass_time(p, 1);
    ask(p, ASK);
    assert_says(far_hears(p, &p->far[0]), SENT);
    far_says(p, &p->far[0], SWITCH);
    assert_says(client_hears(p, NULL), SWITCHED);
}

static void close_tunnel(struct proxying *p)
{
    far_hang_up(&p->far[0]);
    settle(p);
    clock_fake_stop();
    stop(p);
}

static void test_both_ways(void **state)
{
    (void)state;
    struct proxying p;
    open_tunnel(&p);
    ask(&p, "GET / HTTP/1.1\r\n\r\n"); /* bytes, whatever they look like */
    assert_says(far_hears(&p, &p.far[0]), "GET / HTTP/1.1\r\n\r\n");
    far_says(&p, &p.far[0], "HTTP/1.1 200 OK\r\n\r\n");
    assert_says(client_hears(&p, NULL), "HTTP/1.1 200 OK\r\n\r\n");
    bool ended;
    far_says(&p, &p.far[0], "bye");
    far_hang_up(&p.far[0]);
    assert_says(client_hears(&p, &ended), "bye");
    assert_true(ended);
    assert_int_equal(p.serving.worker.exchanges.in_use, 0);
    assert_int_equal(p.serving.upstreams.conns.count, 0);
    assert_int_equal(p.serving.worker.counters.responses_1xx, 1);
    close_tunnel(&p);
}

/* What either side sends right behind its head is not lost. */
static void test_bytes_sent_ahead(void **state)
{
    (void)state;
    struct proxying p;
    begin(&p);
    pass_time(&p, 1);
    ask(&p, ASK "from the client");
    assert_says(far_hears(&p, &p.far[0]), SENT); /* not before there is a tunnel */
    far_says(&p, &p.far[0], SWITCH "from the server");
    assert_says(client_hears(&p, NULL), SWITCHED "from the server");
    assert_says(far_hears(&p, &p.far[0]), "from the client");
    close_tunnel(&p);
}

/* A client that ends its direction is heard to the end, and hears the rest. */
static void test_half_close(void **state)
{
    (void)state;
    struct proxying p;
    open_tunnel(&p);
    ask(&p, "last");
    shutdown(p.serving.client, SHUT_WR);
    assert_says(far_hears(&p, &p.far[0]), "last");
    assert_int_equal(read(p.far[0].conn, &(char){0}, 1), 0);
    far_says(&p, &p.far[0], "answer");
    bool ended;
    assert_says(client_hears(&p, &ended), "answer");
    assert_false(ended);
    far_hang_up(&p.far[0]);
    client_hears(&p, &ended);
    assert_true(ended);
    close_tunnel(&p);
}

/* An upstream that does not want to: an answer like others, and both connections go on. */
static void test_refused(void **state)
{
    (void)state;
    struct proxying p;
    begin(&p);
    pass_time(&p, 1);
    for (int i = 0; i < 2; i++) {
        ask(&p, ASK);
        assert_says(far_hears(&p, &p.far[0]), SENT);
        far_says(&p, &p.far[0], HELLO);
        assert_says(client_hears(&p, NULL), HELLO);
    }
    assert_int_equal(p.serving.worker.counters.upstream_connects, 1);
    close_tunnel(&p);
}

/* Other protocols are not offered to the upstream, and a 101 that was not asked for, or is to
 * something else, is no answer. */
static void test_what_is_no_handshake(void **state)
{
    (void)state;
    struct proxying p;
    begin(&p);
    ask(&p, "GET /x HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\n"
            "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n");
    assert_says(far_hears(&p, &p.far[0]), SENT_X);
    far_says(&p, &p.far[0], SWITCH);
    assert_true(is_status(client_hears(&p, NULL), BAD_GATEWAY));
    serving_disconnect(&p.serving);
    ask(&p, ASK);
    far_hears(&p, &p.far[0]);
    far_says(&p, &p.far[0], "HTTP/1.1 101 S\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n");
    assert_true(is_status(client_hears(&p, NULL), BAD_GATEWAY));
    stop(&p);
}

/* Quiet in both directions for proxy.tunnel_timeout; each byte begins it anew. The deadlines of
 * requests and bodies mean nothing here. */
static void test_idle(void **state)
{
    (void)state;
    struct proxying p;
    bool ended;
    open_tunnel(&p);
    for (int i = 0; i < 3; i++) {
        pass_time(&p, 3000000);
        if (i == 1)
            far_says(&p, &p.far[0], "x");
        else
            ask(&p, "x");
        client_hears(&p, &ended);
        assert_false(ended);
    }
    pass_time(&p, 3700000);
    client_hears(&p, &ended);
    assert_true(ended);
    assert_int_equal(p.serving.worker.counters.timeouts, 1);
    assert_int_equal(p.serving.upstreams.conns.count, 0);
    close_tunnel(&p);
}

/* `from` sends as much as goes in while `to` does not read: a bound holds. Then all arrives. */
static void check_held_back(struct proxying *p, int from, int to, const struct conns *slow)
{
    enum { TOTAL = 8 << 20, BLOCK = 65536 };
    char *block = calloc(2, BLOCK);
    assert_non_null(block);
    size_t sent = 0, got = 0, most = 0;
    for (int stuck = 0; stuck < 30; stuck++) {
        ssize_t n = write(from, block, BLOCK);
        stuck = n > 0 ? 0 : stuck;
        sent += n > 0 ? (size_t)n : 0;
        settle(p);
        const struct conn *c = container_of(slow->all.next, struct conn, link);
        most = c->out.bytes > most ? c->out.bytes : most;
        assert_true(sent < TOTAL);
    }
    assert_in_range(most, 128 << 10, (256 << 10) + SERVING_BUFFER + 512);
    for (int quiet = 0; quiet < 30; quiet++) {
        ssize_t n = read(to, block + BLOCK, BLOCK);
        got += n > 0 ? (size_t)n : 0;
        quiet = n > 0 ? 0 : quiet;
        settle(p);
    }
    assert_int_equal(got, sent);
    free(block);
}

static void test_slow_sides(void **state)
{
    (void)state;
    struct proxying p;
    open_tunnel(&p);
    fcntl(p.far[0].conn, F_SETFL, O_NONBLOCK);
    check_held_back(&p, p.far[0].conn, p.serving.client, &p.serving.worker.conns);
    check_held_back(&p, p.serving.client, p.far[0].conn, &p.serving.upstreams.conns);
    close_tunnel(&p);
}

/* A handler that answered an earlier request of the connection still knows its id. */
static void test_handlers_are_not_heard_in_it(void **state)
{
    (void)state;
    struct proxying p;
    bool ended;
    open_tunnel(&p);
    struct conn *c = container_of(p.serving.worker.conns.all.next, struct conn, link);
    c->session->push(c, &(struct push){.bytes = SLICE("late")});
    c->session->push(c, &(struct push){.bytes = SLICE("")});
    settle(&p);
    assert_says(client_hears(&p, &ended), "");
    assert_false(ended);
    far_says(&p, &p.far[0], "on");
    assert_says(client_hears(&p, &ended), "on");
    close_tunnel(&p);
}

static void test_client_vanishes(void **state)
{
    (void)state;
    struct proxying p;
    open_tunnel(&p);
    serving_disconnect(&p.serving);
    far_says(&p, &p.far[0], "x");
    settle(&p);
    assert_int_equal(p.serving.worker.exchanges.in_use, 0);
    assert_int_equal(p.serving.upstreams.conns.count, 0);
    close_tunnel(&p);
}

int main(void)
{
    log_set_level(LOG_ERROR_LEVEL);
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ways),
        cmocka_unit_test(test_bytes_sent_ahead),
        cmocka_unit_test(test_half_close),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_what_is_no_handshake),
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_slow_sides),
        cmocka_unit_test(test_handlers_are_not_heard_in_it),
        cmocka_unit_test(test_client_vanishes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
