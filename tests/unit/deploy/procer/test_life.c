// links: m2_procer
/* The life of a profile, step by step, without processes. */
#include "deploy/procer/life.h"
#include "tests/unit/proto/model/fixture.h"

static const struct life_limits limits = {
    .front_ms = 2000,
    .pid_file_ms = 5000,
    .delay_ms = 1000,
    .max_delay_ms = 5000,
    .stable_ms = 10000,
    .tries = 5,
};

struct moment {
    enum life_event event;
    uint64_t at_ms;
    enum life_state state; /* afterwards */
    uint64_t deadline_ms;
    enum life_action action;
};

static void go_through(struct life *l, const struct moment *moments, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum life_action action = life_step(l, moments[i].event, &limits, moments[i].at_ms);
        if (l->state != moments[i].state || l->deadline_ms != moments[i].deadline_ms ||
            action != moments[i].action)
            fail_msg("moment %zu: %s deadline %llu action %d", i, life_state_name(l->state),
                     (unsigned long long)l->deadline_ms, (int)action);
    }
}
#define GO_THROUGH(life, ...)                              \
    do {                                                   \
        const struct moment all[] = {__VA_ARGS__};         \
        go_through(life, all, sizeof all / sizeof all[0]); \
    } while (0)

static void test_a_daemon(void **state)
{
    (void)state;
    struct life l = {.restart = true, .has_pid_file = true};
    GO_THROUGH(&l, {LIFE_START, 100, LIFE_STARTING, 2100, LIFE_SPAWN},
               {LIFE_RUN_DONE, 300, LIFE_STARTING, 5300, LIFE_NOTHING},
               {LIFE_SEEN, 400, LIFE_UP, 0, LIFE_NOTHING},
               {LIFE_GONE, 20400, LIFE_RESTING, 21400, LIFE_NOTHING},
               {LIFE_TIME, 21400, LIFE_WAITING, 0, LIFE_NOTHING},
               {LIFE_START, 21400, LIFE_STARTING, 23400, LIFE_SPAWN});
    assert_true(l.run_is_running);
}

static void test_one_that_runs_already_is_kept(void **state)
{
    (void)state;
    struct life l = {.restart = true, .has_pid_file = true};
    GO_THROUGH(&l, {LIFE_SEEN, 100, LIFE_UP, 0, LIFE_NOTHING});
    assert_true(life_is_ready(&l));
}

static void test_a_run_that_stays_is_the_program(void **state)
{
    (void)state;
    struct life l = {.restart = true, .has_pid_file = true};
    GO_THROUGH(&l, {LIFE_START, 100, LIFE_STARTING, 2100, LIFE_SPAWN},
               {LIFE_TIME, 2100, LIFE_UP, 0, LIFE_CLAIM});
}

static void test_no_pid_file_is_a_failure(void **state)
{
    (void)state;
    struct life l = {.restart = true, .has_pid_file = true};
    GO_THROUGH(&l, {LIFE_START, 100, LIFE_STARTING, 2100, LIFE_SPAWN},
               {LIFE_RUN_DONE, 300, LIFE_STARTING, 5300, LIFE_NOTHING},
               {LIFE_TIME, 5300, LIFE_RESTING, 6300, LIFE_NOTHING});
    assert_int_equal(l.failures, 1);
    assert_false(life_is_ready(&l));
}

static void test_pauses_double_up_to_a_limit_then_it_is_given_up(void **state)
{
    (void)state;
    static const uint64_t pauses[] = {1000, 2000, 4000, 5000};
    struct life l = {.restart = true, .has_pid_file = true};
    uint64_t now = 0;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(life_step(&l, LIFE_START, &limits, now), LIFE_SPAWN);
        life_step(&l, LIFE_RUN_FAILED, &limits, now);
        assert_int_equal(l.deadline_ms - now, pauses[i]);
        now = l.deadline_ms;
        life_step(&l, LIFE_TIME, &limits, now);
    }
    life_step(&l, LIFE_START, &limits, now);
    life_step(&l, LIFE_RUN_FAILED, &limits, now);
    assert_int_equal(l.state, LIFE_FAILED);
    GO_THROUGH(&l, {LIFE_TIME, now + 1, LIFE_FAILED, 0, LIFE_NOTHING},
               {LIFE_AGAIN, now + 1, LIFE_WAITING, 0, LIFE_NOTHING});
    assert_int_equal(l.failures, 0);
}

static void test_to_die_soon_is_a_failure_and_to_last_is_none(void **state)
{
    (void)state;
    struct life l = {.restart = true, .has_pid_file = true, .failures = 2};
    GO_THROUGH(&l, {LIFE_SEEN, 0, LIFE_UP, 0, LIFE_NOTHING},
               {LIFE_GONE, 9999, LIFE_RESTING, 13999, LIFE_NOTHING},
               {LIFE_TIME, 13999, LIFE_WAITING, 0, LIFE_NOTHING},
               {LIFE_SEEN, 14000, LIFE_UP, 0, LIFE_NOTHING},
               {LIFE_GONE, 24000, LIFE_RESTING, 25000, LIFE_NOTHING});
    assert_int_equal(l.failures, 0);
}

static void test_without_restart(void **state)
{
    (void)state;
    struct life was_up = {.has_pid_file = true};
    GO_THROUGH(&was_up, {LIFE_SEEN, 0, LIFE_UP, 0, LIFE_NOTHING},
               {LIFE_GONE, 1, LIFE_FINISHED, 0, LIFE_NOTHING},
               {LIFE_START, 2, LIFE_FINISHED, 0, LIFE_NOTHING});
    assert_true(life_is_ready(&was_up));
    struct life never_up = {.has_pid_file = true};
    GO_THROUGH(&never_up, {LIFE_START, 0, LIFE_STARTING, 2000, LIFE_SPAWN},
               {LIFE_RUN_FAILED, 1, LIFE_FAILED, 0, LIFE_NOTHING});
    assert_false(life_is_ready(&never_up));
}

static void test_something_to_do_once(void **state)
{
    (void)state;
    struct life well = {0};
    GO_THROUGH(&well, {LIFE_START, 0, LIFE_STARTING, 2000, LIFE_SPAWN},
               {LIFE_RUN_DONE, 1, LIFE_FINISHED, 0, LIFE_NOTHING});
    struct life badly = {0};
    GO_THROUGH(&badly, {LIFE_START, 0, LIFE_STARTING, 2000, LIFE_SPAWN},
               {LIFE_SEEN, 1, LIFE_UP, 0, LIFE_NOTHING},
               {LIFE_RUN_FAILED, 2, LIFE_FAILED, 0, LIFE_NOTHING});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_daemon),
        cmocka_unit_test(test_one_that_runs_already_is_kept),
        cmocka_unit_test(test_a_run_that_stays_is_the_program),
        cmocka_unit_test(test_no_pid_file_is_a_failure),
        cmocka_unit_test(test_pauses_double_up_to_a_limit_then_it_is_given_up),
        cmocka_unit_test(test_to_die_soon_is_a_failure_and_to_last_is_none),
        cmocka_unit_test(test_without_restart),
        cmocka_unit_test(test_something_to_do_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
