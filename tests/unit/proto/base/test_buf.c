/* Buffers: growth, the bound, and what becomes of them after a failure. */
#include "proto/base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_it_grows(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    assert_string_equal(buf_str(&b), "");
    for (int i = 0; i < 1000; i++)
        buf_append_char(&b, (char)('a' + i % 26));
    assert_int_equal(b.len, 1000);
    assert_int_equal(strlen(buf_str(&b)), 1000);
    buf_consume(&b, 998);
    assert_string_equal(buf_str(&b), "kl");
    buf_fini(&b);
}

/* To the byte, whatever the steps that it grows in. */
static void test_the_bound_is_exact(void **state)
{
    (void)state;
    for (size_t max = 1; max < 300; max++) {
        struct buf b = {.max = max};
        for (size_t i = 0; i < max; i++)
            buf_append_char(&b, 'x');
        assert_false(b.failed);
        assert_int_equal(b.len, max);
        buf_append_char(&b, 'x');
        assert_true(b.failed);
        assert_int_equal(b.len, max);
        buf_clear(&b);
        buf_append_str(&b, "x");
        assert_false(b.failed);
        buf_fini(&b);
        assert_int_equal(b.max, max);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_grows),
        cmocka_unit_test(test_the_bound_is_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
