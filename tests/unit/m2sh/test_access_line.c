/* Lines of both formats, and lines that are neither. */

#include "m2sh/access_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define LIST "77:9:localhost,9:127.0.0.1,5:40204#10:1795374816#3:GET,1:/,8:HTTP/1.1,3:200#1:3#]"
#define PAIRS                                                                          \
    "\"host\":\"localhost\",\"peer\":\"127.0.0.1\",\"port\":40204,\"method\":\"GET\"," \
    "\"path\":\"/\",\"version\":\"HTTP/1.1\",\"status\":200"

static void test_lines(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        bool is_good;
    } rows[] = {
        {LIST, true},
        {LIST "\n", true},
        {"{\"time\":1795374816," PAIRS ",\"size\":3}", true},
        {"{\"size\":3," PAIRS ",\"more\":[1,{\"a\":2}],\"time\":1795374816}\n", true},
        {"", false},
        {"\n", false},
        {"nonsense", false},
        {"77:9:localhost,", false},
        {"26:9:localhost,9:127.0.0.1,]", false},
        {"14:9:localhost,1:1#]", false},
        {"{", false},
        {"{}", false},
        {"{\"time\":1795374816," PAIRS "}", false}, /* no size */
        {"{\"time\":\"now\"," PAIRS ",\"size\":3}", false},
        {"{\"time\":1," PAIRS ",\"size\":3,", false},
        {"[1]", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct access_line l;
        struct arena a;
        arena_init(&a, 0);
        if (access_line_parse(&l, slice_str(rows[i].line), &a) != rows[i].is_good)
            fail_msg("line %zu: %s", i, rows[i].line);
        if (rows[i].is_good) {
            assert_true(slice_eq(l.host, SLICE("localhost")));
            assert_true(slice_eq(l.address, SLICE("127.0.0.1")));
            assert_true(slice_eq(l.method, SLICE("GET")));
            assert_true(slice_eq(l.path, SLICE("/")));
            assert_true(slice_eq(l.version, SLICE("HTTP/1.1")));
            assert_int_equal(l.port, 40204);
            assert_int_equal(l.time, 1795374816);
            assert_int_equal(l.status, 200);
            assert_int_equal(l.size, 3);
        }
        arena_fini(&a);
    }
}

static void test_escapes(void **state)
{
    (void)state;
    struct access_line l;
    struct arena a;
    arena_init(&a, 0);
    assert_true(access_line_parse(
        &l, SLICE("{\"time\":1,\"size\":3," PAIRS ",\"path\":\"/\\u00e9\\\"\"}"), &a));
    assert_true(slice_eq(l.path, SLICE("/\303\251\""))); /* of equal keys the last counts */
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_escapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
