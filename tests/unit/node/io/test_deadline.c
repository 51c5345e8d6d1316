/* The wheel against a fake clock: never early, late by at most a tick. */
#include "node/io/deadline.h"
#include "proto/base/clock.h"
#include "proto/base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static struct loop loop;
static struct deadlines wheel;
static uint64_t now_ms;

struct timed {
    struct deadline deadline;
    unsigned fired;
    uint64_t at_ms;
    uint64_t again_ms;    /* set again when it fires */
    struct timed *clears; /* another that it takes back */
};

static void on_fire(struct deadline *d)
{
    struct timed *t = container_of(d, struct timed, deadline);
    t->fired++;
    t->at_ms = now_ms;
    if (t->again_ms > 0)
        deadline_set(&wheel, d, t->again_ms);
    if (t->clears != NULL)
        deadline_clear(&t->clears->deadline);
}

static void go_to(uint64_t ms)
{
    now_ms = ms;
    clock_fake(ms * 1000, 1700000000000);
    loop_step(&loop);
    deadlines_advance(&wheel);
}

static int set_up(void **state)
{
    (void)state;
    now_ms = 1000050;
    clock_fake(now_ms * 1000, 1700000000000);
    assert_int_equal(loop_init(&loop), 0);
    deadlines_init(&wheel, &loop);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    deadlines_fini(&wheel);
    loop_fini(&loop);
    clock_fake_stop();
    return 0;
}

static struct timed make(void)
{
    struct timed t = {.fired = 0};
    return t;
}

/* A client that dribbles has its deadline set again with every byte: when it is due it must come,
 * wherever between two ticks the bytes fall. */
static void test_due_is_not_put_off(void **state)
{
    (void)state;
    for (unsigned phase = 0; phase < DEADLINE_TICK_MS; phase += 10) {
        struct timed t = make();
        uint64_t begin_ms = (now_ms / DEADLINE_TICK_MS + 2) * DEADLINE_TICK_MS;
        deadline_init(&t.deadline, on_fire);
        for (uint64_t ms = begin_ms; ms < begin_ms + 300 && t.fired == 0; ms += 10) {
            now_ms = ms;
            clock_fake(ms * 1000, 1700000000000);
            loop_step(&loop);
            if (ms % DEADLINE_TICK_MS == phase)
                deadlines_advance(&wheel);
            if (t.fired == 0)
                deadline_set(&wheel, &t.deadline, 0);
        }
        assert_int_equal(t.fired, 1);
        deadline_clear(&t.deadline);
    }
}

static void test_never_early_and_hardly_late(void **state)
{
    (void)state;
    static const uint64_t waits[] = {0,     1,      99,     100,    101,    5000,
                                     99999, 102300, 102400, 102500, 204800, 3600000};
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        struct timed t = make();
        uint64_t begin = now_ms;
        deadline_init(&t.deadline, on_fire);
        deadline_set(&wheel, &t.deadline, waits[i]);
        for (uint64_t at = begin; t.fired == 0; at += 50)
            go_to(at);
        assert_int_equal(t.fired, 1);
        assert_true(t.at_ms >= begin + waits[i]);
        assert_true(t.at_ms <= begin + waits[i] + 2 * DEADLINE_TICK_MS);
        assert_false(deadline_is_set(&t.deadline));
    }
}

static void test_setting_again_replaces(void **state)
{
    (void)state;
    struct timed t = make();
    deadline_init(&t.deadline, on_fire);
    deadline_set(&wheel, &t.deadline, 500);
    deadline_set(&wheel, &t.deadline, 5000);
    go_to(now_ms + 1000);
    assert_int_equal(t.fired, 0);
    deadline_set(&wheel, &t.deadline, 200);
    go_to(now_ms + 400);
    assert_int_equal(t.fired, 1);
    go_to(now_ms + 10000);
    assert_int_equal(t.fired, 1);
}

static void test_clearing(void **state)
{
    (void)state;
    struct timed t = make();
    deadline_init(&t.deadline, on_fire);
    deadline_clear(&t.deadline); /* fine when it is not set */
    deadline_set(&wheel, &t.deadline, 500);
    deadline_clear(&t.deadline);
    go_to(now_ms + 1000);
    assert_int_equal(t.fired, 0);
}

/* Into the very slot that is being looked at. */
static void test_setting_from_inside(void **state)
{
    (void)state;
    struct timed t = make();
    t.again_ms = (uint64_t)DEADLINE_SLOTS * DEADLINE_TICK_MS;
    deadline_init(&t.deadline, on_fire);
    deadline_set(&wheel, &t.deadline, 100);
    go_to(now_ms + 300);
    assert_int_equal(t.fired, 1);
    go_to(now_ms + t.again_ms / 2);
    assert_int_equal(t.fired, 1);
    go_to(now_ms + t.again_ms / 2 + 200);
    assert_int_equal(t.fired, 2);
    deadline_clear(&t.deadline);
}

static void test_clearing_a_neighbour_that_is_due_too(void **state)
{
    (void)state;
    struct timed a = make(), b = make();
    deadline_init(&a.deadline, on_fire);
    deadline_init(&b.deadline, on_fire);
    a.clears = &b;
    deadline_set(&wheel, &a.deadline, 100);
    deadline_set(&wheel, &b.deadline, 100);
    go_to(now_ms + 300);
    assert_int_equal(a.fired, 1);
    assert_int_equal(b.fired, 0);
}

/* A process that was stopped finds all that has become due meanwhile. */
static void test_a_long_stop(void **state)
{
    (void)state;
    struct timed t[50];
    for (size_t i = 0; i < 50; i++) {
        t[i] = make();
        deadline_init(&t[i].deadline, on_fire);
        deadline_set(&wheel, &t[i].deadline, i * 10007);
    }
    struct timed later = make();
    deadline_init(&later.deadline, on_fire);
    deadline_set(&wheel, &later.deadline, 7200000);
    go_to(now_ms + 3600000);
    for (size_t i = 0; i < 50; i++)
        assert_int_equal(t[i].fired, 1);
    assert_int_equal(later.fired, 0);
    deadline_clear(&later.deadline);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_due_is_not_put_off),
        TEST(test_never_early_and_hardly_late),
        TEST(test_setting_again_replaces),
        TEST(test_clearing),
        TEST(test_setting_from_inside),
        TEST(test_clearing_a_neighbour_that_is_due_too),
        TEST(test_a_long_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
