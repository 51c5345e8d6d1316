/* The push as a state machine: fake nodes, a scripted store, a clock that is set. */

#include "coordinator/push.h"
#include "proto/base/clock.h"
#include "proto/wire/cluster_reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct scene {
    struct push *push;
    unsigned nodes;
    char said[2048];      /* what was published and answered, in order: "prepare checked …" */
    store_done *appended; /* the append that waits for its answer */
    void *appended_arg;
    unsigned appends;
    bool append_fails;
    unsigned committed, finished;
    enum push_verdict verdict;
    struct push_result result;
    uint64_t now_ms;
};

static const char *const uuids[] = {
    "00000000-0000-4000-8000-000000000000", "11111111-0000-4000-8000-000000000001",
    "22222222-0000-4000-8000-000000000002", "33333333-0000-4000-8000-000000000003"};

static void say(struct scene *s, struct slice word)
{
    size_t len = strlen(s->said);
    snprintf(s->said + len, sizeof s->said - len, "%s%.*s", len > 0 ? " " : "", SLICE_ARG(word));
}

static void publish(void *arg, enum cluster_update_kind kind, const struct commit *c,
                    const char *reason)
{
    struct scene *s = arg;
    assert_int_equal(c->version, 42);
    assert_true((kind == UPDATE_ABORT) == (reason != NULL && reason[0] != '\0'));
    char word[32];
    snprintf(word, sizeof word, "[%s]", cluster_update_name(kind));
    say(s, slice_str(word));
}

static void electorate(void *arg, struct push *p)
{
    struct scene *s = arg;
    for (unsigned i = 0; i < s->nodes; i++) {
        char name[16];
        snprintf(name, sizeof name, "web-%u", i);
        push_add_voter(p, uuids[i], name);
    }
}

static int append(void *arg, const struct commit *c, store_done *done, void *done_arg,
                  struct error *e)
{
    struct scene *s = arg;
    assert_null(s->appended); /* never two at a time */
    assert_int_equal(c->version, 42);
    if (s->append_fails)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    s->appended = done;
    s->appended_arg = done_arg;
    s->appends++;
    return 0;
}

static void committed(void *arg, const struct commit *c)
{
    assert_int_equal(c->version, 42);
    ((struct scene *)arg)->committed++;
}

static void answer(void *arg, struct slice message)
{
    struct scene *s = arg;
    struct cluster_reply r;
    struct arena a;
    arena_init(&a, 0);
    assert_int_equal(cluster_reply_decode(&r, message, 100000, &a, NULL), 0);
    assert_int_equal(r.seq, 7);
    if (r.kind == REPLY_PROGRESS)
        say(s, r.progress);
    else
        say(s, r.kind == REPLY_ERROR ? r.code : cluster_table_text(&r.table, 0, "verdict"));
    arena_fini(&a);
}

static void finished(void *arg, const struct push_result *result)
{
    struct scene *s = arg;
    s->finished++;
    s->verdict = result->verdict;
    s->result = *result;
}

static const struct push_env env = {publish, electorate, append, committed, answer, finished};

static void at(struct scene *s, uint64_t now_ms)
{
    s->now_ms = now_ms;
    clock_fake(now_ms * 1000, 1700000000000);
    if (s->push != NULL)
        push_tick(s->push);
}

static void start(struct scene *s, unsigned nodes, enum cluster_policy policy, bool dry)
{
    struct push_options options = {
        .seq = 7, .policy = policy, .dry = dry, .timeout_ms = 10000, .settled_ms = 3000};
    struct commit c = {.version = 42,
                       .config = SLICE("config"),
                       .who = SLICE("zed"),
                       .where = SLICE("h"),
                       .scope = SLICE("all")};
    memset(s, 0, sizeof *s);
    at(s, 5000);
    s->nodes = nodes;
    snprintf(c.parent, sizeof c.parent, "%s", COMMIT_NO_PARENT);
    assert_int_equal(commit_seal(&c, NULL), 0);
    s->push = push_create(&c, &options, &env, s, NULL);
    assert_non_null(s->push);
    push_start(s->push);
}

static void end(struct scene *s)
{
    assert_int_equal(s->finished, 1);
    assert_int_equal(push_state(s->push), PUSH_DONE);
    push_destroy(&s->push);
    clock_fake_stop();
}

static struct cluster_ack ack(struct scene *s, unsigned node, bool ok)
{
    return (struct cluster_ack){.uuid = slice_str(uuids[node]),
                                .version = 42,
                                .hash = slice_str(push_commit(s->push)->hash),
                                .ok = ok,
                                .code = ok ? SLICE_EMPTY : SLICE("INVALID"),
                                .error = ok ? SLICE_EMPTY : SLICE("no such directory")};
}

static void prepared(struct scene *s, unsigned node, bool ok)
{
    struct cluster_ack a = ack(s, node, ok);
    push_prepared(s->push, &a);
}

static void applied(struct scene *s, unsigned node, bool ok)
{
    struct cluster_ack a = ack(s, node, ok);
    push_applied(s->push, &a);
}

/* The store answers the append. `hash`: of the head that it found; NULL none. */
static void stored(struct scene *s, enum error_code code, const char *hash)
{
    struct store_result r = {.error = {.code = code, .text = "said the store."}};
    store_done *done = s->appended;
    assert_non_null(done);
    s->appended = NULL;
    snprintf(r.head.hash, sizeof r.head.hash, "%s", hash != NULL ? hash : "");
    done(s->appended_arg, &r);
}

static void test_all_goes_well(void **state)
{
    (void)state;
    struct scene s;
    start(&s, 2, POLICY_ALL, false);
    assert_true(push_is_pending(s.push));
    prepared(&s, 0, true);
    prepared(&s, 0, true); /* repeated */
    assert_int_equal(push_state(s.push), PUSH_PREPARE);
    prepared(&s, 1, true);
    assert_int_equal(push_state(s.push), PUSH_STORE);
    assert_true(push_is_storing(s.push));
    assert_int_equal(s.committed, 0);
    stored(&s, ERROR_NONE, NULL);
    assert_int_equal(s.committed, 1);
    assert_false(push_is_pending(s.push));
    applied(&s, 1, true);
    applied(&s, 1, true);
    assert_int_equal(s.finished, 0);
    applied(&s, 0, true);
    assert_string_equal(s.said, "checked [prepare] prepared prepared decided stored [activate] "
                                "applied applied applied");
    assert_int_equal(s.verdict, PUSH_APPLIED);
    assert_int_equal(s.result.applied, 2);
    end(&s);
}

static void test_one_refusal_aborts(void **state)
{
    (void)state;
    struct scene s;
    start(&s, 3, POLICY_ALL, false);
    prepared(&s, 0, true);
    prepared(&s, 1, false);
    assert_string_equal(s.said, "checked [prepare] prepared prepared decided [abort] REFUSED");
    assert_int_equal(s.verdict, PUSH_REFUSED);
    assert_int_equal(s.appends, 0);
    prepared(&s, 2, true); /* late */
    end(&s);
}

static void test_one_silent_node_aborts(void **state)
{
    (void)state;
    struct scene s;
    start(&s, 2, POLICY_ALL, false);
    prepared(&s, 0, true);
    at(&s, 14999);
    assert_int_equal(push_state(s.push), PUSH_PREPARE);
    at(&s, 15000);
    assert_string_equal(s.said, "checked [prepare] prepared decided [abort] TIMEOUT");
    assert_int_equal(s.verdict, PUSH_SILENT);
    assert_int_equal(s.result.silent, 1);
    end(&s);
}

static void test_a_majority_is_enough(void **state)
{
    (void)state;
    struct scene s;
    start(&s, 3, POLICY_MAJORITY, false);
    prepared(&s, 0, true);
    prepared(&s, 1, false);
    prepared(&s, 2, true);
    stored(&s, ERROR_NONE, NULL);
    applied(&s, 0, true);
    applied(&s, 2, true);
    assert_int_equal(s.verdict, PUSH_APPLIED);
    assert_int_equal(s.result.refused, 1);
    end(&s);
}

static void test_answers_after_the_decision_are_told(void **state)
{
    (void)state;
    struct scene s;
    start(&s, 3, POLICY_ANY, false);
    prepared(&s, 0, true);
    prepared(&s, 1, false); /* while the store works */
    stored(&s, ERROR_NONE, NULL);
    prepared(&s, 2, true); /* and is waited for from now on */
    applied(&s, 0, true);
    assert_int_equal(s.finished, 0);
    applied(&s, 2, true);
    assert_string_equal(s.said, "checked [prepare] prepared decided prepared stored [activate] "
                                "prepared applied applied applied");
    assert_int_equal(s.result.ready, 2);
    assert_int_equal(s.result.refused, 1);
    end(&s);
}

static void test_without_nodes_it_is_stored(void **state)
{
    (void)state;
    struct scene s;
    start(&s, 0, POLICY_ALL, false);
    stored(&s, ERROR_NONE, NULL);
    assert_string_equal(s.said, "checked [prepare] decided stored [activate] applied");
    end(&s);
}

static void test_a_trial_is_taken_back(void **state)
{
    (void)state;
    struct scene s;
    start(&s, 1, POLICY_ALL, true);
    prepared(&s, 0, true);
    assert_string_equal(s.said, "checked [prepare] prepared decided [abort] dry");
    assert_int_equal(s.appends, 0);
    end(&s);
}

static void test_nodes_report_to_a_new_coordinator_first(void **state)
{
    (void)state;
    struct push_options options = {.seq = 7, .timeout_ms = 10000, .settled_ms = 3000};
    struct commit c = {.version = 42, .config = SLICE("x"), .scope = SLICE("all")};
    struct scene s;
    memset(&s, 0, sizeof s);
    at(&s, 1000);
    s.nodes = 1;
    snprintf(c.parent, sizeof c.parent, "%s", COMMIT_NO_PARENT);
    commit_seal(&c, NULL);
    s.push = push_create(&c, &options, &env, &s, NULL);
    push_start(s.push);
    at(&s, 2999);
    assert_string_equal(s.said, "waiting");
    at(&s, 3000);
    assert_string_equal(s.said, "waiting checked [prepare]");
    prepared(&s, 0, false);
    end(&s);
}

static void test_the_head_has_moved(void **state)
{
    (void)state;
    struct scene s;
    start(&s, 1, POLICY_ALL, false);
    prepared(&s, 0, true);
    stored(&s, ERROR_CONFLICT, "another");
    assert_string_equal(s.said, "checked [prepare] prepared decided [abort] CONFLICT");
    assert_int_equal(s.verdict, PUSH_REJECTED);
    assert_int_equal(s.committed, 0);
    end(&s);
}

static void test_another_leader_has_taken_over(void **state)
{
    (void)state;
    struct scene s;
    start(&s, 1, POLICY_ALL, false);
    prepared(&s, 0, true);
    stored(&s, ERROR_DENIED, NULL);
    assert_int_equal(s.verdict, PUSH_REJECTED);
    assert_int_equal(s.committed, 0);
    end(&s);
}

static void test_a_lost_answer_of_the_store_is_asked_for_again(void **state)
{
    (void)state;
    struct scene s;
    start(&s, 1, POLICY_ALL, false);
    prepared(&s, 0, true);
    stored(&s, ERROR_TIMEOUT, NULL);
    assert_int_equal(push_state(s.push), PUSH_RESOLVE);
    assert_true(push_is_pending(s.push)); /* the nodes keep what they have */
    assert_int_equal(push_abort(s.push, "No.", NULL), -1);
    at(&s, s.now_ms + 500);
    assert_int_equal(s.appends, 2);
    stored(&s, ERROR_UNREACHABLE, NULL);
    at(&s, s.now_ms + 500);
    stored(&s, ERROR_REFUSED, NULL); /* for now; it may have been kept all the same */
    assert_int_equal(push_state(s.push), PUSH_RESOLVE);
    at(&s, s.now_ms + 500);
    stored(&s, ERROR_NONE, push_commit(s.push)->hash);
    assert_int_equal(s.committed, 1);
    applied(&s, 0, true);
    assert_string_equal(s.said,
                        "checked [prepare] prepared decided waiting stored [activate] applied "
                        "applied");
    end(&s);
}

static void test_a_store_that_never_answers(void **state)
{
    (void)state;
    struct scene s;
    start(&s, 1, POLICY_ALL, false);
    prepared(&s, 0, true);
    while (s.finished == 0) {
        if (s.appended != NULL)
            stored(&s, ERROR_UNREACHABLE, NULL);
        at(&s, s.now_ms + 500);
        assert_true(s.now_ms < 60000);
    }
    assert_int_equal(s.verdict, PUSH_UNKNOWN);
    assert_int_equal(s.committed, 0);
    assert_null(strstr(s.said, "[abort]")); /* it may be kept: the beats will tell */
    assert_non_null(strstr(s.said, " IO"));
    end(&s);
}

static void test_a_store_that_says_no_at_once(void **state)
{
    (void)state;
    struct scene s;
    start(&s, 0, POLICY_ALL, false);
    stored(&s, ERROR_REFUSED, NULL); /* disk full: certainly not kept */
    assert_string_equal(s.said, "checked [prepare] decided [abort] IO");
    end(&s);
}

static void test_no_memory_for_the_append(void **state)
{
    (void)state;
    struct scene s;
    start(&s, 1, POLICY_ALL, false);
    s.append_fails = true;
    prepared(&s, 0, true);
    assert_int_equal(s.verdict, PUSH_REJECTED);
    end(&s);
}

static void test_nodes_that_do_not_acknowledge(void **state)
{
    (void)state;
    struct scene s;
    start(&s, 2, POLICY_ALL, false);
    prepared(&s, 0, true);
    prepared(&s, 1, true);
    stored(&s, ERROR_NONE, NULL);
    applied(&s, 0, true);
    at(&s, s.now_ms + 10000);
    assert_int_equal(s.verdict, PUSH_STORED);
    assert_int_equal(s.result.applied, 1);
    applied(&s, 1, true); /* late: nothing happens */
    end(&s);
}

static void test_a_node_whose_disk_is_full_still_runs_it(void **state)
{
    (void)state;
    struct scene s;
    start(&s, 1, POLICY_ALL, false);
    prepared(&s, 0, true);
    stored(&s, ERROR_NONE, NULL);
    applied(&s, 0, false);
    assert_int_equal(s.verdict, PUSH_APPLIED);
    assert_int_equal(s.result.applied, 0);
    end(&s);
}

static void test_taken_back_by_a_person(void **state)
{
    (void)state;
    struct scene s;
    struct error e;
    start(&s, 2, POLICY_ALL, false);
    prepared(&s, 0, true);
    assert_int_equal(push_abort(s.push, "Wrong file.", &e), 0);
    assert_string_equal(s.said, "checked [prepare] prepared decided [abort] REFUSED");
    assert_int_equal(s.verdict, PUSH_ABORTED);
    assert_int_equal(push_abort(s.push, "Again.", &e), -1);
    end(&s);
    start(&s, 1, POLICY_ALL, false);
    prepared(&s, 0, true);
    assert_int_equal(push_abort(s.push, "Too late.", &e), -1);
    assert_int_equal(e.code, ERROR_CONFLICT);
    stored(&s, ERROR_NONE, NULL);
    applied(&s, 0, true);
    end(&s);
}

static void test_a_node_that_leaves_is_not_waited_for(void **state)
{
    (void)state;
    struct scene s;
    start(&s, 3, POLICY_ALL, false);
    prepared(&s, 0, true);
    prepared(&s, 1, true);
    push_left(s.push, uuids[2]);
    assert_int_equal(push_state(s.push), PUSH_STORE);
    push_left(s.push, uuids[2]);
    stored(&s, ERROR_NONE, NULL);
    applied(&s, 0, true);
    push_left(s.push, uuids[1]);
    assert_int_equal(s.verdict, PUSH_APPLIED);
    assert_int_equal(s.result.nodes, 1);
    end(&s);
}

static void test_answers_about_other_commits_are_ignored(void **state)
{
    (void)state;
    struct scene s;
    start(&s, 1, POLICY_ALL, false);
    struct cluster_ack other = ack(&s, 0, true);
    other.version = 41;
    push_prepared(s.push, &other);
    other = ack(&s, 0, true);
    other.hash = SLICE(COMMIT_NO_PARENT);
    push_prepared(s.push, &other);
    other = ack(&s, 3, true); /* a node that was not asked */
    push_prepared(s.push, &other);
    applied(&s, 0, true); /* not yet */
    assert_int_equal(push_state(s.push), PUSH_PREPARE);
    assert_string_equal(s.said, "checked [prepare]");
    prepared(&s, 0, false);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_goes_well),
        cmocka_unit_test(test_one_refusal_aborts),
        cmocka_unit_test(test_one_silent_node_aborts),
        cmocka_unit_test(test_a_majority_is_enough),
        cmocka_unit_test(test_answers_after_the_decision_are_told),
        cmocka_unit_test(test_without_nodes_it_is_stored),
        cmocka_unit_test(test_a_trial_is_taken_back),
        cmocka_unit_test(test_nodes_report_to_a_new_coordinator_first),
        cmocka_unit_test(test_the_head_has_moved),
        cmocka_unit_test(test_another_leader_has_taken_over),
        cmocka_unit_test(test_a_lost_answer_of_the_store_is_asked_for_again),
        cmocka_unit_test(test_a_store_that_never_answers),
        cmocka_unit_test(test_a_store_that_says_no_at_once),
        cmocka_unit_test(test_no_memory_for_the_append),
        cmocka_unit_test(test_nodes_that_do_not_acknowledge),
        cmocka_unit_test(test_a_node_whose_disk_is_full_still_runs_it),
        cmocka_unit_test(test_taken_back_by_a_person),
        cmocka_unit_test(test_a_node_that_leaves_is_not_waited_for),
        cmocka_unit_test(test_answers_about_other_commits_are_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
