/* Ten minutes of seconds: what is added, what is forgotten, and clocks that jump. */

#include "proto/view/history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NOW_S ((int64_t)1795000000)

static void add(struct history *h, int64_t second, uint32_t requests)
{
    struct history_second s = {
        .requests = requests, .errors = 1, .p99_us = requests, .connections = requests};
    history_add(h, second * 1000 + 500, &s);
}

static void test_counts_are_added_and_heights_are_the_highest(void **state)
{
    struct history h = {.newest_s = 0};
    struct history_second sum;
    (void)state;
    add(&h, NOW_S, 3);
    add(&h, NOW_S, 4);
    add(&h, NOW_S + 1, 2);
    assert_int_equal(history_sum(&h, NOW_S, 2, &sum), 2);
    assert_int_equal(sum.requests, 9);
    assert_int_equal(sum.errors, 3);
    assert_int_equal(sum.p99_us, 4);
    assert_int_equal(sum.connections, 4);
}

static void test_what_is_not_known_is_not_nothing(void **state)
{
    struct history h = {.newest_s = 0};
    struct history_second sum;
    (void)state;
    assert_int_equal(history_sum(&h, NOW_S, 10, &sum), 0);
    add(&h, NOW_S, 1);
    add(&h, NOW_S + 5, 1);
    assert_int_equal(history_sum(&h, NOW_S - 3, 20, &sum), 6); /* the seconds between are known */
    assert_int_equal(sum.requests, 2);
    assert_int_equal(history_sum(&h, NOW_S + 6, 10, &sum), 0);
}

static void test_ten_minutes_are_kept(void **state)
{
    struct history h = {.newest_s = 0};
    struct history_second sum;
    (void)state;
    for (int64_t i = 0; i < 3 * HISTORY_SECONDS; i++)
        add(&h, NOW_S + i, 1);
    assert_int_equal(history_sum(&h, NOW_S, 3 * HISTORY_SECONDS, &sum), HISTORY_SECONDS);
    assert_int_equal(sum.requests, HISTORY_SECONDS);
    /* a stop longer than all that is kept leaves nothing old behind */
    add(&h, NOW_S + 10 * HISTORY_SECONDS, 7);
    assert_int_equal(history_sum(&h, NOW_S, 20 * HISTORY_SECONDS, &sum), HISTORY_SECONDS);
    assert_int_equal(sum.requests, 7);
}

static void test_a_clock_that_is_set_back_begins_anew(void **state)
{
    struct history h = {.newest_s = 0};
    struct history_second sum;
    (void)state;
    add(&h, NOW_S, 5);
    add(&h, NOW_S - 3600, 2);
    assert_int_equal(history_sum(&h, NOW_S - 3600, 3601, &sum), 1);
    assert_int_equal(sum.requests, 2);
    history_add(&h, -5, &sum); /* before the epoch: a clock that is not set yet */
    assert_int_equal(history_sum(&h, NOW_S - 3600, 1, &sum), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_are_added_and_heights_are_the_highest),
        cmocka_unit_test(test_what_is_not_known_is_not_nothing),
        cmocka_unit_test(test_ten_minutes_are_kept),
        cmocka_unit_test(test_a_clock_that_is_set_back_begins_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
