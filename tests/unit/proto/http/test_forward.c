/* Heads passed on: RFC 9110 section 7.6. */

#include "proto/http/forward.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define FIELDS 64

struct row {
    const char *request;
    bool keeps;
    const char *want; /* NULL: refused */
};

#define OURS(host)                                                                     \
    "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: " host \
    "\r\nForwarded: for=192.0.2.1;host=\"" host "\";proto=http\r\nVia: 1.1 mongrel2\r\n"

static const struct row rows[] = {
    {"GET /a?b#c HTTP/1.1\r\nHost: h:81\r\nAccept: */*\r\n\r\n", false,
     "GET /a?b HTTP/1.1\r\nHost: h:81\r\nAccept: */*\r\n" OURS("h:81") "\r\n"},
    /* what is for this hop alone */
    {"GET / HTTP/1.1\r\nA: 1\r\nConnection: keep-alive, X-Private , Close\r\nKeep-Alive: 5\r\n"
     "x-private: y\r\nProxy-Connection: x\r\nTE: trailers\r\nTrailer: T\r\nUpgrade: h2c\r\nB: 2\r\n"
     "Host: h\r\nC: 3\r\n\r\n",
     false, "GET / HTTP/1.1\r\nHost: h\r\nA: 1\r\nB: 2\r\nC: 3\r\n" OURS("h") "\r\n"},
    /* Connection cannot take away what we answer for */
    {"POST / HTTP/1.1\r\nHost: h\r\nConnection: Host, Content-Length, X-Forwarded-For\r\n"
     "Content-Length: 3, 3\r\n\r\n",
     false, "POST / HTTP/1.1\r\nHost: h\r\n" OURS("h") "Content-Length: 3\r\n\r\n"},
    {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: CHUNKED\r\nExpect: 100-continue\r\n\r\n",
     false,
     "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n" OURS(
         "h") "Transfer-Encoding: chunked\r\n\r\n"},
    /* line ends and spaces */
    {"GET / HTTP/1.1\nHost: h\nA: 1\nB:2\r\nC:\t3 \nD: 4\n\n", false,
     "GET / HTTP/1.1\r\nHost: h\r\nA: 1\r\nB:2\r\nC: 3\r\nD: 4\r\n" OURS("h") "\r\n"},
    {"GET / HTTP/1.1\r\nHost: h\r\nA: 1\t \r\nB:\r\n\r\n", false,
     "GET / HTTP/1.1\r\nHost: h\r\nA: 1\t \r\nB:\r\n" OURS("h") "\r\n"},
    /* forms of the target */
    {"GET http://other:8080?x HTTP/1.1\r\nHost: h\r\n\r\n", false,
     "GET /?x HTTP/1.1\r\nHost: other:8080\r\n" OURS("other:8080") "\r\n"},
    {"OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n", false,
     "OPTIONS * HTTP/1.1\r\nHost: up:1\r\n" OURS("up:1") "\r\n"},
    {"GET / HTTP/1.0\r\nA: b\r\nExpect: 100-continue\r\n\r\n", false,
     "GET / HTTP/1.1\r\nHost: up:1\r\nA: b\r\nX-Forwarded-For: 192.0.2.1\r\n"
     "X-Forwarded-Proto: http\r\nX-Forwarded-Host: up:1\r\n"
     "Forwarded: for=192.0.2.1;host=\"up:1\";proto=http\r\nVia: 1.0 mongrel2\r\n\r\n"},
    /* who is believed */
    {"GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1.1.1.1\r\nForwarded: for=1.1.1.1\r\n"
     "X-Forwarded-Proto: https\r\nX-Forwarded-Host: fake\r\nVia: 1.1 a\r\n\r\n",
     false, "GET / HTTP/1.1\r\nHost: h\r\nVia: 1.1 a\r\n" OURS("h") "\r\n"},
    {"GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1.1.1.1\r\nForwarded: for=1.1.1.1\r\n"
     "X-Forwarded-Proto: https\r\n\r\n",
     true,
     "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1.1.1.1\r\nForwarded: for=1.1.1.1\r\n"
     "X-Forwarded-Proto: https\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Host: h\r\n"
     "Forwarded: for=192.0.2.1;host=\"h\";proto=http\r\nVia: 1.1 mongrel2\r\n\r\n"},
    {"GET / HTTP/1.1\r\nHost: h\r\nConnection: a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p\r\nP: x\r\nQ: y\r\n"
     "\r\n",
     false, "GET / HTTP/1.1\r\nHost: h\r\nQ: y\r\n" OURS("h") "\r\n"},
    {"GET / HTTP/1.1\r\nHost: h\r\nConnection: a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q\r\n\r\n", false,
     NULL},
};

static void test_requests(void **state)
{
    (void)state;
    static const struct request_limits limits = {8192, 0, FIELDS, false};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t len = strlen(rows[i].request);
        char *bytes = malloc(len);
        assert_non_null(bytes);
        memcpy(bytes, rows[i].request, len);
        struct http_field fields[FIELDS];
        struct request_head h;
        request_head_init(&h, fields, FIELDS);
        assert_int_equal(request_head_parse(&h, bytes, len, &limits), PARSE_DONE);
        struct forward_request f = {.head = &h,
                                    .peer = SLICE("192.0.2.1"),
                                    .scheme = SLICE("http"),
                                    .fallback = SLICE("up:1"),
                                    .keeps_forwarded = rows[i].keeps};
        size_t room = forward_request_room(&f);
        char *out = malloc(room);
        assert_non_null(out);
        size_t got = forward_request_write(&f, out, room);
        struct slice want = slice_str(rows[i].want);
        if (!slice_eq(slice_of(out, got), want))
            fail_msg("row %zu:\n%.*s", i, (int)got, out);
        free(out);
        free(bytes);
    }
}

/* RFC 7239 section 4: an IPv6 address is quoted and in brackets. */
static void test_forwarded_of_an_ipv6_client(void **state)
{
    (void)state;
    static const struct request_limits limits = {8192, 0, FIELDS, false};
    char bytes[] = "GET / HTTP/1.1\r\nHost: [::1]:8\r\n\r\n", out[1024];
    struct http_field fields[FIELDS];
    struct request_head h;
    request_head_init(&h, fields, FIELDS);
    assert_int_equal(request_head_parse(&h, bytes, sizeof bytes - 1, &limits), PARSE_DONE);
    struct forward_request f = {.head = &h,
                                .peer = SLICE("2001:db8:cafe::17"),
                                .scheme = SLICE("https"),
                                .fallback = SLICE("up:1")};
    assert_true(forward_request_room(&f) <= sizeof out);
    size_t len = forward_request_write(&f, out, forward_request_room(&f));
    out[len] = '\0';
    assert_non_null(
        strstr(out, "\r\nForwarded: for=\"[2001:db8:cafe::17]\";host=\"[::1]:8\";proto=https\r\n"));
}

/* What comes out is what a strict parser takes, with the same framing and no way around it. */
static void test_parses_again(void **state)
{
    (void)state;
    static const struct request_limits limits = {8192, 0, FIELDS, false};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].want == NULL)
            continue;
        size_t len = strlen(rows[i].want);
        char *bytes = malloc(len);
        assert_non_null(bytes);
        memcpy(bytes, rows[i].want, len);
        struct http_field fields[FIELDS];
        struct request_head h;
        request_head_init(&h, fields, FIELDS);
        assert_int_equal(request_head_parse(&h, bytes, len, &limits), PARSE_DONE);
        assert_int_equal(h.len, len);
        assert_null(memmem(bytes, len, "\n\n", 2));
        free(bytes);
    }
}

static void test_responses(void **state)
{
    (void)state;
    static const struct {
        const char *response, *want;
    } answers[] = {
        {"HTTP/1.1 200 OK\r\nServer: a\r\nContent-Length: 3\r\nContent-Type: t/p\r\n\r\n",
         "Server: a\r\nContent-Type: t/p\r\n"},
        {"HTTP/1.1 200 OK\nA: 1\nConnection: close, x\nX: y\nKeep-Alive: 1\n"
         "Transfer-Encoding: chunked\nSet-Cookie: a\nSet-Cookie: b\n\n",
         "A: 1\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n"},
        {"HTTP/1.1 200 OK\r\n\r\n", ""},
    };
    static const struct response_limits limits = {8192, FIELDS};
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct http_field fields[FIELDS];
        struct response_head h;
        response_head_init(&h, fields, FIELDS);
        assert_int_equal(response_head_parse(&h, answers[i].response, strlen(answers[i].response),
                                             METHOD_GET, &limits),
                         PARSE_DONE);
        size_t room = forward_response_room(&h);
        char *out = malloc(room);
        assert_non_null(out);
        size_t got = forward_response_fields(&h, out, room);
        assert_true(slice_eq(slice_of(out, got), slice_str(answers[i].want)));
        free(out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_forwarded_of_an_ipv6_client),
        cmocka_unit_test(test_parses_again),
        cmocka_unit_test(test_responses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
