/* Request smuggling: every way known to us of making two parsers disagree about where a body ends
 * or which host is meant (reference 15: S7, S8). For each head: what this parser makes of it. "End
 * of body" is the only thing that matters, so an accepted row states its framing. */

#include "proto/http/request_head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { BODY_NONE = -1, BODY_CHUNKED = -2 };

struct row {
    const char *what;
    const char *fields; /* behind "POST / HTTP/1.1\r\nHost: h\r\n" */
    size_t len;         /* 0: strlen */
    int status;         /* 0: accepted */
    int64_t framing;    /* when accepted */
};
#define WITH_NUL(text) text, sizeof(text) - 1

static const struct row rows[] = {
    /* accepted */
    {"no body", "", 0, 0, BODY_NONE},
    {"length", "Content-Length: 5\r\n", 0, 0, 5},
    {"length zero", "Content-Length: 0\r\n", 0, 0, 0},
    {"leading zeros", "Content-Length: 0005\r\n", 0, 0, 5},
    {"largest length", "Content-Length: 9223372036854775807\r\n", 0, 0, INT64_MAX},
    {"same lengths", "Content-Length: 5\r\nContent-Length: 5\r\n", 0, 0, 5},
    {"same lengths in a list", "Content-Length: 5, 5\r\n", 0, 0, 5},
    {"chunked", "Transfer-Encoding: chunked\r\n", 0, 0, BODY_CHUNKED},
    {"any case", "tRANSFER-eNCODING: ChUnKeD\r\n", 0, 0, BODY_CHUNKED},
    {"spaces around", "Transfer-Encoding: \t chunked \t\r\n", 0, 0, BODY_CHUNKED},
    {"bare LF as line end", "Transfer-Encoding: chunked\n", 0, 0, BODY_CHUNKED},
    {"empty list elements", "Transfer-Encoding: , chunked ,\r\n", 0, 0, BODY_CHUNKED},
    {"other names", "Transfer_Encoding: chunked\r\nX-Transfer-Encoding: chunked\r\n", 0, 0,
     BODY_NONE},
    /* CL.TE and TE.CL: RFC 9112 section 6.1 */
    {"CL.TE", "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", 0, 400, 0},
    {"TE.CL", "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", 0, 400, 0},
    {"TE and CL zero", "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", 0, 400, 0},
    {"empty TE and CL", "Transfer-Encoding:\r\nContent-Length: 4\r\n", 0, 400, 0},
    /* TE.TE: RFC 9112 section 6.3 */
    {"identity", "Transfer-Encoding: identity\r\n", 0, 400, 0},
    {"unknown", "Transfer-Encoding: xchunked\r\n", 0, 400, 0},
    {"empty", "Transfer-Encoding:\r\n", 0, 400, 0},
    {"only commas", "Transfer-Encoding: , ,\r\n", 0, 400, 0},
    {"chunked not last", "Transfer-Encoding: chunked, gzip\r\n", 0, 400, 0},
    {"chunked twice", "Transfer-Encoding: chunked, chunked\r\n", 0, 400, 0},
    {"chunked twice in two", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 0, 400,
     0},
    {"another behind", "Transfer-Encoding: chunked\r\nTransfer-encoding: cow\r\n", 0, 400, 0},
    {"another before", "Transfer-Encoding: cow\r\nTransfer-Encoding: chunked\r\n", 0, 501, 0},
    {"compressed", "Transfer-Encoding: gzip, chunked\r\n", 0, 501, 0},
    {"parameter", "Transfer-Encoding: chunked;q=1\r\n", 0, 400, 0},
    {"quoted", "Transfer-Encoding: \"chunked\"\r\n", 0, 400, 0},
    {"half quoted", "Transfer-Encoding: \"x, chunked\r\n", 0, 400, 0},
    {"two words", "Transfer-Encoding: chunked chunked\r\n", 0, 400, 0},
    {"vertical tab", "Transfer-Encoding: \vchunked\r\n", 0, 400, 0},
    {"form feed", "Transfer-Encoding:\fchunked\r\n", 0, 400, 0},
    {"NUL behind", WITH_NUL("Transfer-Encoding: chunked\0\r\n"), 400, 0},
    {"high byte", "Transfer-Encoding: chunked\xa0\r\n", 0, 400, 0},
    /* names */
    {"space before colon", "Transfer-Encoding : chunked\r\n", 0, 400, 0},
    {"tab before colon", "Transfer-Encoding\t: chunked\r\n", 0, 400, 0},
    {"line break before colon", "Transfer-Encoding\r\n: chunked\r\n", 0, 400, 0},
    {"leading space", " Transfer-Encoding: chunked\r\n", 0, 400, 0},
    {"leading vertical tab", "\vTransfer-Encoding: chunked\r\n", 0, 400, 0},
    {"folded", "Transfer-Encoding:\r\n chunked\r\n", 0, 400, 0},
    {"folded behind another", "X: y\r\n Transfer-Encoding: chunked\r\n", 0, 400, 0},
    {"NUL in the name", WITH_NUL("Transfer-Enc\0oding: chunked\r\n"), 400, 0},
    {"no colon", "Transfer-Encoding chunked\r\n", 0, 400, 0},
    /* line ends */
    {"bare CR before a field", "X: y\rTransfer-Encoding: chunked\r\n", 0, 400, 0},
    {"CR CR LF", "X: y\r\r\nTransfer-Encoding: chunked\r\n", 0, 400, 0},
    {"bare CR as empty line", "X: y\r\n\rTransfer-Encoding: chunked\r\n", 0, 400, 0},
    {"NUL LF", WITH_NUL("X: y\0\nTransfer-Encoding: chunked\r\n"), 400, 0},
    {"name over a line", "foo\r\nTransfer-Encoding: chunked\r\n", 0, 400, 0},
    /* lengths: RFC 9110 section 8.6 */
    {"different", "Content-Length: 5\r\nContent-Length: 6\r\n", 0, 400, 0},
    {"different in a list", "Content-Length: 5, 6\r\n", 0, 400, 0},
    {"different in list and line", "Content-Length: 5, 5\r\nContent-Length: 6\r\n", 0, 400, 0},
    {"empty length", "Content-Length:\r\n", 0, 400, 0},
    {"comma", "Content-Length: ,\r\n", 0, 400, 0},
    {"second empty", "Content-Length: 5\r\nContent-Length:\r\n", 0, 400, 0},
    {"plus", "Content-Length: +5\r\n", 0, 400, 0},
    {"minus", "Content-Length: -5\r\n", 0, 400, 0},
    {"hex", "Content-Length: 0x5\r\n", 0, 400, 0},
    {"trailing junk", "Content-Length: 5abc\r\n", 0, 400, 0},
    {"two numbers", "Content-Length: 5 5\r\n", 0, 400, 0},
    {"fraction", "Content-Length: 5.0\r\n", 0, 400, 0},
    {"semicolon", "Content-Length: 5;6\r\n", 0, 400, 0},
    {"quoted length", "Content-Length: \"5\"\r\n", 0, 400, 0},
    {"overflow", "Content-Length: 9223372036854775808\r\n", 0, 400, 0},
    {"wraps to 5", "Content-Length: 18446744073709551621\r\n", 0, 400, 0},
    {"NUL length", WITH_NUL("Content-Length: 5\0\r\n"), 400, 0},
    {"other digits", "Content-Length: \xd9\xa5\r\n", 0, 400, 0},
    /* host */
    {"second Host", "Host: other\r\n", 0, 400, 0},
    {"Host with space before colon", "Host : other\r\n", 0, 400, 0},
};

static void check(const char *start, const struct row *row)
{
    char text[512];
    size_t fields = row->len != 0 ? row->len : strlen(row->fields), len = strlen(start);
    memcpy(text, start, len);
    memcpy(text + len, row->fields, fields);
    memcpy(text + len + fields, "\r\n", 2);
    static const struct request_limits limits = {8192, 0, 32, false};
    struct http_field list[32];
    struct request_head h;
    request_head_init(&h, list, 32);
    enum parse_result r = request_head_parse(&h, text, len + fields + 2, &limits);
    int status = r == PARSE_DONE ? 0 : parse_fault_status(h.fault);
    if ((r != PARSE_DONE && r != PARSE_BAD) || status != row->status)
        fail_msg("%s: result %d, status %d (%s)", row->what, r, status, parse_fault_text(h.fault));
    if (r != PARSE_DONE)
        return;
    int64_t framing = h.chunked ? BODY_CHUNKED : h.content_length;
    if (framing != row->framing || h.has_body != (framing > 0 || h.chunked))
        fail_msg("%s: framing %lld", row->what, (long long)framing);
}

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check("POST / HTTP/1.1\r\nHost: h\r\n", &rows[i]);
}

/* RFC 9112 section 6.1: Transfer-Encoding in HTTP/1.0 is faulty framing, whatever else is there. */
static void test_http_1_0(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct row row = rows[i];
        if (row.status == 501 || (row.status == 0 && row.framing == BODY_CHUNKED))
            row.status = 400;
        check("POST / HTTP/1.0\r\nHost: h\r\n", &row);
    }
}

/* The next request begins where the head ends, never earlier or later. */
static void test_next_request(void **state)
{
    (void)state;
    static const struct request_limits limits = {8192, 0, 32, false};
    char text[] = "GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n";
    struct http_field list[32];
    struct request_head h;
    request_head_init(&h, list, 32);
    assert_int_equal(request_head_parse(&h, text, sizeof text - 1, &limits), PARSE_DONE);
    char *next = text + h.len;
    request_head_init(&h, list, 32);
    assert_int_equal(request_head_parse(&h, next, strlen(next), &limits), PARSE_DONE);
    assert_true(slice_eq(h.path, SLICE("/b")));
    assert_int_equal(next + h.len - text, sizeof text - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_http_1_0),
        cmocka_unit_test(test_next_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
