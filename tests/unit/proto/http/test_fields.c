#include "proto/http/fields.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_next(void **state)
{
    (void)state;
    static const struct {
        const char *list, *elements; /* joined by | */
    } rows[] = {
        {"", ""},
        {" , ,\t,", ""},
        {"a", "a"},
        {"a,b", "a|b"},
        {" a b ,, c\t", "a b|c"},
        {"\"a,b\", c", "\"a,b\"|c"},
        {"\"a\\\",b\", c", "\"a\\\",b\"|c"},
        {"\"open, c", "\"open, c"},
        {"\"x\\", "\"x\\"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct slice rest = slice_str(rows[i].list), element;
        char got[64] = "";
        while (fields_next(&rest, &element)) {
            if (got[0] != '\0')
                strcat(got, "|");
            strncat(got, element.ptr, element.len);
        }
        assert_string_equal(got, rows[i].elements);
    }
}

static void test_has_token(void **state)
{
    (void)state;
    assert_true(fields_has_token(SLICE("keep-alive, Upgrade"), SLICE("upgrade")));
    assert_true(fields_has_token(SLICE("gzip;q=0.5 , br"), SLICE("gzip")));
    assert_false(fields_has_token(SLICE("xupgradex"), SLICE("upgrade")));
    assert_false(fields_has_token(SLICE(""), SLICE("upgrade")));
}

/* RFC 9110 sections 12.4.2 and 12.5.3 */
static void test_weight(void **state)
{
    (void)state;
    static const struct {
        const char *list, *coding;
        int weight;
    } rows[] = {
        {"gzip", "gzip", 1000},
        {"GZIP", "gzip", 1000},
        {"br;q=1.0, gzip;q=0.8, *;q=0.1", "gzip", 800},
        {"br;q=1.0, gzip;q=0.8, *;q=0.1", "zstd", 100},
        {"br;q=1.0, gzip;q=0.8", "zstd", -1},
        {"gzip;q=0", "gzip", 0},
        {"*;q=0, gzip", "gzip", 1000},
        {"*;q=0", "gzip", 0},
        {"gzip ; q=0.123", "gzip", 123},
        {"gzip;x=y;Q=0.5", "gzip", 500},
        {"gzip;q=1.001", "gzip", 0},
        {"gzip;q=2", "gzip", 0},
        {"gzip;q=", "gzip", 0},
        {"gzip;q=0.1234", "gzip", 0},
        {"gzip;q=0x5", "gzip", 0},
        {"gzip;q=0.a", "gzip", 0},
        {"gzip;q=0.", "gzip", 0},
        {"gzip;q=1.", "gzip", 1000},
        {"gzip;", "gzip", 1000},
        {"", "gzip", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(fields_weight(slice_str(rows[i].list), slice_str(rows[i].coding)),
                         rows[i].weight);
}

static void test_number(void **state)
{
    (void)state;
    assert_int_equal(fields_number(SLICE("0")), 0);
    assert_int_equal(fields_number(SLICE("9223372036854775807")), INT64_MAX);
    assert_int_equal(fields_number(SLICE("9223372036854775808")), -1);
    assert_int_equal(fields_number(SLICE("99999999999999999999999")), -1);
    assert_int_equal(fields_number(SLICE("")), -1);
    assert_int_equal(fields_number(SLICE("-1")), -1);
    assert_int_equal(fields_number(SLICE("1 ")), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_next),
        cmocka_unit_test(test_has_token),
        cmocka_unit_test(test_weight),
        cmocka_unit_test(test_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
