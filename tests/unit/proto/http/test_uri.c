#include "proto/http/uri.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_decode(void **state)
{
    (void)state;
    static const struct {
        const char *path, *decoded; /* NULL: refused */
    } rows[] = {
        {"", ""},
        {"/plain", "/plain"},
        {"/a%20b", "/a b"},
        {"/a%2520b", "/a%20b"},
        {"/a+b", "/a+b"},
        {"%2e%2E/%2f", "..//"},
        {"%C3%a4", "\xc3\xa4"},
        {"/a%00x", NULL}, /* an encoded NUL would end the name: refused */
        {"/a%", NULL},
        {"/a%4", NULL},
        {"/a%4g", NULL},
        {"/a%g4", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct slice path = slice_str(rows[i].path);
        char *out = malloc(path.len + 1);
        assert_non_null(out);
        long len = uri_decode(path, out);
        if (rows[i].decoded == NULL) {
            assert_int_equal(len, -1);
        } else {
            assert_int_equal(len, strlen(rows[i].decoded));
            assert_memory_equal(out, rows[i].decoded, (size_t)len);
        }
        free(out);
    }
}

/* RFC 3986 section 3.2 */
static void test_authority(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host; /* NULL: refused */
        int port;
    } rows[] = {
        {"", "", -1},
        {"a", "a", -1},
        {"a.b-c_d~e", "a.b-c_d~e", -1},
        {"a:1", "a", 1},
        {"a:", "a", -1},
        {"a:0", "a", 0},
        {"a:65535", "a", 65535},
        {"a:65536", NULL, 0},
        {"a:000080", "a", 80},
        {"a:4294967376", NULL, 0},
        {"a:-1", NULL, 0},
        {"a:1:2", NULL, 0},
        {"a%2", NULL, 0},
        {"a%zz", NULL, 0},
        {"a%2db", "a%2db", -1},
        {"a b", NULL, 0},
        {"a@b", NULL, 0},
        {"a\\b", NULL, 0},
        {"[::1]", "::1", -1},
        {"[::ffff:1.2.3.4]:8080", "::ffff:1.2.3.4", 8080},
        {"[::1", NULL, 0},
        {"[]", NULL, 0},
        {"[1]", NULL, 0},
        {"[::1]x", NULL, 0},
        {"[::1%25eth0]", NULL, 0},
        {"[g::1]", NULL, 0},
        {"[vF.a:b]", "vF.a:b", -1},
        {"[v1.a/b]", NULL, 0},
        {"]", NULL, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct slice host = SLICE_EMPTY;
        int32_t port = -2;
        bool good = uri_parse_authority(slice_str(rows[i].text), &host, &port);
        if (good != (rows[i].host != NULL))
            fail_msg("\"%s\"", rows[i].text);
        if (good) {
            assert_true(slice_eq(host, slice_str(rows[i].host)));
            assert_int_equal(port, rows[i].port);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode),
        cmocka_unit_test(test_authority),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
