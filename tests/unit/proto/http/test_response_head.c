/* Response heads: status lines and where the body ends (RFC 9112 sections 4 and 6.3). */

#include "proto/http/response_head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct response_limits usual = {4096, 32};

enum { UNTIL_CLOSE = -1, CHUNKED = -2, NO_BODY = -3, BAD = -4 };

struct row {
    const char *text;
    enum method_id method;
    int status;
    const char *reason;
    int64_t framing;
    bool keep_alive;
};

#define GET METHOD_GET
static const struct row rows[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", GET, 200, "OK", 5, true},
    {"HTTP/1.1 200 OK\nContent-Length: 5\n\n", GET, 200, "OK", 5, true},
    {"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", GET, 200, "", 0, true},
    {"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", GET, 200, "", 0, true}, /* P9 */
    {"HTTP/1.1 404 Not \xff Found\t!\r\nContent-Length: 0\r\n\r\n", GET, 404, "Not \xff Found\t!",
     0, true},
    {"HTTP/1.9 299 x\r\nTransfer-Encoding: chunked\r\n\r\n", GET, 299, "x", CHUNKED, true},
    {"HTTP/1.1 200 OK\r\n\r\n", GET, 200, "OK", UNTIL_CLOSE, false},
    {"HTTP/1.0 200 OK\r\n\r\n", GET, 200, "OK", UNTIL_CLOSE, false},
    {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", GET, 200, "OK", 5, false},
    {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\n", GET, 200, "OK", 5,
     true},
    {"HTTP/1.1 200 OK\r\nConnection: x, close\r\nContent-Length: 5\r\n\r\n", GET, 200, "OK", 5,
     false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", METHOD_HEAD, 200, "OK", NO_BODY, true},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", METHOD_HEAD, 200, "OK", NO_BODY,
     true},
    {"HTTP/1.1 204 No Content\r\n\r\n", GET, 204, "No Content", NO_BODY, true},
    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", GET, 304, "Not Modified", NO_BODY,
     true},
    {"HTTP/1.1 100 Continue\r\n\r\n", GET, 100, "Continue", NO_BODY, true},
    {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", GET, 101, "Switching Protocols",
     NO_BODY, true},
    /* refused */
    {"HTTP/1.1 200OK\r\n\r\n", GET, 0, NULL, BAD, false},
    {"HTTP/1.1  200 OK\r\n\r\n", GET, 0, NULL, BAD, false},
    {"HTTP/1.1 20 OK\r\n\r\n", GET, 0, NULL, BAD, false},
    {"HTTP/1.1 099 OK\r\n\r\n", GET, 0, NULL, BAD, false},
    {"HTTP/1.1 2000 OK\r\n\r\n", GET, 0, NULL, BAD, false},
    {"HTTP/2.0 200 OK\r\n\r\n", GET, 0, NULL, BAD, false},
    {"HTTP/1.x 200 OK\r\n\r\n", GET, 0, NULL, BAD, false},
    {"http/1.1 200 OK\r\n\r\n", GET, 0, NULL, BAD, false},
    {"ICY 200 OK\r\n\r\n", GET, 0, NULL, BAD, false},
    {"\r\nHTTP/1.1 200 OK\r\n\r\n", GET, 0, NULL, BAD, false},
    {"HTTP/1.1 200 O\rK\r\n\r\n", GET, 0, NULL, BAD, false},
    {"HTTP/1.1 200 O\x01K\r\n\r\n", GET, 0, NULL, BAD, false},
    {"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", GET, 0, NULL, BAD, false},
    {"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", GET, 0, NULL, BAD, false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", GET, 0, NULL, BAD, false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", GET, 0, NULL,
     BAD, false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", GET, 0, NULL, BAD, false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", GET, 0, NULL, BAD, false},
    {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", GET, 0, NULL, BAD, false},
};

static int64_t framing_of(const struct response_head *h)
{
    return h->no_body       ? NO_BODY
           : h->until_close ? UNTIL_CLOSE
           : h->chunked     ? CHUNKED
                            : h->content_length;
}

/* In steps of `step` from a buffer that moves every time. */
static void check(const struct row *row, size_t step)
{
    struct http_field fields[32];
    struct response_head h;
    response_head_init(&h, fields, 32);
    size_t len = strlen(row->text), have = 0;
    char *bytes = NULL;
    enum parse_result r = PARSE_MORE;
    while (r == PARSE_MORE && have < len) {
        have = have + step < len ? have + step : len;
        char *moved = malloc(have);
        assert_non_null(moved);
        memcpy(moved, row->text, have);
        r = response_head_parse(&h, moved, have, row->method, &usual);
        free(bytes);
        bytes = moved;
    }
    if (r != (row->framing == BAD ? PARSE_BAD : PARSE_DONE))
        fail_msg("\"%s\" step %zu: %d %s", row->text, step, r, parse_fault_text(h.fault));
    if (r == PARSE_DONE) {
        assert_int_equal(h.status, row->status);
        assert_true(slice_eq(h.reason, slice_str(row->reason)));
        assert_int_equal(framing_of(&h), row->framing);
        assert_int_equal(h.keep_alive, row->keep_alive);
        assert_int_equal(h.len, len);
    }
    free(bytes);
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t step = 1; step <= strlen(rows[i].text); step++)
            check(&rows[i], step);
}

static void test_prefixes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (size_t len = 0; rows[i].framing != BAD && len < strlen(rows[i].text); len++) {
            struct http_field fields[32];
            struct response_head h;
            response_head_init(&h, fields, 32);
            char *exact = malloc(len + (len == 0));
            assert_non_null(exact);
            memcpy(exact, rows[i].text, len);
            assert_int_equal(response_head_parse(&h, exact, len, GET, &usual), PARSE_MORE);
            free(exact);
        }
    }
}

static void test_limits(void **state)
{
    (void)state;
    static const char text[] = "HTTP/1.1 200 OK\r\nA: b\r\nC: d\r\n\r\n";
    struct http_field fields[32];
    struct response_head h;
    struct response_limits limits = {sizeof text - 1, 2};
    response_head_init(&h, fields, 32);
    assert_int_equal(response_head_parse(&h, text, sizeof text - 1, GET, &limits), PARSE_DONE);
    response_head_init(&h, fields, 1);
    assert_int_equal(response_head_parse(&h, text, sizeof text - 1, GET, &limits), PARSE_FULL);
    field_list_move(&h.fields, fields + 1, 31);
    assert_int_equal(response_head_parse(&h, text, sizeof text - 1, GET, &limits), PARSE_DONE);
    assert_true(slice_eq(field_list_find(&h.fields, SLICE("c"))->value, SLICE("d")));
    limits.fields = 1;
    response_head_init(&h, fields, 32);
    assert_int_equal(response_head_parse(&h, text, sizeof text - 1, GET, &limits), PARSE_BAD);
    assert_int_equal(h.fault, FAULT_FIELD_COUNT);
    limits = (struct response_limits){sizeof text - 2, 2};
    response_head_init(&h, fields, 32);
    assert_int_equal(response_head_parse(&h, text, sizeof text - 1, GET, &limits), PARSE_BAD);
    assert_int_equal(h.fault, FAULT_HEAD_BYTES);
    response_head_init(&h, fields, 32);
    assert_int_equal(response_head_parse(&h, text, sizeof text - 2, GET, &limits), PARSE_BAD);
    assert_int_equal(h.fault, FAULT_HEAD_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
