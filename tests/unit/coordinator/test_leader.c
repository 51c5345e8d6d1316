/* The lease, with two that want it and a clock that is set. */

#include "coordinator/leader.h"
#include "coordinator/store/store_memory.h"
#include "proto/base/clock.h"

#include <ev.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct scene {
    struct ev_loop *loop;
    struct store *store;
    struct leader a, b;
    unsigned changes;
};

static void on_change(void *arg, const char *why)
{
    assert_non_null(why);
    ((struct scene *)arg)->changes++;
}

static void at(struct scene *s, uint64_t now_ms, bool a, bool b)
{
    clock_fake(now_ms * 1000, 1700000000000 + (int64_t)now_ms);
    if (a)
        leader_tick(&s->a, now_ms);
    if (b)
        leader_tick(&s->b, now_ms);
    ev_run(s->loop, EVRUN_NOWAIT);
    ev_run(s->loop, EVRUN_NOWAIT);
}

static void setup(struct scene *s)
{
    memset(s, 0, sizeof *s);
    s->loop = ev_loop_new(EVFLAG_AUTO);
    assert_int_equal(store_open(&s->store, "memory:", s->loop, NULL), 0);
    leader_init(&s->a, s->store, "aaaaaaaa-0000-4000-8000-000000000001", "tcp://a:1", LEASE_TTL_MS,
                on_change, s);
    leader_init(&s->b, s->store, "bbbbbbbb-0000-4000-8000-000000000002", "tcp://b:2", LEASE_TTL_MS,
                on_change, s);
}

static void teardown(struct scene *s)
{
    store_close(&s->store);
    ev_loop_destroy(s->loop);
    clock_fake_stop();
}

static void test_the_first_leads_and_the_second_knows_it(void **state)
{
    (void)state;
    struct scene s;
    setup(&s);
    at(&s, 1000, true, true);
    assert_true(s.a.is_leader);
    assert_false(s.b.is_leader);
    assert_string_equal(s.b.endpoint, "tcp://a:1");
    assert_int_equal(s.changes, 1);
    int64_t token = s.a.token;
    for (uint64_t now = 2000; now < 20000; now += 1000)
        at(&s, now, true, true);
    assert_true(s.a.is_leader);
    assert_int_equal(s.a.token, token);
    assert_int_equal(s.changes, 1);
    teardown(&s);
}

static void test_a_silent_leader_is_replaced_and_steps_down(void **state)
{
    (void)state;
    struct scene s;
    setup(&s);
    at(&s, 1000, true, true);
    int64_t token = s.a.token;
    for (uint64_t now = 2000; now <= 5000; now += 1000) {
        at(&s, now, false, true); /* a is stopped */
        assert_false(s.b.is_leader);
    }
    at(&s, 6001, false, true);
    assert_true(s.b.is_leader);
    assert_true(s.b.token > token);
    /* a wakes up: before it asks it knows that it has been away for too long */
    leader_tick(&s.a, 6500);
    assert_false(s.a.is_leader);
    at(&s, 6600, true, false);
    assert_string_equal(s.a.endpoint, "tcp://b:2");
    teardown(&s);
}

static void test_a_store_that_does_not_answer_ends_leadership(void **state)
{
    (void)state;
    struct scene s;
    setup(&s);
    at(&s, 1000, true, false);
    store_memory_hold(s.store, true);
    at(&s, 2000, true, false);
    at(&s, 5000, true, false);
    assert_true(s.a.is_leader);
    at(&s, 5001, true, false);
    assert_false(s.a.is_leader); /* before the lease is over for others */
    assert_string_equal(s.a.endpoint, "");
    store_memory_hold(s.store, false);
    at(&s, 5100, true, false);
    at(&s, 5200, true, false);
    assert_true(s.a.is_leader);
    teardown(&s);
}

static void test_whoever_resigns_is_followed_at_once(void **state)
{
    (void)state;
    struct scene s;
    setup(&s);
    at(&s, 1000, true, true);
    leader_resign(&s.b); /* has nothing to give back */
    at(&s, 1100, false, true);
    assert_false(s.b.is_leader);
    leader_resign(&s.a);
    ev_run(s.loop, EVRUN_NOWAIT);
    at(&s, 1200, false, true);
    assert_true(s.b.is_leader);
    teardown(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_leads_and_the_second_knows_it),
        cmocka_unit_test(test_a_silent_leader_is_replaced_and_steps_down),
        cmocka_unit_test(test_a_store_that_does_not_answer_ends_leadership),
        cmocka_unit_test(test_whoever_resigns_is_followed_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
