/* The order of a turn: callbacks, tasks, destruction. */
#include "node/io/loop.h"
#include "proto/base/buf.h"
#include "proto/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct loop loop;
static struct buf order;

struct thing {
    struct loop_task task;
    struct loop_dying dying;
    const char *name;
    struct thing *then; /* a task to be queued from inside */
    bool dies;
};

static void destroy_thing(struct loop_dying *d)
{
    buf_printf(&order, "-%s ", container_of(d, struct thing, dying)->name);
}

static void run_thing(struct loop_task *t)
{
    struct thing *it = container_of(t, struct thing, task);
    buf_printf(&order, "%s ", it->name);
    if (it->then != NULL)
        loop_at_turn_end(&loop, &it->then->task);
    if (it->dies)
        loop_defer_destroy(&loop, &it->dying, destroy_thing);
}

static struct thing thing(const char *name)
{
    return (struct thing){.name = name};
}

static void init_thing(struct thing *t)
{
    loop_task_init(&t->task, run_thing);
}

static int set_up(void **state)
{
    (void)state;
    order = (struct buf)BUF_INIT;
    return loop_init(&loop);
}

static int tear_down(void **state)
{
    (void)state;
    loop_fini(&loop);
    buf_fini(&order);
    clock_fake_stop();
    return 0;
}

static void test_tasks_run_once_in_the_order_they_were_queued(void **state)
{
    (void)state;
    struct thing a = thing("a"), b = thing("b");
    init_thing(&a);
    init_thing(&b);
    loop_at_turn_end(&loop, &a.task);
    loop_at_turn_end(&loop, &b.task);
    loop_at_turn_end(&loop, &a.task); /* again is free */
    loop_step(&loop);
    loop_step(&loop);
    assert_string_equal(buf_str(&order), "a b ");
}

static void test_a_task_may_queue_another_for_this_turn(void **state)
{
    (void)state;
    struct thing a = thing("a"), b = thing("b");
    init_thing(&a);
    init_thing(&b);
    a.then = &b;
    loop_at_turn_end(&loop, &a.task);
    loop_step(&loop);
    assert_string_equal(buf_str(&order), "a b ");
}

static void test_a_cancelled_task_does_not_run(void **state)
{
    (void)state;
    struct thing a = thing("a");
    init_thing(&a);
    loop_at_turn_end(&loop, &a.task);
    loop_task_cancel(&a.task);
    loop_step(&loop);
    assert_string_equal(buf_str(&order), "");
}

/* Whatever a task queues still finds what dies in this turn. */
static void test_destruction_comes_after_all_tasks(void **state)
{
    (void)state;
    struct thing a = thing("a"), b = thing("b"), c = thing("c");
    init_thing(&a);
    init_thing(&b);
    init_thing(&c);
    a.dies = true;
    a.then = &c;
    loop_at_turn_end(&loop, &a.task);
    loop_at_turn_end(&loop, &b.task);
    loop_step(&loop);
    assert_string_equal(buf_str(&order), "a b c -a ");
}

static void test_what_is_deferred_is_done_before_the_loop_goes(void **state)
{
    (void)state;
    struct thing a = thing("a");
    init_thing(&a);
    a.dies = true;
    loop_at_turn_end(&loop, &a.task);
    loop_fini(&loop);
    assert_string_equal(buf_str(&order), "a -a ");
}

static void test_time_stands_still_within_a_turn(void **state)
{
    (void)state;
    clock_fake(5000000, 1700000000000);
    loop_step(&loop);
    assert_int_equal(loop_now_ms(&loop), 5000);
    assert_int_equal(loop.wall_s, 1700000000);
    clock_fake(6000000, 1700000001000);
    assert_int_equal(loop_now_ms(&loop), 5000);
    loop_step(&loop);
    assert_int_equal(loop_now_ms(&loop), 6000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_tasks_run_once_in_the_order_they_were_queued),
        TEST(test_a_task_may_queue_another_for_this_turn),
        TEST(test_a_cancelled_task_does_not_run),
        TEST(test_destruction_comes_after_all_tasks),
        TEST(test_what_is_deferred_is_done_before_the_loop_goes),
        TEST(test_time_stands_still_within_a_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
