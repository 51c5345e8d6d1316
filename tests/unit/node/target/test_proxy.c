/* Proxied requests, whole: what the upstream gets and what the client gets, byte for byte. The test
 * plays both, on real sockets, and steps the loop between. Rows S5, S6, S16 and P1-P9 of the list
 * of upstream's defects are here or in test_forward.c and test_response_head.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "node/backend/backend.h"
#include "node/exchange/report.h"
#include "node/target/proxy.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "tests/unit/node/target/proxying.h"

#include <signal.h>

static void test_round_trip(void **state)
{
    (void)state;
    struct proxying p;
    begin(&p);
    ask(&p, GET_X);
    assert_says(far_hears(&p, &p.far[0]), SENT_X);
    far_says(&p, &p.far[0], HELLO);
    assert_says(client_hears(&p, NULL), HELLO);
    /* the connection is kept, for every client */
    serving_disconnect(&p.serving);
    ask(&p, GET_X);
    int fd = p.far[0].conn;
    assert_says(far_hears(&p, &p.far[0]), SENT_X);
    assert_int_equal(p.far[0].conn, fd);
    far_says(&p, &p.far[0], HELLO);
    assert_says(client_hears(&p, NULL), HELLO);
    assert_int_equal(p.serving.worker.counters.upstream_connects, 1);
    stop(&p);
}

/* -- responses ------------------------------------------------------------------------------ */

struct response_row {
    const char *request; /* NULL: GET_X */
    const char *response;
    const char *want;
    bool ends;  /* the upstream hangs up behind it */
    bool close; /* the client's connection closes */
    bool kept;  /* the upstream's connection is kept */
};

#define HEAD_X  "HEAD /x HTTP/1.1\r\nHost: h\r\n\r\n"
#define OLD_X   "GET /x HTTP/1.0\r\nHost: h\r\n\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"

static const struct response_row responses[] = {
    {NULL, HELLO, HELLO, false, false, true},
    {NULL, "HTTP/1.1 200\nDate: x\nContent-Length:5\n\nhello", /* P9 */
     "HTTP/1.1 200 \r\nDate: x\r\nContent-Length: 5\r\n\r\nhello", false, false, true},
    {NULL, "HTTP/1.1 404 Nope\r\nDate: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
     "HTTP/1.1 404 Nope\r\nDate: x\r\nContent-Length: 0\r\n\r\n", false, false, false},
    {NULL,
     "HTTP/1.1 200 OK\r\nDate: x\r\nKeep-Alive: timeout=5\r\nConnection: x-own, keep-alive\r\n"
     "X-Own: 1\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n",
     "HTTP/1.1 200 OK\r\nDate: x\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: "
     "0\r\n\r\n",
     false, false, true},
    /* chunks; trailers and extensions end here (P5) */
    {NULL,
     "HTTP/1.1 200 OK\r\nDate: x\r\n" CHUNKED
     "\r\n5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: t\r\n\r\n",
     "HTTP/1.1 200 OK\r\nDate: x\r\n" CHUNKED "\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", false,
     false, true},
    {OLD_X, "HTTP/1.1 200 OK\r\nDate: x\r\n" CHUNKED "\r\n5\r\nhello\r\n0\r\n\r\n",
     "HTTP/1.1 200 OK\r\nDate: x\r\nConnection: close\r\n\r\nhello", false, true, true},
    {OLD_X, HELLO,
     "HTTP/1.1 200 OK\r\n" DATED
     "Server: far\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
     false, true, true},
    /* until the upstream closes */
    {NULL, "HTTP/1.1 200 OK\r\nDate: x\r\n\r\nhello",
     "HTTP/1.1 200 OK\r\nDate: x\r\n" CHUNKED "\r\n5\r\nhello\r\n0\r\n\r\n", true, false, false},
    {NULL, "HTTP/1.0 200 OK\r\nDate: x\r\n\r\nhello",
     "HTTP/1.1 200 OK\r\nDate: x\r\n" CHUNKED "\r\n5\r\nhello\r\n0\r\n\r\n", true, false, false},
    {NULL, "HTTP/1.0 200 OK\r\nDate: x\r\nContent-Length: 5\r\n\r\nhello",
     "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 5\r\n\r\nhello", false, false, false},
    /* without body (P2) */
    {HEAD_X, "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 5\r\n\r\n",
     "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 5\r\n\r\n", false, false, true},
    {HEAD_X, "HTTP/1.1 200 OK\r\nDate: x\r\n" CHUNKED "\r\n", "HTTP/1.1 200 OK\r\nDate: x\r\n\r\n",
     false, false, true},
    {NULL, "HTTP/1.1 204 No Content\r\nDate: x\r\n\r\n",
     "HTTP/1.1 204 No Content\r\nDate: x\r\n\r\n", false, false, true},
    {NULL, "HTTP/1.1 304 Not Modified\r\nDate: x\r\nContent-Length: 5\r\nETag: \"a\"\r\n\r\n",
     "HTTP/1.1 304 Not Modified\r\nDate: x\r\nETag: \"a\"\r\nContent-Length: 5\r\n\r\n", false,
     false, true},
    /* interim (P6) */
    {NULL, "HTTP/1.1 100 Continue\r\n\r\n" HELLO, HELLO, false, false, true},
    {NULL, "HTTP/1.1 103 Early Hints\r\nLink: a\r\nConnection: x\r\n\r\n" HELLO,
     "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" HELLO, false, false, true},
    {OLD_X, "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 204 No\r\nDate: x\r\n\r\n",
     "HTTP/1.1 204 No\r\nDate: x\r\nConnection: close\r\n\r\n", false, true, true},
    /* more than was announced: the client gets what was, the connection serves nobody else */
    {NULL, HELLO "HTTP/1.1 200 OK\r\n", HELLO, false, false, false},
    /* cut off: the client must see it */
    {NULL, "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 50\r\n\r\nhello",
     "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 50\r\n\r\nhello", true, true, false},
    {NULL, "HTTP/1.1 200 OK\r\nDate: x\r\n" CHUNKED "\r\n5\r\nhello\r\n",
     "HTTP/1.1 200 OK\r\nDate: x\r\n" CHUNKED "\r\n5\r\nhello\r\n", true, true, false},
    {NULL, "HTTP/1.1 200 OK\r\nDate: x\r\n" CHUNKED "\r\n5\r\nhelloXX",
     "HTTP/1.1 200 OK\r\nDate: x\r\n" CHUNKED "\r\n5\r\nhello\r\n", false, true, false},
};

static void check_response(const struct response_row *row, size_t step)
{
    struct proxying p;
    struct buf heard = BUF_INIT;
    begin(&p);
    ask(&p, row->request != NULL ? row->request : GET_X);
    far_hears(&p, &p.far[0]);
    bool ended = false;
    for (size_t at = 0, len = strlen(row->response); at < len; at += step) {
        size_t part = len - at < step ? len - at : step;
        if (write(p.far[0].conn, row->response + at, part) < 0)
            break; /* the rest is not wanted any more */
        buf_append_slice(&heard, client_hears(&p, &ended));
    }
    if (row->ends)
        far_hang_up(&p.far[0]);
    buf_append_slice(&heard, client_hears(&p, &ended));
    if (step > 1000)
        assert_says(buf_slice(&heard), row->want);
    assert_int_equal(ended, row->close);
    struct upstream *u = map_get(&p.serving.upstreams.by_name,
                                 map_key(map_first(&p.serving.upstreams.by_name)));
    assert_int_equal(u->idle_count, row->kept);
    assert_int_equal(u->active, 0);
    buf_fini(&heard);
    stop(&p);
}

static void test_responses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof responses / sizeof *responses; i++)
        check_response(&responses[i], 1000000);
}

/* In single bytes the chunks come out otherwise, but the end and the connections must be the same;
 * bytes behind the end, when they come late, reach an idle connection. */
static void test_dribbled_responses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof responses / sizeof *responses; i++)
        check_response(&responses[i], 1);
}

static void test_date_is_added(void **state)
{
    (void)state;
    struct proxying p;
    begin(&p);
    ask(&p, GET_X);
    far_hears(&p, &p.far[0]);
    far_says(&p, &p.far[0], "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_true(is_status(client_hears(&p, NULL), "HTTP/1.1 200 OK\r\nDate: "));
    stop(&p);
}

/* What is no answer: 502 (P1), and the client may see nothing of it. */
static void test_garbage(void **state)
{
    (void)state;
    static const char *const garbage[] = {
        "ICY 200 OK\r\n\r\n",
        "HTTP/1.1 abc\r\n\r\n",
        "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n" CHUNKED "\r\n",
    };
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        struct proxying p;
        begin(&p);
        ask(&p, GET_X);
        far_hears(&p, &p.far[0]);
        far_says(&p, &p.far[0], garbage[i]);
        bool ended;
        assert_true(is_status(client_hears(&p, &ended), BAD_GATEWAY));
        assert_true(ended);
        stop(&p);
    }
}

static void test_head_too_large(void **state)
{
    (void)state;
    struct proxying p;
    begin(&p);
    ask(&p, GET_X);
    far_hears(&p, &p.far[0]);
    far_says(&p, &p.far[0], "HTTP/1.1 200 OK\r\nA: ");
    char *bytes = malloc(SERVING_BUFFER);
    assert_non_null(bytes);
    memset(bytes, 'a', SERVING_BUFFER);
    assert_int_equal(write(p.far[0].conn, bytes, SERVING_BUFFER), SERVING_BUFFER);
    free(bytes);
    assert_true(is_status(client_hears(&p, NULL), BAD_GATEWAY));
    stop(&p);
}

static void test_many_fields(void **state)
{
    (void)state;
    for (int count = 60; count <= 260; count += 100) {
        struct proxying p;
        struct buf response = BUF_INIT;
        begin(&p);
        ask(&p, GET_X);
        far_hears(&p, &p.far[0]);
        buf_append_str(&response, "HTTP/1.1 200 OK\r\n");
        for (int i = 0; i < count; i++)
            buf_printf(&response, "X-%d: %d\r\n", i, i);
        buf_append_str(&response, "Date: x\r\nContent-Length: 0\r\n\r\n");
        far_says(&p, &p.far[0], buf_str(&response));
        struct slice got = client_hears(&p, NULL);
        if (count < 256)
            assert_true(slice_eq(got, buf_slice(&response)));
        else
            assert_true(is_status(got, BAD_GATEWAY));
        buf_fini(&response);
        stop(&p);
    }
}

/* -- request bodies ------------------------------------------------------------------------- */

#define POST      "POST /p HTTP/1.1\r\nHost: h\r\n"
#define SENT_POST "POST /p HTTP/1.1\r\nHost: h\r\n" ADDED "Via: 1.1 mongrel2\r\n"

static void test_body_with_length(void **state)
{
    (void)state;
    struct proxying p;
    begin(&p);
    ask(&p, POST "Content-Length: 11\r\n\r\nhello");
    assert_says(far_hears(&p, &p.far[0]), SENT_POST "Content-Length: 11\r\n\r\nhello");
    ask(&p, " world" GET_X);
    assert_says(far_hears(&p, &p.far[0]), " world");
    far_says(&p, &p.far[0], HELLO);
    /* the request behind it goes out when the first is answered, on the same connection (S5) */
    assert_says(far_hears(&p, &p.far[0]), SENT_X);
    far_says(&p, &p.far[0], HELLO);
    assert_says(client_hears(&p, NULL), HELLO HELLO);
    assert_int_equal(p.serving.worker.counters.upstream_connects, 1);
    stop(&p);
}

static void test_chunked_body(void **state)
{
    (void)state;
    struct proxying p;
    begin(&p);
    ask(&p, POST CHUNKED "\r\n5;x\r\nhello\r\n");
    assert_says(far_hears(&p, &p.far[0]), SENT_POST CHUNKED "\r\n5\r\nhello\r\n");
    ask(&p, "6\r\n wor");
    assert_says(far_hears(&p, &p.far[0]), "4\r\n wor\r\n");
    ask(&p, "ld\r\n0\r\nTrailer: x\r\n\r\n");
    assert_says(far_hears(&p, &p.far[0]), "2\r\nld\r\n0\r\n\r\n");
    far_says(&p, &p.far[0], HELLO);
    assert_says(client_hears(&p, NULL), HELLO);
    stop(&p);
}

static void test_bad_chunk(void **state)
{
    (void)state;
    struct proxying p;
    begin(&p);
    ask(&p, POST CHUNKED "\r\n5\r\nhelloXX");
    assert_true(slice_starts_with(far_hears(&p, &p.far[0]), SLICE(SENT_POST CHUNKED "\r\n")));
    assert_int_equal(read(p.far[0].conn, &(char){0}, 1), 0); /* cut off, not ended */
    stop(&p);
}

static void test_expect(void **state)
{
    (void)state;
    struct proxying p;
    begin(&p);
    /* asked for by the upstream */
    assert_says(ask(&p, POST "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n"), "");
    assert_says(far_hears(&p, &p.far[0]),
                "POST /p HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n" ADDED
                "Via: 1.1 mongrel2\r\nContent-Length: 5\r\n\r\n");
    far_says(&p, &p.far[0], "HTTP/1.1 100 Continue\r\n\r\n");
    assert_says(client_hears(&p, NULL), "HTTP/1.1 100 Continue\r\n\r\n");
    ask(&p, "hello");
    assert_says(far_hears(&p, &p.far[0]), "hello");
    far_says(&p, &p.far[0], HELLO);
    assert_says(client_hears(&p, NULL), HELLO);
    /* refused by the upstream: the body never flows, nobody can tell what comes next */
    ask(&p, POST "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    far_hears(&p, &p.far[0]);
    bool ended;
    far_says(&p, &p.far[0], "HTTP/1.1 417 No\r\nDate: x\r\nContent-Length: 0\r\n\r\n");
    assert_true(is_status(client_hears(&p, &ended), "HTTP/1.1 417 No\r\n"));
    assert_true(ended);
    stop(&p);
}

/* An upstream that does not know Expect. */
static void test_expect_in_silence(void **state)
{
    (void)state;
    struct proxying p;
    begin(&p);
    pass_time(&p, 1);
    ask(&p, POST "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    far_hears(&p, &p.far[0]);
    pass_time(&p, 1200);
    assert_says(client_hears(&p, NULL), "HTTP/1.1 100 Continue\r\n\r\n");
    ask(&p, "hello");
    assert_says(far_hears(&p, &p.far[0]), "hello");
    far_says(&p, &p.far[0], HELLO);
    assert_says(client_hears(&p, NULL), HELLO);
    clock_fake_stop();
    stop(&p);
}

/* An answer before the body is whole is an answer. */
static void test_early_answer(void **state)
{
    (void)state;
    struct proxying p;
    begin(&p);
    ask(&p, POST "Content-Length: 11\r\n\r\nhello");
    far_hears(&p, &p.far[0]);
    far_says(&p, &p.far[0], HELLO);
    assert_says(client_hears(&p, NULL), HELLO);
    assert_says(ask(&p, " world" GET_X), "");
    assert_says(far_hears(&p, &p.far[0]), SENT_X); /* on a connection of its own */
    assert_int_equal(p.serving.worker.counters.upstream_connects, 2);
    far_says(&p, &p.far[0], HELLO);
    assert_says(client_hears(&p, NULL), HELLO);
    stop(&p);
}

/* -- failures ------------------------------------------------------------------------------- */

static void test_nobody_there(void **state)
{
    (void)state;
    struct proxying p;
    begin(&p);
    close(p.far[0].listener);
    p.far[0].listener = -1;
    assert_true(is_status(ask(&p, GET_X), BAD_GATEWAY));
    assert_int_equal(p.serving.worker.counters.upstream_errors, 2); /* one retry */
    serving_disconnect(&p.serving);
    assert_true(is_status(ask(&p, POST "Content-Length: 5\r\n\r\nhello"), BAD_GATEWAY));
    stop(&p);
}

static void test_another_upstream(void **state)
{
    (void)state;
    struct proxying p;
    start(&p, 2, "timeout=60", "retries=1");
    close(p.far[0].listener);
    p.far[0].listener = -1;
    for (int i = 0; i < 4; i++) { /* POST too: nothing was sent to the first */
        ask(&p, POST "Content-Length: 5\r\n\r\nhello");
        assert_says(far_hears(&p, &p.far[1]), SENT_POST "Content-Length: 5\r\n\r\nhello");
        far_says(&p, &p.far[1], HELLO);
        assert_says(client_hears(&p, NULL), HELLO);
    }
    assert_int_equal(p.serving.worker.counters.upstream_errors, 1); /* avoided after the first */
    stop(&p);
}

/* Hung up without a word: a request that may be repeated goes out once more (P1, P7). */
static void test_repeated(void **state)
{
    (void)state;
    struct proxying p;
    begin(&p);
    ask(&p, GET_X);
    assert_says(far_hears(&p, &p.far[0]), SENT_X);
    far_hang_up(&p.far[0]);
    assert_says(far_hears(&p, &p.far[0]), SENT_X);
    far_hang_up(&p.far[0]);
    bool ended;
    assert_true(is_status(client_hears(&p, &ended), BAD_GATEWAY));
    assert_true(ended);
    stop(&p);
}

static void test_not_repeated(void **state)
{
    (void)state;
    static const char *const requests[] = {
        POST "\r\n",
        POST "Content-Length: 5\r\n\r\nhello",
        "PUT /p HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", /* its body is gone */
        "STRANGE /p HTTP/1.1\r\nHost: h\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct proxying p;
        begin(&p);
        ask(&p, requests[i]);
        assert_true(far_hears(&p, &p.far[0]).len > 0);
        far_hang_up(&p.far[0]);
        assert_true(is_status(client_hears(&p, NULL), BAD_GATEWAY));
        assert_int_equal(accept(p.far[0].listener, NULL, NULL), -1);
        stop(&p);
    }
}

/* The connection was kept and dies under the request: that costs no retry. */
static void test_stale(void **state)
{
    (void)state;
    struct proxying p;
    start(&p, 1, "timeout=60", "retries=0");
    ask(&p, GET_X);
    far_hears(&p, &p.far[0]);
    far_says(&p, &p.far[0], HELLO);
    assert_says(client_hears(&p, NULL), HELLO);
    ask(&p, GET_X);
    assert_says(far_hears(&p, &p.far[0]), SENT_X);
    far_hang_up(&p.far[0]);
    assert_says(far_hears(&p, &p.far[0]), SENT_X);
    far_says(&p, &p.far[0], HELLO);
    assert_says(client_hears(&p, NULL), HELLO);
    assert_int_equal(p.serving.worker.counters.upstream_connects, 2);
    stop(&p);
}

/* The upstream has closed a kept connection and the loop has not yet seen it: a request that cannot
 * be repeated looks first. */
static void test_closed_while_idle(void **state)
{
    (void)state;
    struct proxying p;
    begin(&p);
    ask(&p, GET_X);
    far_hears(&p, &p.far[0]);
    far_says(&p, &p.far[0], HELLO);
    assert_says(client_hears(&p, NULL), HELLO);
    far_hang_up(&p.far[0]);
    ask(&p, POST "Content-Length: 5\r\n\r\nhello");
    assert_says(far_hears(&p, &p.far[0]), SENT_POST "Content-Length: 5\r\n\r\nhello");
    far_says(&p, &p.far[0], HELLO);
    assert_says(client_hears(&p, NULL), HELLO);
    stop(&p);
}

static void test_timeout(void **state)
{
    (void)state;
    struct proxying p;
    start(&p, 1, "timeout=2", "retries=1");
    pass_time(&p, 1);
    ask(&p, GET_X);
    far_hears(&p, &p.far[0]);
    pass_time(&p, 1500);
    assert_says(client_hears(&p, NULL), "");
    pass_time(&p, 1000);
    bool ended;
    assert_true(is_status(client_hears(&p, &ended), "HTTP/1.1 504 Gateway Timeout\r\n"));
    assert_true(ended);
    /* within the body: cut off */
    serving_disconnect(&p.serving);
    ask(&p, GET_X);
    far_hears(&p, &p.far[0]);
    far_says(&p, &p.far[0], "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
    pass_time(&p, 1500);
    far_says(&p, &p.far[0], "l");
    pass_time(&p, 1500);
    client_hears(&p, &ended);
    assert_false(ended);
    pass_time(&p, 1000);
    client_hears(&p, &ended);
    assert_true(ended);
    clock_fake_stop();
    stop(&p);
}

/* While the client takes its time to send, the upstream's time does not run. */
static void test_slow_upload(void **state)
{
    (void)state;
    struct proxying p;
    start(&p, 1, "timeout=2", "retries=1");
    pass_time(&p, 1);
    ask(&p, POST "Content-Length: 10\r\n\r\nhello");
    far_hears(&p, &p.far[0]);
    pass_time(&p, 2500);
    pass_time(&p, 2500);
    ask(&p, "world");
    assert_says(far_hears(&p, &p.far[0]), "world");
    far_says(&p, &p.far[0], HELLO);
    assert_says(client_hears(&p, NULL), HELLO);
    clock_fake_stop();
    stop(&p);
}

static void test_idle_connections_end(void **state)
{
    (void)state;
    struct proxying p;
    begin(&p);
    pass_time(&p, 1);
    ask(&p, GET_X);
    far_hears(&p, &p.far[0]);
    far_says(&p, &p.far[0], HELLO);
    assert_says(client_hears(&p, NULL), HELLO);
    assert_int_equal(p.serving.upstreams.conns.count, 1);
    pass_time(&p, 61000);
    assert_int_equal(p.serving.upstreams.conns.count, 0);
    clock_fake_stop();
    stop(&p);
}

/* A client that ends its direction may still read: only writing to it tells. */
static void test_client_leaves(void **state)
{
    (void)state;
    struct proxying p;
    begin(&p);
    struct freelist *exchanges = &p.serving.worker.exchanges;
    struct conns *far_conns = &p.serving.upstreams.conns;
    ask(&p, GET_X); /* before there is an answer */
    far_hears(&p, &p.far[0]);
    serving_disconnect(&p.serving);
    far_says(&p, &p.far[0], HELLO);
    assert_int_equal(exchanges->in_use, 0);
    assert_int_equal(far_conns->count, 1);            /* kept: the answer was whole */
    ask(&p, POST "Content-Length: 100\r\n\r\nhello"); /* in the middle of its body */
    far_hears(&p, &p.far[0]);
    serving_disconnect(&p.serving);
    assert_int_equal(exchanges->in_use, 0);
    assert_int_equal(far_conns->count, 0);
    ask(&p, GET_X); /* in the middle of the answer */
    far_hears(&p, &p.far[0]);
    far_says(&p, &p.far[0], "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello");
    serving_disconnect(&p.serving);
    far_says(&p, &p.far[0], " world");
    assert_int_equal(exchanges->in_use, 0);
    assert_int_equal(far_conns->count, 0);
    serving_connect(&p.serving); /* before there is a connection, in the middle of its body */
    static const char begun[] = POST "Content-Length: 100\r\n\r\nhello";
    assert_int_equal(write(p.serving.client, begun, sizeof begun - 1), sizeof begun - 1);
    serving_disconnect(&p.serving);
    settle(&p);
    stop(&p);
}

/* -- back-pressure -------------------------------------------------------------------------- */

#define LARGE ((size_t)8 << 20)

/* A client that does not read holds the upstream back; then all of it comes. */
static void test_slow_client(void **state)
{
    (void)state;
    struct proxying p;
    begin(&p);
    ask(&p, GET_X);
    far_hears(&p, &p.far[0]);
    char head[128], *block = malloc(65536);
    assert_non_null(block);
    memset(block, 'b', 65536);
    int len = snprintf(head, sizeof head,
                       "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: %zu\r\n\r\n", LARGE);
    assert_int_equal(write(p.far[0].conn, head, (size_t)len), len);
    size_t sent = 0, got = 0, most = 0;
    for (int stuck = 0; stuck < 50; stuck++) { /* as much as fits */
        ssize_t n = write(p.far[0].conn, block, LARGE - sent < 65536 ? LARGE - sent : 65536);
        sent += n > 0 ? (size_t)n : 0;
        stuck = n > 0 ? 0 : stuck;
        settle(&p);
        struct conn *c = container_of(p.serving.worker.conns.all.next, struct conn, link);
        most = c->out.bytes > most ? c->out.bytes : most;
    }
    assert_true(sent < LARGE);
    assert_in_range(most, 128 << 10, (256 << 10) + SERVING_BUFFER + 512);
    for (int quiet = 0; quiet < 50; quiet++) {
        ssize_t n = sent < LARGE
                        ? write(p.far[0].conn, block, LARGE - sent < 65536 ? LARGE - sent : 65536)
                        : 0;
        sent += n > 0 ? (size_t)n : 0;
        size_t heard = client_hears(&p, NULL).len;
        got += heard;
        quiet = heard > 0 || n > 0 ? 0 : quiet;
    }
    assert_int_equal(sent, LARGE);
    assert_int_equal(got, LARGE + (size_t)len);
    free(block);
    stop(&p);
}

/* An upstream that does not read holds the client back. */
static void test_slow_upstream(void **state)
{
    (void)state;
    struct proxying p;
    begin(&p);
    char head[128], *block = malloc(65536);
    assert_non_null(block);
    memset(block, 'b', 65536);
    snprintf(head, sizeof head, POST "Content-Length: %zu\r\n\r\n", LARGE);
    ask(&p, head);
    size_t got = far_hears(&p, &p.far[0]).len, sent = 0, most = 0, before = got;
    for (int stuck = 0; stuck < 50; stuck++) {
        ssize_t n = write(p.serving.client, block, LARGE - sent < 65536 ? LARGE - sent : 65536);
        sent += n > 0 ? (size_t)n : 0;
        stuck = n > 0 ? 0 : stuck;
        settle(&p);
        struct conn *c = container_of(p.serving.upstreams.conns.all.next, struct conn, link);
        most = c->out.bytes > most ? c->out.bytes : most;
    }
    assert_true(sent < LARGE);
    assert_in_range(most, 128 << 10, (256 << 10) + SERVING_BUFFER + 512);
    for (int quiet = 0; quiet < 50; quiet++) {
        ssize_t n = sent < LARGE ? write(p.serving.client, block,
                                         LARGE - sent < 65536 ? LARGE - sent : 65536)
                                 : 0;
        sent += n > 0 ? (size_t)n : 0;
        size_t heard = far_hears(&p, &p.far[0]).len;
        got += heard;
        quiet = heard > 0 || n > 0 ? 0 : quiet;
    }
    assert_int_equal(got - before, LARGE);
    far_says(&p, &p.far[0], HELLO);
    assert_says(client_hears(&p, NULL), HELLO);
    free(block);
    stop(&p);
}

/* -- configuration -------------------------------------------------------------------------- */

/* A new configuration with the same upstream finds its connections. */
static void test_swap_keeps_connections(void **state)
{
    (void)state;
    static const struct target_ops *const kinds[] = {&target_proxy, NULL};
    struct proxying p;
    begin(&p);
    struct worker *w = &p.serving.worker;
    ask(&p, GET_X);
    far_hears(&p, &p.far[0]);
    struct snapshot *old = w->snapshot;
    struct error e;
    assert_int_equal(build_snapshot(&w->snapshot, old->model, old->server, w, kinds, &e), 0);
    snapshot_unref(old); /* the exchange holds it on */
    far_says(&p, &p.far[0], HELLO);
    assert_says(client_hears(&p, NULL), HELLO);
    ask(&p, GET_X);
    assert_says(far_hears(&p, &p.far[0]), SENT_X);
    far_says(&p, &p.far[0], HELLO);
    assert_says(client_hears(&p, NULL), HELLO);
    assert_int_equal(w->counters.upstream_connects, 1);
    stop(&p);
}

static void test_by_name(void **state)
{
    (void)state;
    static const struct target_ops *const kinds[] = {&target_proxy, NULL};
    struct proxying p;
    char port[16];
    for (int i = 0; i < UPSTREAMS; i++)
        far_open(&p.far[i]);
    snprintf(port, sizeof port, "port=%u", p.far[0].port);
    struct model *m = model_create(NULL);
    fixture_server(m, "main", 6767);
    fixture_row(m, TABLE_HOST, "server_id=1", "name=a.test", NULL);
    fixture_row(m, TABLE_PROXY, "addr=localhost", port, NULL);
    fixture_row(m, TABLE_ROUTE, "path=/", "host_id=1", "target_id=1", "target_type=proxy", NULL);
    serving_start(&p.serving, m, kinds);
    ask(&p, GET_X);
    struct slice heard = SLICE_EMPTY;
    for (uint64_t end = clock_monotonic_ms() + 5000; heard.len == 0 && clock_monotonic_ms() < end;)
        heard = far_hears(&p, &p.far[0]);
    assert_says(heard, SENT_X);
    far_says(&p, &p.far[0], HELLO);
    assert_says(client_hears(&p, NULL), HELLO);
    stop(&p);
}

static void test_report(void **state)
{
    (void)state;
    struct proxying p;
    begin(&p);
    struct worker *w = &p.serving.worker;
    struct backends none;
    struct backend_upcall nobody = {NULL, NULL};
    struct buf text = BUF_INIT;
    char want[256];
    backends_init(&none, &w->loop, NULL, &w->counters, &nobody);
    w->backends = &none;
    ask(&p, GET_X);
    far_hears(&p, &p.far[0]);
    snprintf(want, sizeof want,
             "\"upstreams\":[{\"name\":\"127.0.0.1:%u\",\"requests\":1,\"connects\":1,"
             "\"errors\":0,\"active\":1,\"idle\":0,\"avoided\":0,\"checks\":0,"
             "\"checks_failed\":0,\"down\":0}]",
             p.far[0].port);
    report_json(w, &text);
    assert_non_null(strstr(buf_str(&text), want));
    far_says(&p, &p.far[0], HELLO);
    snprintf(want, sizeof want, "upstream_server_idle{upstream=\"127.0.0.1:%u\"} 1\n",
             p.far[0].port);
    buf_clear(&text);
    report_metrics(w, &text);
    assert_non_null(strstr(buf_str(&text), want));
    buf_fini(&text);
    backends_fini(&none);
    stop(&p);
}

static void test_bad_rows(void **state)
{
    (void)state;
    static const struct target_ops *const kinds[] = {&target_proxy, NULL};
    static const char *const rows[][2] = {
        {"upstreams=nonsense", "balance=hash"},
        {"upstreams=127.0.0.1:80", "balance=other"},
        {"upstreams=127.0.0.1:80 unix:", "balance=hash"},
        {"addr=127.0.0.1", "port=0"},
        {"addr=127.0.0.1", "port=70000"},
        {"addr=", "port=80"},
    };
    struct proxying p;
    begin(&p);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct model *m = model_create(NULL);
        fixture_server(m, "main", 6767);
        fixture_row(m, TABLE_HOST, "server_id=1", "name=a.test", NULL);
        fixture_row(m, TABLE_PROXY, rows[i][0], rows[i][1], NULL);
        fixture_row(m, TABLE_ROUTE, "path=/", "host_id=1", "target_id=1", "target_type=proxy",
                    NULL);
        struct snapshot *s;
        struct error e;
        assert_int_equal(model_freeze(m, &e), 0);
        assert_int_equal(
            build_snapshot(&s, m, model_row(m, TABLE_SERVER, 0), &p.serving.worker, kinds, &e), -1);
        model_unref(m);
    }
    assert_int_equal(map_count(&p.serving.upstreams.by_name), 1);
    stop(&p);
}

int main(void)
{
    log_set_level(LOG_ERROR_LEVEL);
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_responses),
        cmocka_unit_test(test_dribbled_responses),
        cmocka_unit_test(test_date_is_added),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_head_too_large),
        cmocka_unit_test(test_many_fields),
        cmocka_unit_test(test_body_with_length),
        cmocka_unit_test(test_chunked_body),
        cmocka_unit_test(test_bad_chunk),
        cmocka_unit_test(test_expect),
        cmocka_unit_test(test_expect_in_silence),
        cmocka_unit_test(test_early_answer),
        cmocka_unit_test(test_nobody_there),
        cmocka_unit_test(test_another_upstream),
        cmocka_unit_test(test_repeated),
        cmocka_unit_test(test_not_repeated),
        cmocka_unit_test(test_stale),
        cmocka_unit_test(test_closed_while_idle),
        cmocka_unit_test(test_timeout),
        cmocka_unit_test(test_slow_upload),
        cmocka_unit_test(test_idle_connections_end),
        cmocka_unit_test(test_client_leaves),
        cmocka_unit_test(test_slow_client),
        cmocka_unit_test(test_slow_upstream),
        cmocka_unit_test(test_swap_keeps_connections),
        cmocka_unit_test(test_by_name),
        cmocka_unit_test(test_report),
        cmocka_unit_test(test_bad_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
