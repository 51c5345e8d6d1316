/* HTTP/1 on one connection: bytes in, bytes out. Date and Server lines are left out. RFC 9112 and
 * 9110 where a section is named. */
#include "proto/base/clock.h"
#include "tests/unit/node/session/targets.h"

#define OK(len, body) \
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " len "\r\n\r\n" body
#define OK_CLOSE(len, body)                                               \
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " len \
    "\r\nConnection: close\r\n\r\n" body
#define ECHO(len, body) "HTTP/1.1 200 OK\r\nContent-Length: " len "\r\n\r\n" body
#define CHUNKED                                                                         \
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n" \
    "6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n"
#define REFUSED(status, len, body)                                             \
    "HTTP/1.1 " status "\r\nContent-Type: text/plain\r\nConnection: close\r\n" \
    "Content-Length: " len "\r\n\r\n" body
#define KEPT(status, len, fields, body)                                                     \
    "HTTP/1.1 " status "\r\nContent-Type: text/plain\r\nContent-Length: " len "\r\n" fields \
    "\r\n" body
#define H "Host: a.test\r\n"

static struct serving serving;
static uint64_t now_us;

struct example {
    const char *what;
    const char *request;
    const char *answer;
    bool ends; /* the server closes */
};

static void start(const char *const *settings)
{
    now_us = 1000000000;
    clock_fake(now_us, 1700000000000);
    seen_clear();
    serving_start(&serving, word_site(settings), word_kinds);
}

static int set_up(void **state)
{
    (void)state;
    static const char *const settings[] = {"limits.header_count=4", "limits.url_path=20",
                                           "limits.buffer_size=1024", NULL};
    start(settings);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    serving_stop(&serving);
    assert_int_equal(seen.started, seen.released);
    assert_int_equal(serving.worker.exchanges.in_use, 0);
    assert_int_equal(serving.worker.heads.in_use, 0);
    assert_int_equal(serving.worker.http1s.in_use, 0);
    assert_int_equal(serving.worker.conns.buffer_memory.in_use, 0);
    seen_clear();
    clock_fake_stop();
    return 0;
}

static void assert_answer(const struct example *e, struct slice got, bool ended)
{
    char *text = without_date(got);
    if (strcmp(text, e->answer) != 0)
        fail_msg("%s:\n--- expected\n%s\n--- but got\n%s", e->what, e->answer, text);
    if (ended != e->ends)
        fail_msg("%s: the connection %s", e->what, ended ? "was closed" : "stayed open");
    free(text);
}

static void run(const struct example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool ended = false;
        struct slice got = serving_ask(&serving, slice_str(examples[i].request), &ended);
        assert_answer(&examples[i], got, ended);
        serving_disconnect(&serving);
    }
}

/* The same, a byte at a time. */
static void run_dribbled(const struct example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct buf got = BUF_INIT;
        bool ended = false;
        serving_connect(&serving);
        for (const char *at = examples[i].request; *at != '\0' && !ended; at++) {
            if (send(serving.client, at, 1, MSG_NOSIGNAL) != 1)
                break;
            buf_append_slice(&got, serving_receive(&serving, &ended));
        }
        assert_answer(&examples[i], buf_slice(&got), ended);
        serving_disconnect(&serving);
        buf_fini(&got);
    }
}

#define RUN(examples) run(examples, sizeof examples / sizeof examples[0])

static const struct example keep_alive[] = {
    {"1.1 goes on", "GET /now HTTP/1.1\r\n" H "\r\n", OK("8", "GET /now"), false},
    {"close is honoured (9.6)", "GET /now HTTP/1.1\r\n" H "Connection: close\r\n\r\n",
     OK_CLOSE("8", "GET /now"), true},
    {"1.0 ends", "GET /now HTTP/1.0\r\n\r\n", OK_CLOSE("8", "GET /now"), true},
    {"1.0 goes on when it asks for it", "GET /now HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
     "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 8\r\nConnection: keep-alive"
     "\r\n\r\nGET /now",
     false},
    {"errors to 1.0 end", "GET /error HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
     "HTTP/1.1 405 Method Not Allowed\r\nContent-Type: text/plain\r\nConnection: close\r\n"
     "Content-Length: 18\r\nAllow: GET\r\n\r\nMethod Not Allowed",
     true},
    {"one empty line before a request is skipped (2.2)", "\r\nGET /now HTTP/1.1\r\n" H "\r\n",
     OK("8", "GET /now"), false},
};

static const struct example pipelines[] = {
    {"answers come in order (9.3.2)",
     "GET /now HTTP/1.1\r\n" H "\r\nHEAD /now HTTP/1.1\r\n" H "\r\nGET /chunked HTTP/1.1\r\n" H
     "\r\nOPTIONS /now HTTP/1.1\r\n" H "\r\n",
     OK("8", "GET /now") OK("9", "") CHUNKED OK("12", "OPTIONS /now"), false},
    {"what follows a close is not served",
     "GET /now HTTP/1.1\r\n" H "Connection: close\r\n\r\nGET /now HTTP/1.1\r\n" H "\r\n",
     OK_CLOSE("8", "GET /now"), true},
    {"bodies end where they say",
     "POST /body HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhelloGET /now HTTP/1.1\r\n" H "\r\n",
     ECHO("5", "hello") OK("8", "GET /now"), false},
    {"chunks too (7.1)",
     "POST /body HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n1\r\n!\r\n"
     "0\r\nTrailer: x\r\n\r\nGET /now HTTP/1.1\r\n" H "\r\n",
     ECHO("6", "hello!") OK("8", "GET /now"), false},
    {"a body nobody reads is read away (9.3)",
     "POST /now HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhelloGET /now HTTP/1.1\r\n" H "\r\n",
     OK("9", "POST /now") OK("8", "GET /now"), false},
    {"chunks nobody reads too",
     "POST /now HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"
     "GET /now HTTP/1.1\r\n" H "\r\n",
     OK("9", "POST /now") OK("8", "GET /now"), false},
    {"an error does not end it", "GET /error HTTP/1.1\r\n" H "\r\nGET /now HTTP/1.1\r\n" H "\r\n",
     KEPT("405 Method Not Allowed", "18", "Allow: GET\r\n", "Method Not Allowed")
         OK("8", "GET /now"),
     false},
    {"what was refused ends it", "GET /now HTTP/1.1\r\n" H "\r\nnonsense\r\n\r\n",
     OK("8", "GET /now") REFUSED("400 Bad Request", "11", "Bad Request"), true},
};

static const struct example framing[] = {
    {"HEAD has no body (RFC 9110 9.3.2)", "HEAD /now HTTP/1.1\r\n" H "\r\n", OK("9", ""), false},
    {"HEAD of chunks has none either", "HEAD /chunked HTTP/1.1\r\n" H "\r\n",
     "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n", false},
    {"HEAD of an error", "HEAD /error HTTP/1.1\r\n" H "\r\n",
     KEPT("405 Method Not Allowed", "18", "Allow: GET\r\n", ""), false},
    {"no chunks for 1.0 (7.1)", "GET /chunked HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
     "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nhello world", true},
    {"204 has neither body nor length", "GET /nothing HTTP/1.1\r\n" H "\r\n",
     "HTTP/1.1 204 No Content\r\n\r\n", false},
    {"a cut answer is cut", "GET /cut HTTP/1.1\r\n" H "\r\n", OK("10", "half"), true},
    {"an abort before the answer has a status", "GET /abort HTTP/1.1\r\n" H "\r\n",
     KEPT("502 Bad Gateway", "11", "", "Bad Gateway"), false},
    {"no route", "GET /none HTTP/1.1\r\n" H "\r\n", REFUSED("404 Not Found", "9", "Not Found"),
     true},
};

static const struct example expectations[] = {
    {"100 is sent to who waits (RFC 9110 10.1.1)",
     "POST /body HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n",
     "HTTP/1.1 100 Continue\r\n\r\n", false},
    {"in any case of letters",
     "POST /body HTTP/1.1\r\n" H "Expect: 100-Continue\r\nContent-Length: 5\r\n\r\n",
     "HTTP/1.1 100 Continue\r\n\r\n", false},
    {"not to who sends at once",
     "POST /body HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
     ECHO("5", "hello"), false},
    {"not to 1.0", "POST /body HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n", "",
     false},
    {"a final answer to who waits ends the connection, and says so",
     "POST /now HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n",
     OK_CLOSE("9", "POST /now"), true},
    {"errors too", "POST /error HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n",
     "HTTP/1.1 405 Method Not Allowed\r\nContent-Type: text/plain\r\nConnection: close\r\n"
     "Content-Length: 18\r\nAllow: GET\r\n\r\nMethod Not Allowed",
     true},
    {"other expectations cannot be met", "GET /now HTTP/1.1\r\n" H "Expect: tea\r\n\r\n",
     REFUSED("417 Expectation Failed", "18", "Expectation Failed"), true},
    {"an unread body that is too long to read away ends it, and the answer says so",
     "POST /now HTTP/1.1\r\n" H "Content-Length: 300000\r\n\r\n", OK_CLOSE("9", "POST /now"), true},
};

#define X20 "xxxxxxxxxxxxxxxxxxxx"

static const struct example limits[] = {
    {"path too long: 414", "GET /" X20 " HTTP/1.1\r\n" H "\r\n",
     REFUSED("414 URI Too Long", "12", "URI Too Long"), true},
    {"too many fields: 431", "GET /now HTTP/1.1\r\n" H "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n\r\n",
     REFUSED("431 Request Header Fields Too Large", "31", "Request Header Fields Too Large"), true},
    {"method too long: 501", "X" X20 X20 " /now HTTP/1.1\r\n" H "\r\n",
     REFUSED("501 Not Implemented", "15", "Not Implemented"), true},
    {"CONNECT: 501", "CONNECT a.test:80 HTTP/1.1\r\nHost: a.test:80\r\n\r\n",
     REFUSED("501 Not Implemented", "15", "Not Implemented"), true},
    {"unknown coding: 501", "POST /body HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n",
     REFUSED("501 Not Implemented", "15", "Not Implemented"), true},
    {"HTTP/2: 505", "GET /now HTTP/2.0\r\n" H "\r\n",
     REFUSED("505 HTTP Version Not Supported", "26", "HTTP Version Not Supported"), true},
    {"no Host: 400", "GET /now HTTP/1.1\r\n\r\n", REFUSED("400 Bad Request", "11", "Bad Request"),
     true},
    {"malformed chunk: 400", "POST /body HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
     REFUSED("400 Bad Request", "11", "Bad Request"), true},
};

static void test_keep_alive(void **state)
{
    (void)state;
    RUN(keep_alive);
}

static void test_pipelines(void **state)
{
    (void)state;
    RUN(pipelines);
    run_dribbled(pipelines, sizeof pipelines / sizeof pipelines[0]);
}

static void test_framing(void **state)
{
    (void)state;
    RUN(framing);
}

static void test_expectations(void **state)
{
    (void)state;
    RUN(expectations);
}

static void test_limits(void **state)
{
    (void)state;
    RUN(limits);
}

/* A head that fills the limit to the last byte is served; one byte more is refused, and a head that
 * never ends is refused as soon as it is too long. */
static void test_head_of_exactly_the_limit(void **state)
{
    (void)state;
    for (int more = 0; more < 2; more++) {
        char head[1100] = "GET /now HTTP/1.1\r\n" H "X: ";
        size_t len = strlen(head);
        memset(head + len, 'x', 1024 - 4 - len + (size_t)more);
        strcpy(head + 1024 - 4 + more, "\r\n\r\n");
        assert_int_equal(strlen(head), 1024 + more);
        struct example e = {"exact", head,
                            more ? REFUSED("431 Request Header Fields Too Large", "31",
                                           "Request Header Fields Too Large")
                                 : OK("8", "GET /now"),
                            more};
        run(&e, 1);
    }
    char endless[SERVING_BUFFER + 1];
    memset(endless, 'x', SERVING_BUFFER);
    memcpy(endless, "GET /now HTTP/1.1\r\n", 19);
    endless[SERVING_BUFFER] = '\0';
    struct example e = {
        "endless", endless,
        REFUSED("431 Request Header Fields Too Large", "31", "Request Header Fields Too Large"),
        true};
    run(&e, 1);
}

/* --- half-closed clients --- */

static void half_close(const struct example *e)
{
    bool ended = false;
    serving_connect(&serving);
    assert_int_equal(write(serving.client, e->request, strlen(e->request)), strlen(e->request));
    shutdown(serving.client, SHUT_WR);
    struct slice got = serving_receive(&serving, &ended);
    assert_answer(e, got, ended);
    serving_disconnect(&serving);
}

static void test_half_closed_clients_get_their_answers(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"one", "GET /now HTTP/1.1\r\n" H "\r\n", OK("8", "GET /now"), true},
        {"two", "GET /now HTTP/1.1\r\n" H "\r\nGET /now HTTP/1.1\r\n" H "\r\n",
         OK("8", "GET /now") OK("8", "GET /now"), true},
        {"one and a half", "GET /now HTTP/1.1\r\n" H "\r\nGET /no", OK("8", "GET /now"), true},
        {"half a body", "POST /body HTTP/1.1\r\n" H "Content-Length: 9\r\n\r\nhalf", "", true},
        {"half an unread body", "POST /now HTTP/1.1\r\n" H "Content-Length: 9\r\n\r\nhalf",
         OK("9", "POST /now"), true},
        {"nothing", "", "", true},
    };
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++)
        half_close(&examples[i]);
}

/* More than the socket takes at once, several times over, to a client that has ended already. */
static void test_half_closed_client_gets_large_answers_whole(void **state)
{
    (void)state;
    enum { COUNT = 4, BODY = 400 << 10 };
    static const char request[] = "GET /large HTTP/1.1\r\n" H "\r\n";
    size_t total = 0;
    bool ended = false;
    serving_connect(&serving);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(write(serving.client, request, strlen(request)), strlen(request));
    loop_step(&serving.worker.loop);
    loop_step(&serving.worker.loop);
    shutdown(serving.client, SHUT_WR);
    for (int i = 0; i < 4; i++)
        loop_step(&serving.worker.loop);
    for (int i = 0; i < 100 && !ended; i++)
        total += serving_receive(&serving, &ended).len;
    assert_true(ended);
    assert_true(total > COUNT * BODY && total < COUNT * (BODY + 200));
}

static void test_answer_given_later_reaches_a_half_closed_client(void **state)
{
    (void)state;
    bool ended = false;
    serving_ask(&serving, SLICE("GET /later HTTP/1.1\r\n" H "\r\n"), NULL);
    shutdown(serving.client, SHUT_WR);
    assert_int_equal(serving_receive(&serving, &ended).len, 0);
    assert_non_null(seen.x);
    reply_whole(seen.x, 200, SLICE_EMPTY, SLICE("late"));
    char *text = without_date(serving_receive(&serving, &ended));
    assert_string_equal(text,
                        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nlate");
    assert_true(ended);
    free(text);
}

/* --- waiting --- */

/* Requests sent ahead wait while one is served; more than the buffer holds waits in the socket. */
static void test_requests_sent_ahead_wait(void **state)
{
    (void)state;
    enum { COUNT = 1500 }; /* more than SERVING_BUFFER holds */
    static const char request[] = "GET /now HTTP/1.1\r\n" H "\r\n";
    size_t answers = 0;
    struct buf many = BUF_INIT;
    serving_ask(&serving, SLICE("GET /later HTTP/1.1\r\n" H "\r\n"), NULL);
    for (int i = 0; i < COUNT; i++)
        buf_append_str(&many, request);
    assert_true(many.len > SERVING_BUFFER);
    assert_int_equal(write(serving.client, many.data, many.len), many.len);
    buf_fini(&many);
    assert_int_equal(serving_receive(&serving, NULL).len, 0);
    assert_int_equal(seen.started, 1);
    reply_whole(seen.x, 200, SLICE_EMPTY, SLICE("late"));
    struct slice got = serving_receive(&serving, NULL);
    for (const char *at = got.ptr;
         (at = memmem(at, (size_t)(got.ptr + got.len - at), "GET /now", 8)) != NULL; at++)
        answers++;
    assert_int_equal(answers, COUNT);
}

static void test_paused_body_waits(void **state)
{
    (void)state;
    seen.pause = true;
    assert_int_equal(
        serving_ask(&serving,
                    SLICE("POST /body HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"
                          "1\r\na\r\n1\r\nb\r\n0\r\n\r\n"),
                    NULL)
            .len,
        0);
    assert_int_equal(seen.pieces, 1);
    exchange_resume_body(seen.x);
    serving_receive(&serving, NULL);
    assert_int_equal(seen.pieces, 2);
    exchange_resume_body(seen.x);
    char *text = without_date(serving_receive(&serving, NULL));
    assert_string_equal(text, ECHO("2", "ab"));
    assert_true(seen.last);
    free(text);
}

/* A paused client that goes away is found out when it is read again. */
static void test_client_that_leaves_while_paused(void **state)
{
    (void)state;
    seen.pause = true;
    serving_ask(&serving, SLICE("POST /body HTTP/1.1\r\n" H "Content-Length: 10\r\n\r\nhalf"),
                NULL);
    shutdown(serving.client, SHUT_WR);
    serving_receive(&serving, NULL);
    assert_non_null(seen.x);
    exchange_resume_body(seen.x);
    bool ended = false;
    assert_int_equal(serving_receive(&serving, &ended).len, 0);
    assert_true(ended);
    assert_null(seen.x);
}

/* --- time --- */

static void wait_s(unsigned s)
{
    now_us += s * 1000000ull;
    clock_fake(now_us, 1700000000000);
    loop_step(&serving.worker.loop);
    deadlines_advance(&serving.worker.deadlines);
    loop_step(&serving.worker.loop);
}

static void test_slow_head_gets_408(void **state)
{
    (void)state;
    struct example e = {"slow head", "", REFUSED("408 Request Timeout", "15", "Request Timeout"),
                        true};
    struct buf got = BUF_INIT;
    bool ended = false;
    serving_connect(&serving);
    static const char head[] = "GET /now HTTP/1.1\r\nX: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
    for (size_t i = 0; head[i] != '\0' && !ended; i++) { /* a byte a second does not help */
        if (send(serving.client, head + i, 1, MSG_NOSIGNAL) != 1)
            break;
        buf_append_slice(&got, serving_receive(&serving, &ended));
        wait_s(1);
        assert_true(i <= 31);
    }
    buf_append_slice(&got, serving_receive(&serving, &ended));
    assert_answer(&e, buf_slice(&got), ended);
    assert_int_equal(serving.worker.counters.timeouts, 1);
    buf_fini(&got);
}

/* The time-out of a route: what it says, and that nothing happens before it. */
static void expect_late(const char *request, const char *so_far, const struct example *e)
{
    bool ended = false;
    serving_connect(&serving);
    struct slice got = serving_ask(&serving, slice_str(request), &ended);
    assert_true(slice_eq(got, slice_str(so_far)));
    wait_s(4);
    assert_int_equal(serving_receive(&serving, &ended).len, 0);
    assert_false(ended);
    wait_s(2);
    got = serving_receive(&serving, &ended);
    if (e != NULL)
        assert_answer(e, got, ended);
    assert_true(ended);
    assert_null(seen.x);
    serving_disconnect(&serving);
}

static void test_request_timeout(void **state)
{
    (void)state;
    struct example late = {"late", "", REFUSED("504 Gateway Timeout", "15", "Gateway Timeout"),
                           true};
    struct example slow = {"slow", "", REFUSED("408 Request Timeout", "15", "Request Timeout"),
                           true};
    expect_late("GET /soon HTTP/1.1\r\nHost: a\r\n\r\n", "", &late);
    expect_late("GET /prompt HTTP/1.1\r\nHost: a\r\n\r\n", "", &late);
    expect_late("POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc", "", &slow);
    assert_int_equal(serving.worker.counters.timeouts, 3);
}

/* A request in time is followed by others on the same connection. */
static void test_request_timeout_ends_with_the_request(void **state)
{
    (void)state;
    bool ended = false;
    serving_connect(&serving);
    serving_ask(&serving, SLICE("GET /soon HTTP/1.1\r\nHost: a\r\n\r\n"), &ended);
    wait_s(3);
    reply_whole(seen.x, 200, SLICE_EMPTY, SLICE("in time"));
    loop_step(&serving.worker.loop);
    assert_true(serving_receive(&serving, &ended).len > 0);
    serving_ask(&serving, SLICE("GET /later HTTP/1.1\r\nHost: a\r\n\r\n"), &ended);
    wait_s(6);
    assert_false(ended);
    assert_non_null(seen.x);
    reply_whole(seen.x, 200, SLICE_EMPTY, SLICE("whenever"));
    assert_true(serving_receive(&serving, &ended).len > 0);
}

static void test_request_timeout_cuts_an_answer(void **state)
{
    (void)state;
    bool ended = false;
    serving_connect(&serving);
    serving_ask(&serving, SLICE("GET /soon HTTP/1.1\r\nHost: a\r\n\r\n"), &ended);
    reply_begin(seen.x, 200, SLICE_EMPTY, 100);
    loop_step(&serving.worker.loop);
    assert_true(serving_receive(&serving, &ended).len > 0);
    wait_s(6);
    assert_int_equal(serving_receive(&serving, &ended).len, 0);
    assert_true(ended);
    assert_null(seen.x);
}

static void test_stalled_body_gets_408(void **state)
{
    (void)state;
    struct example e = {"stalled", "", REFUSED("408 Request Timeout", "15", "Request Timeout"),
                        true};
    bool ended = false;
    serving_ask(&serving, SLICE("POST /body HTTP/1.1\r\n" H "Content-Length: 10\r\n\r\nhalf"),
                NULL);
    wait_s(59);
    serving_ask(&serving, SLICE("+"), NULL); /* a pause is what counts, not the whole */
    wait_s(59);
    assert_non_null(seen.x);
    wait_s(2);
    struct slice got = serving_receive(&serving, &ended);
    assert_answer(&e, got, ended);
}

static void test_stalled_unread_body_is_closed(void **state)
{
    (void)state;
    bool ended = false;
    serving_ask(&serving, SLICE("POST /now HTTP/1.1\r\n" H "Content-Length: 10\r\n\r\nhalf"), NULL);
    wait_s(59);
    serving_receive(&serving, &ended);
    assert_false(ended);
    wait_s(2);
    serving_receive(&serving, &ended);
    assert_true(ended);
}

static void test_idle_connections_are_closed(void **state)
{
    (void)state;
    bool ended = false;
    serving_ask(&serving, SLICE("GET /now HTTP/1.1\r\n" H "\r\n"), NULL);
    wait_s(74);
    serving_ask(&serving, SLICE("GET /now HTTP/1.1\r\n" H "\r\n"), NULL);
    wait_s(74);
    serving_receive(&serving, &ended);
    assert_false(ended);
    wait_s(2);
    serving_receive(&serving, &ended);
    assert_true(ended);
    serving_disconnect(&serving);
    serving_connect(&serving); /* one that never says anything too */
    wait_s(76);
    serving_receive(&serving, &ended);
    assert_true(ended);
}

static void test_answers_may_take_long(void **state)
{
    (void)state;
    bool ended = false;
    serving_ask(&serving, SLICE("GET /later HTTP/1.1\r\n" H "\r\n"), NULL);
    wait_s(100);
    serving_receive(&serving, &ended);
    assert_false(ended);
    assert_non_null(seen.x);
}

/* --- draining --- */

static void drain(void)
{
    serving.worker.draining = true;
    list_for_each_safe (it, &serving.worker.conns.all) {
        struct conn *c = container_of(it, struct conn, link);
        c->session->drain(c);
    }
}

static void test_drain(void **state)
{
    (void)state;
    bool ended = false;
    serving_ask(&serving, SLICE("GET /now HTTP/1.1\r\n" H "\r\n"), NULL);
    drain();
    serving_receive(&serving, &ended);
    assert_true(ended); /* idle: at once */
    serving_disconnect(&serving);
    serving.worker.draining = false;

    serving_ask(&serving, SLICE("GET /later HTTP/1.1\r\n" H "\r\n"), NULL);
    drain();
    serving_receive(&serving, &ended);
    assert_false(ended); /* the request in flight finishes */
    reply_whole(seen.x, 200, SLICE_EMPTY, SLICE("late"));
    char *text = without_date(serving_receive(&serving, &ended));
    assert_string_equal(text,
                        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nlate");
    assert_true(ended);
    free(text);
}

/* An answer that is still being taken is no idle connection. */
static void test_drain_lets_the_last_answer_leave(void **state)
{
    (void)state;
    bool ended = false;
    size_t total = 0;
    serving_connect(&serving);
    assert_int_equal(write(serving.client, "GET /large HTTP/1.1\r\n" H "\r\n", 37), 37);
    loop_step(&serving.worker.loop);
    loop_step(&serving.worker.loop);
    drain();
    for (int i = 0; i < 20 && !ended; i++)
        total += serving_receive(&serving, &ended).len;
    assert_true(ended);
    assert_true(total > 400 << 10);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_keep_alive),
        TEST(test_pipelines),
        TEST(test_framing),
        TEST(test_expectations),
        TEST(test_limits),
        TEST(test_head_of_exactly_the_limit),
        TEST(test_half_closed_clients_get_their_answers),
        TEST(test_half_closed_client_gets_large_answers_whole),
        TEST(test_answer_given_later_reaches_a_half_closed_client),
        TEST(test_requests_sent_ahead_wait),
        TEST(test_paused_body_waits),
        TEST(test_client_that_leaves_while_paused),
        TEST(test_slow_head_gets_408),
        TEST(test_request_timeout),
        TEST(test_request_timeout_ends_with_the_request),
        TEST(test_request_timeout_cuts_an_answer),
        TEST(test_stalled_body_gets_408),
        TEST(test_stalled_unread_body_is_closed),
        TEST(test_idle_connections_are_closed),
        TEST(test_answers_may_take_long),
        TEST(test_drain),
        TEST(test_drain_lets_the_last_answer_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
