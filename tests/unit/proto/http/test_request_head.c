/* The request head against RFC 9112 and RFC 9110: what is accepted and how it is understood, what
 * is refused and why, and that neither pieces nor moves of the buffer change anything. */

#include "proto/http/request_head.h"

#include "head_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define FIELD_ROOM 32

static const struct request_limits usual = {8192, 256, FIELD_ROOM, false};

struct parsed {
    char *bytes; /* exactly as long as the input, so that sanitizers see over-reads */
    size_t len;
    struct request_head head;
    struct http_field fields[FIELD_ROOM];
    enum parse_result result;
};

static void parse_bytes(struct parsed *p, const char *text, size_t len,
                        const struct request_limits *limits)
{
    p->bytes = malloc(len > 0 ? len : 1);
    assert_non_null(p->bytes);
    memcpy(p->bytes, text, len);
    p->len = len;
    request_head_init(&p->head, p->fields, FIELD_ROOM);
    p->result = request_head_parse(&p->head, p->bytes, len, limits);
}

static void parse_text(struct parsed *p, const char *text)
{
    parse_bytes(p, text, strlen(text), &usual);
}

static void assert_slice(struct slice s, const char *want)
{
    struct slice w = slice_str(want);
    if (!slice_eq(s, w))
        fail_msg("\"%.*s\" instead of \"%s\"", SLICE_ARG(s), want);
}

/* -- request targets ------------------------------------------------------------------------ */

struct target_row {
    const char *target, *path, *uri;
    const char *query, *fragment; /* NULL: none */
    const char *host;             /* NULL: that of the Host field */
};

static const struct target_row targets[] = {
    {"/", "/", "/", NULL, NULL, NULL},
    {"/hj?a?b", "/hj", "/hj?a?b", "a?b", NULL, NULL},
    {"/hj?", "/hj", "/hj?", "", NULL, NULL},
    {"/hj#", "/hj", "/hj", NULL, "", NULL},
    {"/hj#a/b?c", "/hj", "/hj", NULL, "a/b?c", NULL},
    {"/hj/a%20b?x=1&y=2#frag", "/hj/a%20b", "/hj/a%20b?x=1&y=2", "x=1&y=2", "frag", NULL},
    {"/hj;a=b", "/hj;a=b", "/hj;a=b", NULL, NULL, NULL},
    {"/a//b/", "/a//b/", "/a//b/", NULL, NULL, NULL},
    {"/a/../b", "/a/../b", "/a/../b", NULL, NULL, NULL},
    {"/hj/%00", "/hj/%00", "/hj/%00", NULL, NULL, NULL},
    {"//a/b", "//a/b", "//a/b", NULL, NULL, NULL},
    {"/-._~!$&'()*+,;=:@0aZ", "/-._~!$&'()*+,;=:@0aZ", "/-._~!$&'()*+,;=:@0aZ", NULL, NULL, NULL},
    {"/a$b!c@d~e$$$$$$$$$$$$$$$$$$$$$$$$", "/a$b!c@d~e$$$$$$$$$$$$$$$$$$$$$$$$",
     "/a$b!c@d~e$$$$$$$$$$$$$$$$$$$$$$$$", NULL, NULL, NULL},
    /* RFC 9112 section 3.2.2 */
    {"http://localhost/hj?x#y", "/hj", "/hj?x", "x", "y", "localhost"},
    {"HTTPS://[::1]:80/x", "/x", "/x", NULL, NULL, "::1"},
    {"http://a.example", "/", "/", NULL, NULL, "a.example"},
    {"http://a.example?q=1", "/", "/?q=1", "q=1", NULL, "a.example"},
    {"http://a.example:81#f", "/", "/", NULL, "f", "a.example"},
    {"http://a/http://b/", "/http://b/", "/http://b/", NULL, NULL, "a"},
};

static void test_targets(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        const struct target_row *row = &targets[i];
        char text[256];
        snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: field.example\r\n\r\n", row->target);
        struct parsed p;
        parse_text(&p, text);
        assert_int_equal(p.result, PARSE_DONE);
        assert_int_equal(p.head.len, strlen(text));
        assert_slice(p.head.path, row->path);
        assert_slice(p.head.uri, row->uri);
        assert_int_equal(p.head.has_query, row->query != NULL);
        assert_slice(p.head.query, row->query != NULL ? row->query : "");
        assert_int_equal(p.head.has_fragment, row->fragment != NULL);
        assert_slice(p.head.fragment, row->fragment != NULL ? row->fragment : "");
        assert_slice(p.head.host, row->host != NULL ? row->host : "field.example");
        assert_int_equal(p.head.form, row->host != NULL ? TARGET_ABSOLUTE : TARGET_ORIGIN);
        free(p.bytes);
    }
}

static void test_other_forms(void **state)
{
    (void)state;
    struct parsed p;
    parse_text(&p, "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_int_equal(p.result, PARSE_DONE);
    assert_int_equal(p.head.form, TARGET_ASTERISK);
    assert_slice(p.head.path, "*");
    assert_slice(p.head.uri, "*");
    free(p.bytes);
    parse_text(&p, "CONNECT localhost:443 HTTP/1.1\r\nHost: other\r\n\r\n");
    assert_int_equal(p.result, PARSE_DONE);
    assert_int_equal(p.head.form, TARGET_AUTHORITY);
    assert_int_equal(p.head.method_id, METHOD_CONNECT);
    assert_slice(p.head.host, "localhost");
    assert_int_equal(p.head.port, 443);
    assert_int_equal(p.head.path.len, 0);
    free(p.bytes);
    parse_text(&p, "CONNECT 1.2.3.4:443 HTTP/1.1\r\nHost: 1.2.3.4:443\r\n\r\n");
    assert_int_equal(p.result, PARSE_DONE);
    assert_slice(p.head.host, "1.2.3.4");
    free(p.bytes);
}

static void test_relaxed(void **state)
{
    (void)state;
    static const struct request_limits relaxed = {8192, 256, FIELD_ROOM, true};
    static const char text[] = "GET /{a}^?{b}^#{c}^ HTTP/1.1\r\nHost: h\r\n\r\n";
    struct parsed p;
    parse_bytes(&p, text, sizeof text - 1, &relaxed);
    assert_int_equal(p.result, PARSE_DONE);
    assert_slice(p.head.path, "/{a}^");
    assert_slice(p.head.query, "{b}^");
    assert_slice(p.head.fragment, "{c}^");
    free(p.bytes);
    parse_text(&p, text);
    assert_int_equal(p.result, PARSE_BAD);
    assert_int_equal(p.head.fault, FAULT_TARGET);
    free(p.bytes);
}

/* Reference section 7.1: every byte that is not in the table is refused, wherever it stands. */
static void test_target_bytes(void **state)
{
    (void)state;
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "-._~!$&'()*+,;=:@/?#";
    for (int byte = 1; byte < 256; byte++) {
        for (int before = 0; before < 20; before++) {
            char text[128];
            int at = snprintf(text, sizeof text, "GET /%.*s", before, "aaaaaaaaaaaaaaaaaaaa");
            text[at] = (char)byte;
            strcpy(text + at + 1, "/bcdefghijklmnopq HTTP/1.1\r\nHost: h\r\n\r\n");
            struct parsed p;
            parse_text(&p, text);
            bool good = strchr(allowed, byte) != NULL;
            assert_int_equal(p.result, good ? PARSE_DONE : PARSE_BAD);
            free(p.bytes);
        }
    }
}

/* -- methods and versions ------------------------------------------------------------------- */

static void test_methods(void **state)
{
    (void)state;
    static const struct {
        const char *method;
        enum method_id id;
    } rows[] = {
        {"GET", METHOD_GET},
        {"HEAD", METHOD_HEAD},
        {"POST", METHOD_POST},
        {"PUT", METHOD_PUT},
        {"DELETE", METHOD_DELETE},
        {"OPTIONS", METHOD_OPTIONS},
        {"PATCH", METHOD_PATCH},
        {"TRACE", METHOD_TRACE},
        {"get", METHOD_OTHER},
        {"GEX", METHOD_OTHER},
        {"HEAT", METHOD_OTHER},
        {"POSE", METHOD_OTHER},
        {"M-SEARCH", METHOD_OTHER},
        {"G", METHOD_OTHER},
        {"PATCX", METHOD_OTHER},
        {"!#$%&'*+-.^_`|~", METHOD_OTHER},
        {"OPTIONX", METHOD_OTHER},
        {"DELETF", METHOD_OTHER},
        {"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345", METHOD_OTHER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[128];
        snprintf(text, sizeof text, "%s / HTTP/1.1\r\nHost: h\r\n\r\n", rows[i].method);
        struct parsed p;
        parse_text(&p, text);
        assert_int_equal(p.result, PARSE_DONE);
        assert_int_equal(p.head.method_id, rows[i].id);
        assert_slice(p.head.method, rows[i].method);
        free(p.bytes);
    }
    assert_true(request_method_is_idempotent(METHOD_GET));
    assert_true(request_method_is_idempotent(METHOD_PUT));
    assert_false(request_method_is_idempotent(METHOD_POST));
    assert_false(request_method_is_idempotent(METHOD_PATCH));
    assert_false(request_method_is_idempotent(METHOD_OTHER));
}

static void test_versions(void **state)
{
    (void)state;
    struct parsed p;
    parse_text(&p, "GET / HTTP/1.0\r\n\r\n");
    assert_int_equal(p.result, PARSE_DONE);
    assert_int_equal(p.head.version_minor, 0);
    assert_false(p.head.keep_alive);
    assert_int_equal(p.head.host.len, 0);
    free(p.bytes);
    parse_text(&p, "GET / HTTP/1.0\nConnection: Keep-Alive\n\n");
    assert_int_equal(p.result, PARSE_DONE);
    assert_true(p.head.keep_alive);
    free(p.bytes);
    parse_text(&p, "GET / HTTP/1.7\r\nHost: h\r\n\r\n"); /* RFC 9110 section 2.5 */
    assert_int_equal(p.result, PARSE_DONE);
    assert_int_equal(p.head.version_minor, 1);
    free(p.bytes);
}

/* -- refused -------------------------------------------------------------------------------- */

struct bad_row {
    const char *text;
    size_t len; /* 0: strlen */
    enum parse_fault fault;
    int status;
};
#define WITH_NUL(text) text, sizeof(text) - 1

static const struct bad_row bad_rows[] = {
    /* RFC 9112 section 3: the request line */
    {"\x16\x03\x01\x02", 0, FAULT_METHOD, 400},
    {" GET / HTTP/1.1\r\nHost: h\r\n\r\n", 0, FAULT_METHOD, 400},
    {"GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n", 0, FAULT_METHOD, 400},
    {"(GET / HTTP/1.1\r\nHost: h\r\n\r\n", 0, FAULT_METHOD, 400},
    {WITH_NUL("GE\0T / HTTP/1.1\r\nHost: h\r\n\r\n"), FAULT_METHOD, 400},
    {"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456 / HTTP/1.1\r\nHost: h\r\n\r\n", 0, FAULT_METHOD_LENGTH,
     501},
    {"GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 0, FAULT_TARGET, 400},
    {"GET /  HTTP/1.1\r\nHost: h\r\n\r\n", 0, FAULT_VERSION, 400},
    {"GET / HTTP/1.1 \r\nHost: h\r\n\r\n", 0, FAULT_START_LINE, 400},
    {"GET / HTTP/1.1\rX\r\nHost: h\r\n\r\n", 0, FAULT_BARE_CR, 400},
    {"GET / HTTP/1.10\r\nHost: h\r\n\r\n", 0, FAULT_START_LINE, 400},
    {"GET / http/1.1\r\nHost: h\r\n\r\n", 0, FAULT_VERSION, 400},
    {"GET / HTTP/x.1\r\nHost: h\r\n\r\n", 0, FAULT_VERSION, 400},
    {"GET / HTTP/11\r\nHost: h\r\n\r\n", 0, FAULT_VERSION, 400},
    {"GET / HTTP/2.0\r\nHost: h\r\n\r\n", 0, FAULT_VERSION_UNSUPPORTED, 505},
    {"GET / HTTP/0.9\r\nHost: h\r\n\r\n", 0, FAULT_VERSION_UNSUPPORTED, 505},
    {"GET /\r\n", 0, FAULT_TARGET, 400}, /* HTTP/0.9 */
    {"GET foo\r\n", 0, FAULT_TARGET_FORM, 400},
    {"\n\n\n\n\n\n\n\n\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", 0, FAULT_EMPTY_LINES, 400},
    {"\rGET / HTTP/1.1\r\nHost: h\r\n\r\n", 0, FAULT_BARE_CR, 400},
    /* RFC 9112 section 3.2: forms of the target */
    {"GET foo HTTP/1.1\r\nHost: h\r\n\r\n", 0, FAULT_TARGET_FORM, 400},
    {"GET * HTTP/1.1\r\nHost: h\r\n\r\n", 0, FAULT_TARGET_FORM, 400},
    {"OPTIONS *x HTTP/1.1\r\nHost: h\r\n\r\n", 0, FAULT_TARGET_FORM, 400},
    {"GET @hj HTTP/1.1\r\nHost: h\r\n\r\n", 0, FAULT_TARGET_FORM, 400},
    {"GET ?q HTTP/1.1\r\nHost: h\r\n\r\n", 0, FAULT_TARGET, 400},
    {"GET #f HTTP/1.1\r\nHost: h\r\n\r\n", 0, FAULT_TARGET, 400},
    {"GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n", 0, FAULT_TARGET_FORM, 400},
    {"GET http:/h/ HTTP/1.1\r\nHost: h\r\n\r\n", 0, FAULT_TARGET_FORM, 400},
    {"GET http:///x HTTP/1.1\r\nHost: h\r\n\r\n", 0, FAULT_TARGET_AUTHORITY, 400},
    {"GET http://u@h/x HTTP/1.1\r\nHost: h\r\n\r\n", 0, FAULT_TARGET_AUTHORITY, 400},
    {"GET http://h:99999/x HTTP/1.1\r\nHost: h\r\n\r\n", 0, FAULT_TARGET_AUTHORITY, 400},
    {"GET http://h\xff/ HTTP/1.1\r\nHost: h\r\n\r\n", 0, FAULT_TARGET, 400},
    {"CONNECT / HTTP/1.1\r\nHost: h\r\n\r\n", 0, FAULT_TARGET_AUTHORITY, 400},
    {"CONNECT h HTTP/1.1\r\nHost: h\r\n\r\n", 0, FAULT_TARGET_FORM, 400},
    {"CONNECT h:1/x HTTP/1.1\r\nHost: h\r\n\r\n", 0, FAULT_TARGET_FORM, 400},
    {"GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n", 0, FAULT_TARGET, 400},
    {"GET /%4 HTTP/1.1\r\nHost: h\r\n\r\n", 0, FAULT_TARGET, 400},
    {"GET /a#b#c HTTP/1.1\r\nHost: h\r\n\r\n", 0, FAULT_TARGET, 400},
    {WITH_NUL("GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n"), FAULT_TARGET, 400},
    /* RFC 9112 section 5: field lines */
    {"GET / HTTP/1.1\r\n Host: h\r\n\r\n", 0, FAULT_FIELD_FOLDED, 400},
    {"GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n c\r\n\r\n", 0, FAULT_FIELD_FOLDED, 400},
    {"GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n\tc\r\n\r\n", 0, FAULT_FIELD_FOLDED, 400},
    {"GET / HTTP/1.1\r\nHost : h\r\n\r\n", 0, FAULT_FIELD_SPACE, 400},
    {"GET / HTTP/1.1\r\nHost\t: h\r\n\r\n", 0, FAULT_FIELD_SPACE, 400},
    {"GET / HTTP/1.1\r\nHost: h\r\nfoo\r\nbar: baz\r\n\r\n", 0, FAULT_FIELD_COLON, 400},
    {"GET / HTTP/1.1\r\nHost: h\r\n: x\r\n\r\n", 0, FAULT_FIELD_NAME, 400},
    {"GET / HTTP/1.1\r\nHost: h\r\nf\x01: x\r\n\r\n", 0, FAULT_FIELD_NAME, 400},
    {"GET / HTTP/1.1\r\nHost: h\r\nf\xc3\xa9: x\r\n\r\n", 0, FAULT_FIELD_NAME, 400},
    {"GET / HTTP/1.1\r\nHost: h\r\nf(): x\r\n\r\n", 0, FAULT_FIELD_NAME, 400},
    {WITH_NUL("GET / HTTP/1.1\r\nHost: h\r\nf\0: x\r\n\r\n"), FAULT_FIELD_NAME, 400},
    {WITH_NUL("GET / HTTP/1.1\r\nHost: h\r\nf: \0\r\n\r\n"), FAULT_FIELD_VALUE, 400},
    {"GET / HTTP/1.1\r\nHost: h\r\nf: \x01\r\n\r\n", 0, FAULT_FIELD_VALUE, 400},
    {"GET / HTTP/1.1\r\nHost: h\r\nf: \x7f\r\n\r\n", 0, FAULT_FIELD_VALUE, 400},
    {"GET / HTTP/1.1\r\nHost: h\r\nf: a\rb\r\n\r\n", 0, FAULT_BARE_CR, 400},
    {"GET / HTTP/1.1\r\nHost: h\r\nf: a\r\r\n\r\n", 0, FAULT_BARE_CR, 400},
    {"GET / HTTP/1.1\r\nHost: h\r\n\rX", 0, FAULT_BARE_CR, 400},
    /* RFC 9112 section 3.2: Host */
    {"GET / HTTP/1.1\r\n\r\n", 0, FAULT_HOST_MISSING, 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", 0, FAULT_HOST_REPEATED, 400},
    {"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 0, FAULT_HOST_REPEATED, 400},
    {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 0, FAULT_HOST, 400},
    {"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 0, FAULT_HOST, 400},
    {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 0, FAULT_HOST, 400},
    {"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 0, FAULT_HOST, 400},
    {"GET / HTTP/1.1\r\nHost: a:8x\r\n\r\n", 0, FAULT_HOST, 400},
    {"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 0, FAULT_HOST, 400},
    {"GET http://a/ HTTP/1.1\r\n\r\n", 0, FAULT_HOST_MISSING, 400},
    {"GET http://a/ HTTP/1.1\r\nHost: ()@\r\n\r\n", 0, FAULT_HOST, 400},
};

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_rows / sizeof *bad_rows; i++) {
        const struct bad_row *row = &bad_rows[i];
        struct parsed p;
        parse_bytes(&p, row->text, row->len != 0 ? row->len : strlen(row->text), &usual);
        if (p.result != PARSE_BAD || p.head.fault != row->fault)
            fail_msg("row %zu \"%s\": result %d fault %d (%s)", i, row->text, p.result,
                     p.head.fault, parse_fault_text(p.head.fault));
        assert_int_equal(parse_fault_status(p.head.fault), row->status);
        assert_true(p.head.offset <= p.len);
        free(p.bytes);
    }
}

static void test_offset(void **state)
{
    (void)state;
    struct parsed p;
    parse_text(&p, "GET /a\\b HTTP/1.1\r\n");
    assert_int_equal(p.head.offset, 6);
    free(p.bytes);
    parse_text(&p, "GET / HTTP/1.1\r\nHost: h\r\nA: b\x01\r\n\r\n");
    assert_int_equal(p.head.offset, 29); /* the byte 0x01 */
    free(p.bytes);
}

/* -- fields --------------------------------------------------------------------------------- */

static void test_fields(void **state)
{
    (void)state;
    struct parsed p;
    parse_text(&p, "GET / HTTP/1.1\r\nhOST:h\r\nX-Multi: one\r\nEmpty:\r\nx-multi: \t two \t \r\n"
                   "X_y: \xff\tz\nAccept: a\r\nAccept: b\r\n\r\nGET");
    assert_int_equal(p.result, PARSE_DONE);
    assert_int_equal(p.head.len, p.len - 3);
    const struct field_list *l = &p.head.fields;
    assert_int_equal(l->count, 7);
    assert_slice(l->items[0].name, "hOST");
    assert_slice(field_list_value(l, FIELD_HOST), "h");
    assert_slice(l->items[2].value, "");
    assert_slice(l->items[3].value, "two");
    assert_slice(l->items[4].value, "\xff\tz");
    assert_slice(field_list_find(l, SLICE("X-MULTI"))->value, "one");
    assert_slice(field_list_find(l, SLICE("host"))->value, "h");
    assert_null(field_list_find(l, SLICE("absent")));
    assert_null(field_list_get(l, FIELD_RANGE));
    assert_int_equal(field_list_value(l, FIELD_RANGE).len, 0);
    const struct http_field *accept = field_list_get(l, FIELD_ACCEPT);
    assert_slice(accept->value, "a");
    accept = field_list_next(l, accept);
    assert_slice(accept->value, "b");
    assert_null(field_list_next(l, accept));
    assert_null(field_list_next(l, field_list_get(l, FIELD_HOST)));
    free(p.bytes);
}

struct host_row {
    const char *value, *host;
    int port;
};

static void test_host(void **state)
{
    (void)state;
    static const struct host_row rows[] = {
        {"name", "name", -1},
        {"Name.Example.", "Name.Example.", -1},
        {"name:8080", "name", 8080},
        {"name:", "name", -1},
        {"[::1]:80", "::1", 80},
        {"[2001:db8::1]", "2001:db8::1", -1},
        {":80", "", 80},
        {"", "", -1},
        {"127.0.0.1", "127.0.0.1", -1},
        {"a%41b", "a%41b", -1},
        {"under_score", "under_score", -1},
        {"[v1.x/y]", NULL, 0},
        {"[v1.x]", "v1.x", -1},
        {"h:65535", "h", 65535},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[128];
        snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", rows[i].value);
        struct parsed p;
        parse_text(&p, text);
        assert_int_equal(p.result, rows[i].host != NULL ? PARSE_DONE : PARSE_BAD);
        if (rows[i].host != NULL) {
            assert_slice(p.head.host, rows[i].host);
            assert_int_equal(p.head.port, rows[i].port);
            assert_slice(p.head.authority, rows[i].value);
        }
        free(p.bytes);
    }
}

struct meaning_row {
    const char *fields; /* after Host */
    const char *want;
};

/* k keep alive, c 100-continue, u unknown expectation, w websocket, b body */
static const struct meaning_row meanings[] = {
    {"", "k"},
    {"Connection: close\r\n", ""},
    {"Connection: keep-alive, CLOSE\r\n", ""},
    {"Connection: x\r\nConnection: close\r\n", ""},
    {"Connection: closed\r\n", "k"},
    {"Expect: 100-continue\r\nContent-Length: 1\r\n", "kcb"},
    {"Expect: 100-Continue\r\n", "kc"},
    {"Expect: 200-ok\r\n", "ku"},
    {"Expect: 100-continue, x=y\r\n", "kcu"},
    {"Content-Length: 0\r\n", "k"},
    {"Transfer-Encoding: chunked\r\n", "kb"},
    {"Connection: Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\n"
     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
     "kw"},
    {"Connection: keep-alive, upgrade\r\nUpgrade: h2c, websocket\r\nSec-WebSocket-Version: 13\r\n"
     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
     "kw"},
    {"Connection: xupgradex\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
     "k"},
    {"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 12\r\n"
     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
     "k"},
    {"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
     "Sec-WebSocket-Key: short==\r\n",
     "k"},
    {"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
     "Sec-WebSocket-Key: dGhl!HNhbXBsZSBub25jZQ==\r\n",
     "k"},
    {"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n", "k"},
};

static void test_meaning(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        char text[512], got[8];
        snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: h\r\n%s\r\n", meanings[i].fields);
        struct parsed p;
        parse_text(&p, text);
        assert_int_equal(p.result, PARSE_DONE);
        const struct request_head *h = &p.head;
        snprintf(got, sizeof got, "%s%s%s%s%s", h->keep_alive ? "k" : "",
                 h->expect_continue ? "c" : "", h->expect_unknown ? "u" : "",
                 h->upgrade_websocket ? "w" : "", h->has_body ? "b" : "");
        if (strcmp(got, meanings[i].want) != 0)
            fail_msg("row %zu: \"%s\" instead of \"%s\"", i, got, meanings[i].want);
        free(p.bytes);
    }
    struct parsed p; /* an expectation in HTTP/1.0 is ignored: RFC 9110 section 10.1.1 */
    parse_text(&p, "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    assert_int_equal(p.result, PARSE_DONE);
    assert_false(p.head.expect_continue);
    assert_true(p.head.has_body);
    free(p.bytes);
}

/* -- limits --------------------------------------------------------------------------------- */

static void test_limits(void **state)
{
    (void)state;
    static const char text[] = "GET /abcdef HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n";
    size_t len = sizeof text - 1;
    struct {
        struct request_limits limits;
        enum parse_result result;
        enum parse_fault fault;
        int status;
    } rows[] = {
        {{len, 7, 2, false}, PARSE_DONE, FAULT_NONE, 400},
        {{len - 1, 7, 2, false}, PARSE_BAD, FAULT_HEAD_BYTES, 431},
        {{21, 7, 2, false}, PARSE_BAD, FAULT_START_LINE_BYTES, 414},
        {{len, 6, 2, false}, PARSE_BAD, FAULT_URL_PATH, 414},
        {{len, 0, 2, false}, PARSE_DONE, FAULT_NONE, 400},
        {{len, 7, 1, false}, PARSE_BAD, FAULT_FIELD_COUNT, 431},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct parsed p;
        parse_bytes(&p, text, len, &rows[i].limits);
        assert_int_equal(p.result, rows[i].result);
        assert_int_equal(p.head.fault, rows[i].fault);
        assert_int_equal(parse_fault_status(p.head.fault), rows[i].status);
        free(p.bytes);
    }
    /* incomplete: refused as soon as no complete head can fit */
    static const struct request_limits small = {24, 0, 2, false};
    struct parsed p;
    parse_bytes(&p, "GET /aaaaaaaaaaaaaaaaaaaaaaaaa", 23, &small);
    assert_int_equal(p.result, PARSE_MORE);
    free(p.bytes);
    parse_bytes(&p, "GET /aaaaaaaaaaaaaaaaaaaaaaaaa", 24, &small);
    assert_int_equal(p.result, PARSE_BAD);
    assert_int_equal(p.head.fault, FAULT_START_LINE_BYTES);
    free(p.bytes);
    parse_bytes(&p, "GET / HTTP/1.1\r\nHost: hhhhhhhhhhh", 25, &small);
    assert_int_equal(p.result, PARSE_BAD);
    assert_int_equal(p.head.fault, FAULT_HEAD_BYTES);
    free(p.bytes);
}

static void test_larger_array(void **state)
{
    (void)state;
    struct buf text = BUF_INIT;
    buf_append_str(&text, "GET / HTTP/1.1\r\nHost: h\r\n");
    for (int i = 0; i < 20; i++)
        buf_printf(&text, "X-%d: %d\r\nConnection: a%d\r\n", i, i, i);
    buf_append_str(&text, "\r\n");
    struct http_field few[4], many[64];
    struct request_head h;
    struct request_limits limits = {8192, 0, 41, false};
    request_head_init(&h, few, 4);
    assert_int_equal(request_head_parse(&h, text.data, text.len, &limits), PARSE_FULL);
    assert_int_equal(request_head_parse(&h, text.data, text.len, &limits), PARSE_FULL);
    field_list_move(&h.fields, many, 64);
    assert_int_equal(request_head_parse(&h, text.data, text.len, &limits), PARSE_DONE);
    assert_int_equal(h.fields.count, 41);
    assert_slice(h.fields.items[39].value, "19");
    assert_slice(field_list_value(&h.fields, FIELD_CONNECTION), "a0");
    limits.fields = 40;
    request_head_init(&h, many, 64);
    assert_int_equal(request_head_parse(&h, text.data, text.len, &limits), PARSE_BAD);
    assert_int_equal(h.fault, FAULT_FIELD_COUNT);
    buf_fini(&text);
}

/* -- pieces --------------------------------------------------------------------------------- */

/* Feeds `len` bytes in steps of `step` from a buffer that moves every time; the old place is
 * freed, so that a slice left behind is found by the sanitizer. */
static void parse_pieces(struct buf *out, const char *text, size_t len, size_t step)
{
    struct http_field fields[FIELD_ROOM];
    struct request_head h;
    request_head_init(&h, fields, FIELD_ROOM);
    char *bytes = NULL, *old = NULL;
    enum parse_result r = PARSE_MORE;
    size_t have = 0;
    while (r == PARSE_MORE && have < len) {
        size_t before = have;
        have = have + step < len ? have + step : len;
        bytes = malloc(have);
        assert_non_null(bytes);
        if (old != NULL)
            memcpy(bytes, old, before);
        memcpy(bytes + before, text + before, have - before);
        r = request_head_parse(&h, bytes, have, &usual);
        free(old);
        old = bytes;
    }
    head_text(out, r, &h, bytes, have);
    free(bytes);
}

static const char *const piece_samples[] = {
    "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
    "\r\n\nPOST /a/b%20c?d=e#f HTTP/1.1\nHost: [::1]:8080\r\nContent-Length: 3, 3\r\n"
    "Expect: 100-continue\r\nX-Long-Field-Name-Here: with a value that is longer than "
    "sixteen\r\n\n",
    "GET http://a.example?q HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n",
    "GET HTTPS://a.example:1 HTTP/1.0\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n",
    "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nTransfer-Encoding: chunked\r\n\r\n",
};

static void test_pieces(void **state)
{
    (void)state;
    struct buf whole = BUF_INIT, pieces = BUF_INIT;
    for (size_t i = 0; i < sizeof piece_samples / sizeof *piece_samples; i++) {
        size_t len = strlen(piece_samples[i]);
        parse_pieces(&whole, piece_samples[i], len, len);
        assert_non_null(strstr(buf_str(&whole), "result=0"));
        for (size_t step = 1; step < len; step++) {
            parse_pieces(&pieces, piece_samples[i], len, step);
            assert_string_equal(buf_str(&pieces), buf_str(&whole));
        }
    }
    /* what is bad stays bad, for the same reason; where only matters whole */
    for (size_t i = 0; i < sizeof bad_rows / sizeof *bad_rows; i++) {
        size_t len = bad_rows[i].len != 0 ? bad_rows[i].len : strlen(bad_rows[i].text);
        if (memchr(bad_rows[i].text, '\n', len) == NULL || bad_rows[i].text[len - 1] != '\n')
            continue;
        parse_pieces(&whole, bad_rows[i].text, len, len);
        parse_pieces(&pieces, bad_rows[i].text, len, 1);
        assert_string_equal(buf_str(&pieces), buf_str(&whole));
    }
    buf_fini(&whole);
    buf_fini(&pieces);
}

/* Every prefix of a head is incomplete, never wrong, and nothing behind the head is touched. */
static void test_prefixes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof piece_samples / sizeof *piece_samples; i++) {
        for (size_t len = 0; len < strlen(piece_samples[i]); len++) {
            struct parsed p;
            parse_bytes(&p, piece_samples[i], len, &usual);
            assert_int_equal(p.result, PARSE_MORE);
            free(p.bytes);
        }
    }
}

/* 60 KB in one line, byte by byte: finishes at once because the line is parsed when it is whole. */
static void test_dribble_is_linear(void **state)
{
    (void)state;
    static const struct request_limits wide = {65536, 0, FIELD_ROOM, false};
    size_t len = 60000;
    char *bytes = malloc(len);
    assert_non_null(bytes);
    memset(bytes, 'a', len);
    memcpy(bytes, "GET / HTTP/1.1\r\nHost: h\r\nX: ", 28);
    memcpy(bytes + len - 4, "\r\n\r\n", 4);
    struct http_field fields[FIELD_ROOM];
    struct request_head h;
    request_head_init(&h, fields, FIELD_ROOM);
    for (size_t have = 1; have < len; have++) {
        assert_int_equal(request_head_parse(&h, bytes, have, &wide), PARSE_MORE);
        assert_int_equal(h.seen, have);
    }
    assert_int_equal(request_head_parse(&h, bytes, len, &wide), PARSE_DONE);
    assert_int_equal(h.fields.items[1].value.len, len - 28 - 4);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_targets),      cmocka_unit_test(test_other_forms),
        cmocka_unit_test(test_relaxed),      cmocka_unit_test(test_target_bytes),
        cmocka_unit_test(test_methods),      cmocka_unit_test(test_versions),
        cmocka_unit_test(test_bad),          cmocka_unit_test(test_offset),
        cmocka_unit_test(test_fields),       cmocka_unit_test(test_host),
        cmocka_unit_test(test_meaning),      cmocka_unit_test(test_limits),
        cmocka_unit_test(test_larger_array), cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_prefixes),     cmocka_unit_test(test_dribble_is_linear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
