#include "proto/base/slice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Every pair of bytes, against the definition. */
static void test_eq_nocase(void **state)
{
    (void)state;
    for (int a = 0; a < 256; a++)
        for (int b = 0; b < 256; b++) {
            char x[2] = {'-', (char)a}, y[2] = {'-', (char)b};
            int low_a = a >= 'A' && a <= 'Z' ? a + 32 : a,
                low_b = b >= 'A' && b <= 'Z' ? b + 32 : b;
            assert_int_equal(slice_eq_nocase(slice_of(x, 2), slice_of(y, 2)), low_a == low_b);
        }
    assert_false(slice_eq_nocase(SLICE("a\0b"), SLICE("a\0c"))); /* a NUL ends nothing */
    assert_false(slice_eq_nocase(SLICE("ab"), SLICE("abc")));
    assert_true(slice_eq_nocase(SLICE_EMPTY, SLICE("")));
}

static void test_parts(void **state)
{
    (void)state;
    assert_true(slice_starts_with(SLICE("abc"), SLICE("ab")));
    assert_true(slice_starts_with(SLICE("abc"), SLICE("")));
    assert_false(slice_starts_with(SLICE("a"), SLICE("ab")));
    assert_true(slice_ends_with(SLICE("abc"), SLICE("bc")));
    assert_false(slice_ends_with(SLICE("c"), SLICE("bc")));
    assert_int_equal(slice_find(SLICE("abc"), 'c'), 2);
    assert_int_equal(slice_find(SLICE("abc"), 'd'), 3);
    assert_int_equal(slice_find(SLICE_EMPTY, 'd'), 0);
    assert_true(slice_eq(slice_trim(SLICE(" \t a b\t ")), SLICE("a b")));
    assert_true(slice_eq(slice_trim(SLICE(" \t ")), SLICE("")));
    assert_true(slice_eq(slice_from(SLICE("abc"), 3), SLICE("")));
    assert_true(slice_eq(slice_str(NULL), SLICE("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eq_nocase),
        cmocka_unit_test(test_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
