/* Answers of handlers on an HTTP/1 connection: raw bytes, watched on their way so that the next
 * request waits for the end of the answer, the access log is true, and failures are told. */
#include "node/exchange/access_log.h"
#include "proto/base/clock.h"
#include "tests/unit/node/session/targets.h"

#define H      "Host: a.test\r\n"
#define RAW    "GET /raw HTTP/1.1\r\n" H "\r\n"
#define NOW    "GET /now HTTP/1.1\r\n" H "\r\n"
#define OK_NOW "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 8\r\n\r\nGET /now"
#define RAW_OK "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

static struct serving serving;
static struct conn *conn;
static char log_path[64];

static int set_up(void **state)
{
    (void)state;
    struct error e;
    clock_fake(1000000000, 1700000000000);
    seen_clear();
    serving_start(&serving, word_site(NULL), word_kinds);
    snprintf(log_path, sizeof log_path, "/tmp/m2-http1-push-%d.log", (int)getpid());
    unlink(log_path);
    serving.worker.access_log = access_log_open(&serving.worker.loop, log_path, false, &e);
    assert_non_null(serving.worker.access_log);
    serving_connect(&serving);
    conn = container_of(serving.worker.conns.all.next, struct conn, link);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    serving_disconnect(&serving);
    access_log_close(serving.worker.access_log);
    serving.worker.access_log = NULL;
    unlink(log_path);
    serving_stop(&serving);
    assert_int_equal(seen.started, seen.released);
    assert_int_equal(serving.worker.exchanges.in_use, 0);
    seen_clear();
    clock_fake_stop();
    return 0;
}

static void ask(const char *request)
{
    serving_ask(&serving, slice_str(request), NULL);
}

static void push(const char *bytes)
{
    struct push p = {.bytes = slice_str(bytes)};
    conn->session->push(conn, &p);
}

static void assert_received(const char *expected, bool closed)
{
    bool ended = false;
    struct slice got = serving_receive(&serving, &ended);
    char *text = without_date(got);
    assert_string_equal(text, expected);
    assert_int_equal(ended, closed);
    free(text);
}

/* The lines of the access log end in status and size. */
static void assert_logged(const char *tail)
{
    char text[4096] = "";
    access_log_flush(serving.worker.access_log);
    int fd = open(log_path, O_RDONLY);
    ssize_t len = read(fd, text, sizeof text - 1);
    close(fd);
    assert_true(len > 0);
    if (strstr(text, tail) == NULL)
        fail_msg("no '%s' in '%s'", tail, text);
}

static void test_the_next_request_waits_for_the_whole_answer(void **state)
{
    (void)state;
    ask(RAW NOW);
    assert_int_equal(seen.started, 1);
    push("HTTP/1.1 200 OK\r\nContent-");
    push("Length: 5\r\n\r\nhel");
    assert_received("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", false);
    assert_int_equal(seen.started, 1);
    push("lo");
    assert_received("lo" OK_NOW, false);
    assert_logged("3:200#1:5#]");
}

static void test_chunks_end_where_they_end(void **state)
{
    (void)state;
    ask(RAW NOW);
    push("HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    push("0\r\n");
    serving_receive(&serving, NULL);
    assert_int_equal(seen.started, 1);
    push("\r\n");
    assert_received("\r\n" OK_NOW, false);
    assert_logged("3:201#1:3#]");
}

/* The connection is the handler's to close, whatever the request said (manual, "Handlers"). */
static void test_the_handler_closes(void **state)
{
    (void)state;
    ask("GET /raw HTTP/1.0\r\n\r\n");
    push(RAW_OK);
    assert_received(RAW_OK, false);
    push("");
    assert_received("", true);
    assert_true(seen.released == 1);
}

static void test_an_answer_until_close(void **state)
{
    (void)state;
    ask(RAW);
    push("HTTP/1.1 200 OK\r\n\r\nall of it");
    push(" and more");
    push("");
    assert_received("HTTP/1.1 200 OK\r\n\r\nall of it and more", true);
    assert_logged("3:200#2:18#]");
}

static void test_what_is_not_http_is_passed_on(void **state)
{
    (void)state;
    ask(RAW);
    push("ICY 200 OK\r\n\r\nnoise");
    assert_received("ICY 200 OK\r\n\r\nnoise", false);
    push("more");
    assert_received("more", false);
    assert_non_null(seen.x);
}

static void test_closing_before_an_answer(void **state)
{
    (void)state;
    ask(RAW NOW);
    push("");
    assert_received("", true);
    assert_int_equal(seen.started, 1);
}

static void test_interim_answers_do_not_end_it(void **state)
{
    (void)state;
    ask(RAW NOW);
    push("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
    serving_receive(&serving, NULL);
    assert_int_equal(seen.started, 1);
    push(RAW_OK);
    assert_received(RAW_OK OK_NOW, false);
}

static void test_head_has_no_body_to_wait_for(void **state)
{
    (void)state;
    ask("HEAD /raw HTTP/1.1\r\n" H "\r\n" NOW);
    push("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    assert_received("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" OK_NOW, false);
}

/* Long polls: a listener that has had its answer may be spoken to at any time. */
static void test_bytes_for_an_idle_listener(void **state)
{
    (void)state;
    ask(RAW);
    push(RAW_OK);
    assert_received(RAW_OK, false);
    push("and another thing");
    assert_received("and another thing", false);
}

static void test_shared_payloads(void **state)
{
    (void)state;
    char bytes[3100] = "HTTP/1.1 200 OK\r\nContent-Length: 2961\r\n\r\n";
    size_t head = strlen(bytes);
    memset(bytes + head, 'x', sizeof bytes - head);
    ask(RAW);
    struct payload *p = payload_copy(slice_of(bytes, head + 2961));
    struct push pushed = {.bytes = slice_of(p->bytes, p->len), .payload = p};
    conn->session->push(conn, &pushed);
    assert_int_equal(p->refs, 2);
    payload_unref(p);
    assert_int_equal(serving_receive(&serving, NULL).len, head + 2961);
    assert_null(seen.x);
}

/* No handler has taken it: what the client asked for holds again. */
static void test_withdrawn(void **state)
{
    (void)state;
    ask("GET /raw HTTP/1.1\r\n" H "Connection: close\r\n\r\n");
    assert_true(seen.x->keep_alive);
    raw_reply_withdraw(seen.x);
    reply_error(seen.x, 503, SLICE("Retry-After: 1\r\n"));
    assert_received("HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nConnection: "
                    "close\r\nContent-Length: 19\r\nRetry-After: 1\r\n\r\nService Unavailable",
                    true);
}

static void test_a_client_that_goes_is_logged_without_status(void **state)
{
    (void)state;
    ask(RAW);
    conn_close(conn, CONN_CLIENT_RESET);
    serving_disconnect(&serving);
    assert_null(seen.x);
    assert_logged("1:0#1:0#]");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_next_request_waits_for_the_whole_answer),
        TEST(test_chunks_end_where_they_end),
        TEST(test_the_handler_closes),
        TEST(test_an_answer_until_close),
        TEST(test_what_is_not_http_is_passed_on),
        TEST(test_closing_before_an_answer),
        TEST(test_interim_answers_do_not_end_it),
        TEST(test_head_has_no_body_to_wait_for),
        TEST(test_bytes_for_an_idle_listener),
        TEST(test_shared_payloads),
        TEST(test_withdrawn),
        TEST(test_a_client_that_goes_is_logged_without_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
