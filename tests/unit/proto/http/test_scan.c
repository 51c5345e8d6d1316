/* The vectorised scanners against the portable ones: each scanner on every byte at every place of
 * runs of every length, then whole heads through a second copy of the parser that was compiled
 * without vectors. */

/* The portable twin: the same sources under other names. */
#define SCAN_PORTABLE
#define field_list_init              portable_field_list_init
#define field_list_move              portable_field_list_move
#define field_list_next              portable_field_list_next
#define field_list_find              portable_field_list_find
#define field_lines_parse            portable_field_lines_parse
#define request_head_init            portable_request_head_init
#define request_head_parse           portable_request_head_parse
#define request_head_rebase          portable_request_head_rebase
#define request_method_is_idempotent portable_request_method_is_idempotent
#include "proto/http/field_lines.c"
#include "proto/http/request_head.c"
#undef request_head_init
#undef request_head_parse
void request_head_init(struct request_head *h, struct http_field *fields, size_t capacity);
enum parse_result request_head_parse(struct request_head *h, char *bytes, size_t len,
                                     const struct request_limits *limits);

#include "head_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define RUN 40

static void check_byte(int byte, size_t at, size_t len)
{
    static const char fill[] = {'a', '-', ' ', '/', '!', '\t'};
    for (size_t f = 0; f < sizeof fill; f++) {
        char *run = malloc(len);
        assert_non_null(run);
        memset(run, fill[f], len);
        run[at] = (char)byte;
        const char *end = run + len;
        const unsigned relaxed = BYTE_TARGET | BYTE_RELAXED;
        assert_ptr_equal(scan_token(run, end), scan_while(run, end, BYTE_TOKEN));
        assert_ptr_equal(scan_value(run, end), scan_while(run, end, BYTE_VALUE));
        assert_ptr_equal(scan_target(run, end, relaxed), scan_while(run, end, relaxed));
#if SCAN_VECTORS
        assert_ptr_equal(scan_token_vector(run, end), scan_while(run, end, BYTE_TOKEN));
        assert_ptr_equal(scan_value_vector(run, end), scan_while(run, end, BYTE_VALUE));
        assert_ptr_equal(scan_target_vector(run, end, BYTE_TARGET),
                         scan_while(run, end, BYTE_TARGET));
        assert_ptr_equal(scan_target_vector(run, end, relaxed), scan_while(run, end, relaxed));
#endif
        free(run);
    }
}

static void test_every_byte(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++)
        for (size_t len = 1; len <= RUN; len++)
            for (size_t at = len > 18 ? len - 18 : 0; at < len; at++)
                check_byte(byte, at, len);
}

/* The classes against the grammars, written the other way round. */
static void test_classes(void **state)
{
    (void)state;
    for (int i = 0; i < 256; i++) {
        char c = (char)i;
        bool alnum = (i >= 'a' && i <= 'z') || (i >= 'A' && i <= 'Z') || (i >= '0' && i <= '9');
        bool sub_delim = i != 0 && strchr("!$&'()*+,;=", i) != NULL;
        bool unreserved = alnum || (i != 0 && strchr("-._~", i) != NULL);
        assert_int_equal(scan_is(c, BYTE_TOKEN),
                         alnum || (i != 0 && strchr("!#$%&'*+-.^_`|~", i) != NULL));
        assert_int_equal(scan_is(c, BYTE_HOST), unreserved || sub_delim);
        assert_int_equal(scan_is(c, BYTE_TARGET),
                         unreserved || sub_delim || i == ':' || i == '@' || i == '/');
        assert_int_equal(scan_is(c, BYTE_RELAXED), i == '{' || i == '}' || i == '^');
        assert_int_equal(scan_is(c, BYTE_VALUE), (i >= 0x20 && i != 0x7f) || i == '\t');
        assert_int_equal(scan_is(c, BYTE_ETAG), i > 0x20 && i != 0x7f && i != '"');
        assert_int_equal(scan_is(c, BYTE_DIGIT), i >= '0' && i <= '9');
        assert_int_equal(scan_is(c, BYTE_HEX),
                         i != 0 && strchr("0123456789abcdefABCDEF", i) != NULL);
    }
}

static const char *const heads[] = {
    "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
    "GET /shop/chairs?sort=price&page=3&colour=dark%20green!~@$ HTTP/1.1\r\n"
    "Host: www.example.com:8080\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\tChrome\r\n"
    "X_odd!Name#With$Other%Characters: 1\r\nCookie: a=b; c=d; \xc3\xa4=\xc3\xb6\r\n\r\n",
    "POST http://a.example?x HTTP/1.0\nContent-Length: 5\nConnection: keep-alive\n\nhello",
};

/* Every single-byte change of the heads above: both parsers say the same, whole and cut short. */
static void test_mutated_heads(void **state)
{
    (void)state;
    static const struct request_limits limits = {4096, 100, 16, true};
    struct http_field fields[16];
    struct request_head h;
    struct buf one = BUF_INIT, two = BUF_INIT;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        size_t len = strlen(heads[i]);
        char *bytes = malloc(len);
        assert_non_null(bytes);
        for (size_t at = 0; at < len; at++) {
            for (int byte = 0; byte < 256; byte++) {
                memcpy(bytes, heads[i], len);
                bytes[at] = (char)byte;
                request_head_init(&h, fields, 16);
                head_text(&one, request_head_parse(&h, bytes, len, &limits), &h, bytes, len);
                memcpy(bytes, heads[i], len);
                bytes[at] = (char)byte;
                portable_request_head_init(&h, fields, 16);
                head_text(&two, portable_request_head_parse(&h, bytes, len, &limits), &h, bytes,
                          len);
                assert_string_equal(buf_str(&one), buf_str(&two));
            }
        }
        free(bytes);
    }
    buf_fini(&one);
    buf_fini(&two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_mutated_heads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
