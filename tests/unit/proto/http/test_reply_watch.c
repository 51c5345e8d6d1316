/* What a client makes of handler replies, in pieces of every size. */

#include "proto/http/reply_watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct row {
    const char *text;
    enum method_id method;
    enum reply_part part;
    int status;
    uint64_t content;
    size_t behind; /* bytes that are not of this response */
    bool close;
};

#define GET METHOD_GET
static const struct row rows[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbye", GET, REPLY_DONE, 200, 3, 0, false},
    {"HTTP/1.1 200 OK\nContent-Length:3\n\nbyeHTTP/1.1", GET, REPLY_DONE, 200, 3, 8, false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nby", GET, REPLY_BODY, 200, 2, 0, false},
    {"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", GET, REPLY_DONE, 200, 0, 0, false},
    {"HTTP/1.1 200 OK\r\ncontent-length: 3, 3\r\n\r\nbye", GET, REPLY_UNTIL_CLOSE, 200, 3, 0, true},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nbye\r\n0\r\n\r\nX", GET, REPLY_DONE,
     200, 3, 1, false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nbye\r\n", GET, REPLY_BODY, 200, 3,
     0, false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3\r\nbye\r\n0\r\n\r\n", GET,
     REPLY_DONE, 200, 3, 0, false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnot chunks", GET, REPLY_UNTIL_CLOSE, 200,
     9, 0, true},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nxx", GET, REPLY_UNTIL_CLOSE, 200, 2, 0,
     true},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nbye", GET,
     REPLY_UNTIL_CLOSE, 200, 3, 0, true},
    {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", GET, REPLY_UNTIL_CLOSE, 200, 3,
     0, true},
    {"HTTP/1.1 200 OK\r\n\r\nuntil close", GET, REPLY_UNTIL_CLOSE, 200, 11, 0, true},
    {"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nbye", GET, REPLY_DONE, 200, 3, 0, true},
    {"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 3\r\n\r\nbye", GET, REPLY_DONE,
     200, 3, 0, false},
    {"HTTP/1.1 200 OK\r\nConnection: x, CLOSE\r\nContent-Length: 3\r\n\r\nbye", GET, REPLY_DONE,
     200, 3, 0, true},
    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nX", METHOD_HEAD, REPLY_DONE, 200, 0, 1, false},
    {"HTTP/1.1 204 No Content\r\n\r\nX", GET, REPLY_DONE, 204, 0, 1, false},
    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\nX", GET, REPLY_DONE, 304, 0, 1, false},
    {"HTTP/1.1 100 Continue\r\nContent-Length: 9\r\n\r\n", GET, REPLY_STATUS_LINE, 0, 0, 0, false},
    {"HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbye", GET,
     REPLY_DONE, 200, 3, 0, false},
    {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x02hi", GET,
     REPLY_UNTIL_CLOSE, 101, 4, 0, true},
    {"HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nbye", GET, REPLY_UNTIL_CLOSE, 200, 3, 0, true},
    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nbye", GET, REPLY_DONE, 200,
     3, 0, false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nbye", GET, REPLY_UNTIL_CLOSE,
     200, 3, 0, true},
    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n folded\r\n\r\nbye", GET, REPLY_UNTIL_CLOSE, 200, 3,
     0, true},
    {"HTTP/1.1 200 OK\r\nno colon here\r\nX: y\r\nContent-Length: 3\r\n\r\nbye", GET, REPLY_DONE,
     200, 3, 0, false},
    /* not HTTP: all of it is content */
    {"ICY 200 OK\r\nicy-name: x\r\n\r\nmusic", GET, REPLY_UNTIL_CLOSE, 0, 32, 0, true},
    {"HTTP/1.1 OK\r\n", GET, REPLY_UNTIL_CLOSE, 0, 13, 0, true},
    {"HTTP/1.1\r\n", GET, REPLY_UNTIL_CLOSE, 0, 10, 0, true},
    {"HTTP/9", GET, REPLY_UNTIL_CLOSE, 0, 6, 0, true},
    {"\n", GET, REPLY_UNTIL_CLOSE, 0, 1, 0, true},
    {"HTTP/1.1 2", GET, REPLY_STATUS_LINE, 0, 0, 0, false},
    {"HTTP/1.1 200 OK\r\nContent-Len", GET, REPLY_FIELDS, 200, 0, 0, false},
};

static void check(const struct row *row, size_t step)
{
    struct reply_watch w;
    reply_watch_init(&w, row->method);
    struct slice in = slice_str(row->text);
    size_t used = 0;
    while (used < in.len && w.part != REPLY_DONE) {
        size_t len = in.len - used < step ? in.len - used : step;
        char *exact = malloc(len);
        assert_non_null(exact);
        memcpy(exact, in.ptr + used, len);
        size_t taken = reply_watch_feed(&w, slice_of(exact, len));
        free(exact);
        assert_true(taken == len || w.part == REPLY_DONE);
        used += taken;
    }
    if (w.part != row->part || w.status != row->status || w.body.received != row->content ||
        in.len - used != row->behind || w.close != row->close)
        fail_msg("\"%s\" step %zu: part %d status %d content %llu behind %zu close %d", row->text,
                 step, w.part, w.status, (unsigned long long)w.body.received, in.len - used,
                 w.close);
    assert_int_equal(w.upgraded, w.status == 101);
    assert_int_equal(w.is_http, w.status != 0);
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t step = 1; step <= strlen(rows[i].text); step++)
            check(&rows[i], step);
}

/* A split line that is longer than what is kept: when it matters, nothing is assumed. */
static void test_long_split_line(void **state)
{
    (void)state;
    struct reply_watch w;
    char text[512];
    int len = snprintf(text, sizeof text,
                       "HTTP/1.1 200 OK\r\nX: %0200d\r\nConnection: %0200d, close\r\n"
                       "Content-Length: 3\r\n\r\n",
                       0, 0);
    reply_watch_init(&w, GET);
    for (int i = 0; i < len; i++)
        assert_int_equal(reply_watch_feed(&w, slice_of(text + i, 1)), 1);
    assert_int_equal(w.part, REPLY_UNTIL_CLOSE);
    assert_true(w.close);
    reply_watch_init(&w, GET);
    assert_int_equal(reply_watch_feed(&w, slice_of(text, (size_t)len)), len);
    assert_int_equal(w.part, REPLY_BODY);
    assert_int_equal(w.length, 3);
    assert_true(w.close);
}

/* Content that is not seen: where it is due it counts, elsewhere the answer has no end. */
static void test_content_that_nobody_sees(void **state)
{
    (void)state;
    static const struct {
        const char *before;
        uint64_t len;
        enum reply_part part;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n", 8, REPLY_DONE},
        {"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nab", 6, REPLY_DONE},
        {"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n", 5, REPLY_BODY},
        {"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n", 9, REPLY_UNTIL_CLOSE},
        {"HTTP/1.1 200 OK\r\n\r\n", 9, REPLY_UNTIL_CLOSE},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n", 8, REPLY_BODY},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 8, REPLY_UNTIL_CLOSE},
        {"HTTP/1.1 200 OK\r\nContent-Le", 8, REPLY_UNTIL_CLOSE},
        {"", 8, REPLY_UNTIL_CLOSE},
        {"HTTP/1.1 204 No Content\r\n\r\n", 8, REPLY_DONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct reply_watch w;
        reply_watch_init(&w, GET);
        reply_watch_feed(&w, slice_str(cases[i].before));
        reply_watch_content(&w, cases[i].len);
        assert_int_equal(w.part, cases[i].part);
    }
    struct reply_watch w; /* behind the data of a chunk its end is read again */
    reply_watch_init(&w, GET);
    reply_watch_feed(&w, slice_str(cases[5].before));
    reply_watch_content(&w, 8);
    reply_watch_feed(&w, SLICE("\r\n0\r\n\r\n"));
    assert_int_equal(w.part, REPLY_DONE);
    assert_int_equal(w.body.received, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_long_split_line),
        cmocka_unit_test(test_content_that_nobody_sees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
