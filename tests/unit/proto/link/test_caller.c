/* The blocking caller against scripted coordinators. */

#include "proto/link/caller.h"

#include "tests/unit/proto/link/fake_coordinator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct pair {
    struct fake_coordinator a, b;
    struct caller *caller;
    unsigned reports;
};

static void setup(struct pair *p, bool with_dead_one)
{
    char list[3 * ENDPOINT_MAX];
    p->reports = 0;
    assert_int_equal(fake_start(&p->a, "a"), 0);
    assert_int_equal(fake_start(&p->b, "b"), 0);
    snprintf(list, sizeof list, "%s%s,%s", with_dead_one ? "tcp://127.0.0.1:1," : "", p->a.spec,
             p->b.spec);
    struct caller_options options = {.coordinators = list, .connect_timeout_ms = 5000};
    assert_int_equal(caller_create(&p->caller, &options, NULL), 0);
}

static void teardown(struct pair *p)
{
    caller_destroy(&p->caller);
    fake_stop(&p->a);
    fake_stop(&p->b);
}

static void on_report(void *arg, const struct cluster_reply *report)
{
    static const char *const words[] = {"checked", "stored"};
    struct pair *p = arg;
    assert_true(p->reports < 2);
    assert_true(slice_eq(report->progress, slice_str(words[p->reports++])));
}

static const struct cluster_reply *call(struct pair *p, enum cluster_verb verb, int expected,
                                        struct error *e)
{
    const struct cluster_reply *reply;
    struct cluster_request r;
    cluster_request_init(&r, verb);
    r.seq = 0;
    if (verb == CLUSTER_PUSH) {
        r.push.config = SLICE("0:}");
        r.push.author.who = r.push.author.where = SLICE("me");
    }
    if (verb == CLUSTER_NOTE) {
        r.note.what = SLICE("x");
        r.note.author = (struct cluster_author){SLICE("a"), SLICE("b"), SLICE_EMPTY, SLICE("c")};
    }
    if (verb == CLUSTER_CHECK)
        r.check.config = SLICE("0:}");
    int got = caller_call(p->caller, &r, on_report, p, &reply, e);
    if (got != expected)
        fail_msg("%s: %d %s", cluster_verb_name(verb), got, got < 0 ? e->text : "");
    return reply;
}

static void assert_answered_by(const struct cluster_reply *reply, const char *name)
{
    assert_true(slice_eq(cluster_table_text(&reply->table, 0, "name"), slice_str(name)));
}

static void test_answers_progress_and_refusals(void **state)
{
    (void)state;
    struct pair p;
    struct error e;
    setup(&p, false);
    assert_answered_by(call(&p, CLUSTER_HEAD, 0, &e), "a");
    assert_string_equal(caller_coordinator(p.caller), p.a.spec);
    assert_answered_by(call(&p, CLUSTER_PUSH, 0, &e), "a");
    assert_int_equal(p.reports, 2);
    const struct cluster_reply *refusal = call(&p, CLUSTER_DIFF, -1, &e);
    assert_int_equal(e.code, ERROR_CONFLICT);
    assert_string_equal(e.object, "commit 3");
    assert_true(slice_eq(cluster_table_text(&refusal->table, 0, "why"), SLICE("because")));
    teardown(&p);
}

static void test_passes_over_who_is_not_there(void **state)
{
    (void)state;
    struct pair p;
    struct error e;
    setup(&p, true);
    assert_answered_by(call(&p, CLUSTER_HEAD, 0, &e), "a");
    teardown(&p);
}

static void test_a_read_is_asked_again_elsewhere(void **state)
{
    (void)state;
    struct pair p;
    struct error e;
    setup(&p, false);
    assert_answered_by(call(&p, CLUSTER_HEAD, 0, &e), "a");
    assert_null(call(&p, CLUSTER_LOG, -1, &e)); /* kills a, then b */
    assert_int_equal(e.code, ERROR_UNREACHABLE);
    assert_int_equal(atomic_load(&p.b.asked), 1);
    assert_null(call(&p, CLUSTER_HEAD, -1, &e));
    assert_int_equal(e.code, ERROR_UNREACHABLE);
    teardown(&p);
}

static void test_a_change_is_never_sent_twice(void **state)
{
    (void)state;
    struct pair p;
    struct error e;
    setup(&p, false);
    assert_null(call(&p, CLUSTER_NOTE, -1, &e)); /* kills a */
    assert_int_equal(e.code, ERROR_UNREACHABLE);
    assert_int_equal(atomic_load(&p.b.asked), 0);
    assert_answered_by(call(&p, CLUSTER_PUSH, 0, &e), "b"); /* the next one goes elsewhere */
    teardown(&p);
}

static void test_follows_the_leader(void **state)
{
    (void)state;
    struct pair p;
    struct error e;
    setup(&p, false);
    p.a.leader = p.b.spec;
    assert_answered_by(call(&p, CLUSTER_CHECK, 0, &e), "b");
    assert_string_equal(caller_coordinator(p.caller), p.b.spec);
    /* two that name each other must end */
    p.b.leader = p.a.spec;
    call(&p, CLUSTER_CHECK, -1, &e);
    assert_int_equal(e.code, ERROR_REFUSED);
    teardown(&p);
}

static void test_silence_is_bounded(void **state)
{
    (void)state;
    struct pair p;
    struct error e;
    struct cluster_request r;
    const struct cluster_reply *reply;
    setup(&p, false);
    cluster_request_init(&r, CLUSTER_STATS);
    assert_int_equal(caller_call_within(p.caller, &r, 30, NULL, NULL, &reply, &e), -1);
    assert_int_equal(e.code, ERROR_TIMEOUT);
    assert_null(reply);
    teardown(&p);
}

static void test_bad_lists_are_refused(void **state)
{
    (void)state;
    static const char *const lists[] = {"", ",", "localhost", "tcp://a:1,tcp://b"};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        struct caller *c = NULL;
        struct caller_options options = {.coordinators = lists[i]};
        struct error e;
        assert_int_equal(caller_create(&c, &options, &e), -1);
        assert_int_equal(e.code, ERROR_USAGE);
        assert_null(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_progress_and_refusals),
        cmocka_unit_test(test_passes_over_who_is_not_there),
        cmocka_unit_test(test_a_read_is_asked_again_elsewhere),
        cmocka_unit_test(test_a_change_is_never_sent_twice),
        cmocka_unit_test(test_follows_the_leader),
        cmocka_unit_test(test_silence_is_bounded),
        cmocka_unit_test(test_bad_lists_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
