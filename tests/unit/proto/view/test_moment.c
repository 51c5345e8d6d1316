/* Moments in words. */

#include "proto/base/clock.h"
#include "proto/view/moment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NOW_MS INT64_C(1795374654000) /* 2026-11-22 19:10:54 UTC */

static void test_format(void **state)
{
    (void)state;
    char out[MOMENT_LEN + 1];
    moment_format(NOW_MS, out);
    assert_string_equal(out, "2026-11-22 19:10:54");
    moment_format(NOW_MS + 999, out);
    assert_string_equal(out, "2026-11-22 19:10:54");
    moment_format(0, out);
    assert_string_equal(out, "1970-01-01 00:00:00");
}

static void test_age(void **state)
{
    (void)state;
    static const struct {
        int64_t age_s;
        const char *words;
    } rows[] = {
        {0, "just now"},        {-5, "just now"},     {1, "1 second ago"},
        {59, "59 seconds ago"}, {60, "1 minute ago"}, {3599, "59 minutes ago"},
        {7200, "2 hours ago"},  {86400, "1 day ago"}, {86400 * 30, "30 days ago"},
    };
    clock_fake(1, NOW_MS);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[MOMENT_AGE_LEN + 1];
        moment_age(NOW_MS - rows[i].age_s * 1000, out);
        assert_string_equal(out, rows[i].words);
    }
    clock_fake_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_age),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
