/* Following the head: the node is a set of counters, the coordinator a script of beats. */

#include "node/cluster/follow.h"
#include "proto/base/clock.h"
#include "proto/model/canon.h"
#include "proto/model/commit.h"
#include "proto/model/delta.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { VERSIONS = 6 };

/* A history of commits 1 to 5, and a second one that forks after 2. */
struct history {
    struct commit commits[VERSIONS];
    struct buf records[VERSIONS];
};

struct scene {
    struct follow *f;
    struct history ours, theirs;
    struct model *model;
    struct buf config;
    struct buf written; /* the record that was last handed over to be kept */
    int live;           /* prepared and not yet given back */
    int running;        /* version that was activated last */
    bool refuse;        /* prepare fails */
    bool offline;       /* fetch fails */
    struct follow_want want;
    unsigned fetches, changes, saved;
    char said[400]; /* acknowledgements: "ready 3, no 4" */
};

static int prepare(void *arg, struct model *m, int64_t version, const char *hash, void **prepared,
                   struct error *e)
{
    struct scene *s = arg;
    assert_true(model_is_frozen(m));
    assert_true(version == 0 || strlen(hash) == 64);
    if (s->refuse)
        return error_set_object(e, ERROR_INVALID, "Dir x", "There is no such directory.");
    s->live++;
    *prepared = (void *)(intptr_t)(version + 1);
    return 0;
}

static void activate(void *arg, void *prepared)
{
    struct scene *s = arg;
    s->live--;
    s->running = (int)(intptr_t)prepared - 1;
}

static void discard(void *arg, void *prepared)
{
    struct scene *s = arg;
    assert_non_null(prepared);
    s->live--;
}

static void applied(void *arg, struct buf *record, struct model *m)
{
    struct scene *s = arg;
    assert_true(record->len > 0);
    assert_non_null(m);
    buf_clear(&s->written);
    buf_append_slice(&s->written, buf_slice(record));
    s->saved++;
}

static void prepared(void *arg, int64_t version, const char *hash, const struct error *problem)
{
    struct scene *s = arg;
    size_t len = strlen(s->said);
    assert_int_equal(strlen(hash), 64);
    snprintf(s->said + len, sizeof s->said - len, "%s%s %d", len > 0 ? ", " : "",
             problem != NULL ? "no" : "ready", (int)version);
}

static int fetch(void *arg, void *source, const struct follow_want *want)
{
    struct scene *s = arg;
    assert_ptr_equal(source, s);
    s->want = *want;
    s->fetches++;
    return s->offline ? -1 : 0;
}

static void changed(void *arg)
{
    ((struct scene *)arg)->changes++;
}

static const struct follow_env env = {prepare,  activate, discard, applied,
                                      prepared, fetch,    changed};

static void make_history(struct scene *s, struct history *h, const struct history *until_2)
{
    memset(h, 0, sizeof *h);
    for (int v = 1; v < VERSIONS; v++) {
        struct commit *c = &h->commits[v];
        if (until_2 != NULL && v <= 2) {
            *c = until_2->commits[v];
        } else {
            *c = (struct commit){.version = (uint64_t)v,
                                 .config = buf_slice(&s->config),
                                 .who = until_2 != NULL ? SLICE("someone else") : SLICE("zed"),
                                 .where = SLICE("h"),
                                 .scope = SLICE("all")};
            snprintf(c->parent, sizeof c->parent, "%s",
                     v > 1 ? h->commits[v - 1].hash : COMMIT_NO_PARENT);
            assert_int_equal(commit_seal(c, NULL), 0);
        }
        commit_encode(c, &h->records[v]);
    }
}

static void at(uint64_t now_ms)
{
    clock_fake(now_ms * 1000, 1700000000000);
}

/* A node that runs version `running` of our history; 0: nothing. */
static void setup(struct scene *s, int running)
{
    struct error e;
    memset(s, 0, sizeof *s);
    at(1000);
    s->model = model_create(NULL);
    struct row *server = model_add(s->model, TABLE_SERVER, NULL);
    row_set_text(s->model, server, SERVER_UUID, SLICE("u"), NULL);
    row_set_text(s->model, server, SERVER_ACCESS_LOG, SLICE("a"), NULL);
    row_set_text(s->model, server, SERVER_ERROR_LOG, SLICE("e"), NULL);
    row_set_text(s->model, server, SERVER_CHROOT, SLICE("c"), NULL);
    row_set_text(s->model, server, SERVER_PID_FILE, SLICE("p"), NULL);
    row_set_text(s->model, server, SERVER_DEFAULT_HOST, SLICE("d"), NULL);
    row_set_text(s->model, server, SERVER_NAME, SLICE("n"), NULL);
    row_set_int(server, SERVER_PORT, 80);
    model_freeze(s->model, NULL);
    if (canon_encode(s->model, &s->config, &e) != 0)
        fail_msg("%s", e.text);
    make_history(s, &s->ours, NULL);
    make_history(s, &s->theirs, &s->ours);
    s->f = follow_create(&env, s, "web-1");
    if (running > 0)
        follow_start(s->f, buf_slice(&s->ours.records[running]), s->model, running,
                     s->ours.commits[running].hash);
    assert_int_equal(s->running, running);
}

static void teardown(struct scene *s)
{
    follow_destroy(&s->f);
    assert_int_equal(s->live, 0); /* everything prepared was activated or discarded */
    for (int v = 1; v < VERSIONS; v++) {
        buf_fini(&s->ours.records[v]);
        buf_fini(&s->theirs.records[v]);
    }
    model_unref(s->model);
    buf_fini(&s->config);
    buf_fini(&s->written);
    clock_fake_stop();
}

static void offer(struct scene *s, const struct history *h, int v)
{
    struct cluster_prepare p = {.token = 1,
                                .version = v,
                                .hash = slice_str(h->commits[v].hash),
                                .commit = buf_slice(&h->records[v])};
    follow_prepare(s->f, NULL, &p);
}

static void decision(struct scene *s, const struct history *h, int v, bool go)
{
    struct cluster_decision d = {1, v, slice_str(h->commits[v].hash), SLICE_EMPTY};
    if (go)
        follow_activate(s->f, s, &d);
    else
        follow_abort(s->f, &d);
}

/* The leader's beat: the head, and the push that is being decided (0: none). */
static void beat(struct scene *s, const struct history *h, int head, int pending)
{
    struct cluster_head_beat b = {.leader = true,
                                  .version = head,
                                  .hash = head > 0 ? slice_str(h->commits[head].hash) : SLICE_EMPTY,
                                  .pending = pending,
                                  .pending_hash = pending > 0 ? slice_str(h->commits[pending].hash)
                                                              : SLICE_EMPTY};
    follow_head(s->f, s, &b);
}

static void fetched(struct scene *s, const struct history *h, int v)
{
    follow_fetched(s->f, buf_slice(&h->records[v]));
}

static void assert_state(struct scene *s, enum follow_state state, int running)
{
    assert_string_equal(follow_state_name(follow_state(s->f)), follow_state_name(state));
    assert_int_equal(s->running, running);
    assert_int_equal(follow_version(s->f), running);
}

static void test_a_push(void **state)
{
    (void)state;
    struct scene s;
    setup(&s, 2);
    beat(&s, &s.ours, 2, 0);
    offer(&s, &s.ours, 3);
    assert_state(&s, FOLLOW_HOLDING, 2);
    offer(&s, &s.ours, 3); /* repeated */
    beat(&s, &s.ours, 2, 3);
    assert_state(&s, FOLLOW_HOLDING, 2);
    decision(&s, &s.ours, 3, true);
    assert_state(&s, FOLLOW_STEADY, 3);
    decision(&s, &s.ours, 3, true);
    beat(&s, &s.ours, 3, 0);
    assert_state(&s, FOLLOW_STEADY, 3);
    assert_int_equal(s.saved, 1);
    assert_int_equal(s.fetches, 0);
    assert_string_equal(s.said, "ready 3, ready 3");
    teardown(&s);
}

static void test_an_aborted_push_leaves_nothing(void **state)
{
    (void)state;
    struct scene s;
    setup(&s, 2);
    offer(&s, &s.ours, 3);
    decision(&s, &s.theirs, 3, false); /* another commit's */
    assert_state(&s, FOLLOW_HOLDING, 2);
    decision(&s, &s.ours, 3, false);
    assert_state(&s, FOLLOW_STEADY, 2);
    assert_int_equal(s.live, 0);
    assert_int_equal(s.saved, 0);
    teardown(&s);
}

static void test_what_cannot_be_built_is_refused(void **state)
{
    (void)state;
    struct scene s;
    setup(&s, 2);
    s.refuse = true;
    offer(&s, &s.ours, 3);
    assert_state(&s, FOLLOW_STEADY, 2);
    beat(&s, &s.ours, 2, 3); /* it is still being decided: not fetched only to refuse it again */
    assert_int_equal(s.fetches, 0);
    assert_string_equal(s.said, "no 3");
    teardown(&s);
}

static void test_a_second_push_replaces_the_first(void **state)
{
    (void)state;
    struct scene s;
    setup(&s, 2);
    offer(&s, &s.ours, 3);
    offer(&s, &s.theirs, 3); /* the abort of the first was lost */
    assert_int_equal(s.live, 1);
    decision(&s, &s.ours, 3, true); /* very late: not what we hold, so it is asked for */
    assert_state(&s, FOLLOW_FETCHING, 2);
    fetched(&s, &s.ours, 3);
    assert_state(&s, FOLLOW_STEADY, 3);
    teardown(&s);
}

static void test_lost_messages(void **state)
{
    (void)state;
    struct scene s;
    setup(&s, 2);
    /* activate was lost: the beat says it */
    offer(&s, &s.ours, 3);
    beat(&s, &s.ours, 3, 0);
    assert_state(&s, FOLLOW_STEADY, 3);
    assert_int_equal(s.fetches, 0);
    /* abort was lost: the leader no longer speaks of it */
    offer(&s, &s.ours, 4);
    beat(&s, &s.ours, 3, 0);
    assert_state(&s, FOLLOW_STEADY, 3);
    assert_int_equal(s.live, 0);
    /* prepare was lost: the beat names it, and it is fetched to be prepared */
    beat(&s, &s.ours, 3, 4);
    assert_state(&s, FOLLOW_FETCHING, 3);
    assert_true(s.want.is_pending);
    assert_int_equal(s.want.version, 4);
    fetched(&s, &s.ours, 4);
    assert_state(&s, FOLLOW_HOLDING, 3);
    assert_string_equal(s.said, "ready 3, ready 4, ready 4");
    decision(&s, &s.ours, 4, true);
    assert_state(&s, FOLLOW_STEADY, 4);
    /* prepare and activate were lost */
    beat(&s, &s.ours, 5, 0);
    assert_false(s.want.is_pending);
    fetched(&s, &s.ours, 5);
    assert_state(&s, FOLLOW_STEADY, 5);
    teardown(&s);
}

static void test_a_new_node_fetches_the_head(void **state)
{
    (void)state;
    struct scene s;
    setup(&s, 0);
    beat(&s, &s.ours, 0, 0);
    assert_state(&s, FOLLOW_STEADY, 0);
    s.offline = true;
    beat(&s, &s.ours, 4, 0);
    assert_state(&s, FOLLOW_STEADY, 0);
    s.offline = false;
    beat(&s, &s.ours, 4, 0);
    beat(&s, &s.ours, 4, 0); /* asked once */
    assert_int_equal(s.fetches, 2);
    fetched(&s, &s.ours, 5); /* the head has moved meanwhile */
    assert_state(&s, FOLLOW_STEADY, 5);
    assert_int_equal(s.saved, 1);
    teardown(&s);
}

static void test_a_fetch_that_fails_is_tried_with_the_next_beat(void **state)
{
    (void)state;
    struct scene s;
    struct error e;
    setup(&s, 2);
    beat(&s, &s.ours, 3, 0);
    error_set(&e, ERROR_TIMEOUT, "No answer.");
    follow_fetch_failed(s.f, &e);
    assert_state(&s, FOLLOW_STEADY, 2);
    beat(&s, &s.ours, 3, 0);
    assert_int_equal(s.fetches, 2);
    fetched(&s, &s.ours, 2); /* overtaken: something old came back */
    assert_state(&s, FOLLOW_STEADY, 2);
    teardown(&s);
}

static void test_a_head_that_cannot_be_applied(void **state)
{
    (void)state;
    struct scene s;
    setup(&s, 2);
    s.refuse = true;
    beat(&s, &s.ours, 3, 0);
    fetched(&s, &s.ours, 3);
    assert_state(&s, FOLLOW_NACKED, 2);
    assert_string_equal(follow_problem(s.f), "There is no such directory.");
    assert_int_equal(s.changes, 1);
    beat(&s, &s.ours, 3, 0);
    follow_tick(s.f);
    assert_int_equal(s.fetches, 1); /* kept, not fetched again */
    s.refuse = false;
    follow_tick(s.f); /* not before its time */
    assert_state(&s, FOLLOW_NACKED, 2);
    at(1000 + FOLLOW_RETRY_MS);
    follow_tick(s.f);
    assert_state(&s, FOLLOW_STEADY, 3);
    assert_int_equal(s.changes, 2);
    assert_string_equal(follow_problem(s.f), "");
    teardown(&s);
}

static void test_a_newer_head_is_tried_at_once(void **state)
{
    (void)state;
    struct scene s;
    setup(&s, 2);
    s.refuse = true;
    beat(&s, &s.ours, 3, 0);
    fetched(&s, &s.ours, 3);
    s.refuse = false;
    beat(&s, &s.ours, 4, 0);
    assert_state(&s, FOLLOW_FETCHING, 2);
    fetched(&s, &s.ours, 4);
    assert_state(&s, FOLLOW_STEADY, 4);
    teardown(&s);
}

static void test_nacked_and_then_a_push(void **state)
{
    (void)state;
    struct scene s;
    setup(&s, 2);
    s.refuse = true;
    beat(&s, &s.ours, 3, 0);
    fetched(&s, &s.ours, 3);
    offer(&s, &s.ours, 4);
    assert_state(&s, FOLLOW_NACKED, 2);
    s.refuse = false;
    offer(&s, &s.ours, 5); /* the repair */
    decision(&s, &s.ours, 5, true);
    assert_state(&s, FOLLOW_STEADY, 5);
    assert_string_equal(s.said, "no 4, ready 5");
    teardown(&s);
}

static void test_the_last_known_good_cannot_be_applied(void **state)
{
    (void)state;
    struct scene s;
    setup(&s, 0);
    s.refuse = true;
    follow_start(s.f, buf_slice(&s.ours.records[2]), s.model, 2, s.ours.commits[2].hash);
    assert_state(&s, FOLLOW_NACKED, 0);
    beat(&s, &s.ours, 2, 0); /* the head is the very same */
    assert_int_equal(s.fetches, 0);
    s.refuse = false;
    at(1000 + FOLLOW_RETRY_MS);
    follow_tick(s.f);
    assert_state(&s, FOLLOW_STEADY, 2);
    teardown(&s);
}

static void test_another_history_is_not_followed(void **state)
{
    (void)state;
    struct scene s;
    struct error e;
    setup(&s, 3);
    beat(&s, &s.theirs, 3, 0); /* the same version, another hash */
    assert_state(&s, FOLLOW_DIVERGED, 3);
    assert_int_equal(s.changes, 1);
    beat(&s, &s.ours, 2, 0); /* older: a store that was rolled back */
    assert_state(&s, FOLLOW_DIVERGED, 3);
    offer(&s, &s.theirs, 4);
    assert_string_equal(s.said, "no 4");
    beat(&s, &s.theirs, 5, 0);
    assert_int_equal(s.fetches, 0); /* not before its time */
    at(1000 + FOLLOW_RETRY_MS);
    beat(&s, &s.theirs, 5, 0);
    assert_int_equal(s.fetches, 1);
    error_set(&e, ERROR_CONFLICT, "The node has seen another history.");
    follow_fetch_failed(s.f, &e);
    assert_state(&s, FOLLOW_DIVERGED, 3);
    beat(&s, &s.ours, 3, 0); /* put right */
    assert_state(&s, FOLLOW_STEADY, 3);
    teardown(&s);
}

static void test_a_fork_is_noticed_while_fetching(void **state)
{
    (void)state;
    struct scene s;
    struct error e;
    setup(&s, 3);
    beat(&s, &s.theirs, 5, 0);
    error_set(&e, ERROR_CONFLICT, "The node has seen another history.");
    follow_fetch_failed(s.f, &e);
    assert_state(&s, FOLLOW_DIVERGED, 3);
    teardown(&s);
    setup(&s, 3);
    beat(&s, &s.theirs, 4, 0);
    fetched(&s, &s.theirs, 4); /* its parent is not what we run */
    assert_state(&s, FOLLOW_DIVERGED, 3);
    teardown(&s);
}

static void test_a_push_of_another_history_is_refused(void **state)
{
    (void)state;
    struct scene s;
    setup(&s, 3);
    offer(&s, &s.theirs, 4);
    offer(&s, &s.theirs, 3); /* from a store that was rolled back */
    offer(&s, &s.ours, 3);   /* very late */
    assert_state(&s, FOLLOW_STEADY, 3);
    assert_string_equal(s.said, "no 4, no 3");
    teardown(&s);
}

static void test_a_standby_is_no_reason_to_diverge(void **state)
{
    (void)state;
    struct scene s;
    setup(&s, 3);
    struct cluster_head_beat b = {
        .leader = false, .version = 2, .hash = slice_str(s.ours.commits[2].hash)};
    follow_head(s.f, &s, &b); /* it is behind */
    assert_state(&s, FOLLOW_STEADY, 3);
    offer(&s, &s.ours, 4);
    b.version = 3;
    b.hash = slice_str(s.ours.commits[3].hash);
    follow_head(s.f, &s, &b); /* it knows nothing of the push */
    assert_state(&s, FOLLOW_HOLDING, 3);
    teardown(&s);
}

static void test_damaged_records(void **state)
{
    (void)state;
    struct scene s;
    setup(&s, 2);
    struct cluster_prepare p = {.token = 1,
                                .version = 3,
                                .hash = slice_str(s.ours.commits[3].hash),
                                .commit = SLICE("garbage")};
    follow_prepare(s.f, NULL, &p);
    assert_string_equal(s.said, "no 3");
    beat(&s, &s.ours, 3, 0);
    follow_fetched(s.f, SLICE("garbage"));
    assert_state(&s, FOLLOW_NACKED, 2);
    beat(&s, &s.ours, 3, 0);
    assert_int_equal(s.fetches, 1); /* not in a circle */
    at(1000 + FOLLOW_RETRY_MS);
    beat(&s, &s.ours, 3, 0);
    assert_int_equal(s.fetches, 2);
    fetched(&s, &s.ours, 3);
    assert_state(&s, FOLLOW_STEADY, 3);
    /* one bit of a record that is whole */
    struct buf bent = BUF_INIT;
    buf_append_slice(&bent, buf_slice(&s.ours.records[4]));
    char *who = memmem(bent.data, bent.len, "zed", 3);
    *who ^= 1;
    p = (struct cluster_prepare){.token = 1,
                                 .version = 4,
                                 .hash = slice_str(s.ours.commits[4].hash),
                                 .commit = buf_slice(&bent)};
    follow_prepare(s.f, NULL, &p);
    assert_state(&s, FOLLOW_STEADY, 3);
    assert_string_equal(s.said, "no 3, no 4");
    buf_fini(&bent);
    teardown(&s);
}

/* ---- what has changed, instead of the whole ----------------------------------------------------
 */

/* Publishes a commit without its configuration. */
static void offer_delta(struct scene *s, int v, struct slice delta)
{
    struct commit bare = s->ours.commits[v];
    struct buf record = BUF_INIT;
    bare.config = SLICE_EMPTY;
    commit_encode(&bare, &record);
    struct cluster_prepare p = {.token = 1,
                                .version = v,
                                .hash = slice_str(bare.hash),
                                .commit = buf_slice(&record),
                                .delta = delta};
    follow_prepare(s->f, s, &p);
    buf_fini(&record);
}

static struct model *empty_model(void)
{
    struct error e;
    struct model *m = model_create(NULL);
    assert_int_equal(model_freeze(m, &e), 0);
    return m;
}

static void make(const struct model *before, const struct model *after, struct buf *out)
{
    struct error e;
    buf_clear(out);
    if (delta_make(before, after, out, &e) != 0)
        fail_msg("%s", e.text);
}

static void test_a_delta_becomes_the_whole(void **state)
{
    (void)state;
    struct scene s;
    struct buf delta = BUF_INIT;
    setup(&s, 2);
    make(s.model, s.model, &delta);
    offer_delta(&s, 3, buf_slice(&delta));
    assert_state(&s, FOLLOW_HOLDING, 2);
    assert_string_equal(s.said, "ready 3");
    assert_int_equal(s.fetches, 0);
    decision(&s, &s.ours, 3, true);
    assert_state(&s, FOLLOW_STEADY, 3);
    assert_true(slice_eq(buf_slice(&s.written), buf_slice(&s.ours.records[3])));
    buf_fini(&delta);
    teardown(&s);
}

static void test_who_cannot_use_a_delta_asks_for_the_whole(void **state)
{
    (void)state;
    struct scene s;
    struct buf of_another = BUF_INIT, to_another = BUF_INIT;
    setup(&s, 2);
    struct model *other = empty_model();
    make(other, s.model, &of_another);
    make(s.model, other, &to_another);
    const struct slice deltas[] = {buf_slice(&of_another), buf_slice(&to_another),
                                   SLICE("garbage")};
    for (unsigned i = 0; i < 3; i++) {
        offer_delta(&s, 3, deltas[i]);
        assert_state(&s, FOLLOW_FETCHING, 2);
        assert_int_equal(s.fetches, i + 1);
        assert_true(s.want.is_pending && s.want.version == 3);
        assert_string_equal(s.want.hash, s.ours.commits[3].hash);
        fetched(&s, &s.ours, 3);
        assert_state(&s, FOLLOW_HOLDING, 2);
        decision(&s, &s.ours, 3, false);
        assert_state(&s, FOLLOW_STEADY, 2);
    }
    assert_string_equal(s.said, "ready 3, ready 3, ready 3");
    model_unref(other);
    buf_fini(&of_another);
    buf_fini(&to_another);
    teardown(&s);
}

static void test_a_node_without_a_configuration_gets_the_whole_too(void **state)
{
    (void)state;
    struct scene s;
    struct buf delta = BUF_INIT;
    setup(&s, 0);
    make(s.model, s.model, &delta);
    s.offline = true; /* for a moment */
    offer_delta(&s, 3, buf_slice(&delta));
    assert_state(&s, FOLLOW_STEADY, 0);
    s.offline = false;
    beat(&s, &s.ours, 2, 0);
    assert_state(&s, FOLLOW_FETCHING, 0);
    buf_fini(&delta);
    teardown(&s);
}

static void test_a_seed_follows_the_first_head(void **state)
{
    (void)state;
    struct scene s;
    setup(&s, 0);
    follow_start(s.f, SLICE_EMPTY, s.model, 0, "");
    assert_non_null(follow_model(s.f));
    beat(&s, &s.ours, 0, 0);
    assert_state(&s, FOLLOW_STEADY, 0);
    beat(&s, &s.ours, 1, 0);
    fetched(&s, &s.ours, 1);
    assert_state(&s, FOLLOW_STEADY, 1);
    teardown(&s);
}

static void test_stopping_while_holding(void **state)
{
    (void)state;
    struct scene s;
    setup(&s, 2);
    offer(&s, &s.ours, 3);
    follow_drop(s.f, "the node stops");
    assert_int_equal(s.live, 0);
    offer(&s, &s.ours, 3);
    teardown(&s); /* and destroying discards too */
}

/* `h` with version 3 for other nodes than ours, and 4 on top of it. */
static void make_canary(struct history *h)
{
    h->commits[3].scope = SLICE("web-2 web-3");
    for (int v = 3; v < VERSIONS; v++) {
        struct commit *c = &h->commits[v];
        snprintf(c->parent, sizeof c->parent, "%s", h->commits[v - 1].hash);
        assert_int_equal(commit_seal(c, NULL), 0);
        buf_clear(&h->records[v]);
        commit_encode(c, &h->records[v]);
    }
}

static void test_a_canary_elsewhere(void **state)
{
    (void)state;
    struct scene s;
    setup(&s, 2);
    make_canary(&s.ours);
    offer(&s, &s.ours, 3);
    assert_state(&s, FOLLOW_STEADY, 2);
    beat(&s, &s.ours, 2, 3);
    decision(&s, &s.ours, 3, true);
    beat(&s, &s.ours, 3, 0);
    beat(&s, &s.ours, 3, 0);
    assert_state(&s, FOLLOW_STEADY, 2);
    assert_int_equal(s.fetches, 0);
    assert_string_equal(s.said, ""); /* it is not asked */
    offer(&s, &s.ours, 4);
    decision(&s, &s.ours, 4, true);
    assert_state(&s, FOLLOW_STEADY, 4);
    teardown(&s);
}

static void test_a_canary_elsewhere_of_which_nothing_was_heard(void **state)
{
    (void)state;
    struct scene s;
    setup(&s, 0);
    make_canary(&s.ours);
    beat(&s, &s.ours, 3, 0);
    fetched(&s, &s.ours, 3);
    assert_state(&s, FOLLOW_STEADY, 0);
    beat(&s, &s.ours, 3, 0);
    assert_int_equal(s.want.version, 2); /* ours is the one before */
    fetched(&s, &s.ours, 2);
    assert_state(&s, FOLLOW_STEADY, 2);
    beat(&s, &s.ours, 3, 0);
    assert_int_equal(s.fetches, 2);
    teardown(&s);
}

/* A fork is one even where its head is not for us. */
static void test_a_canary_of_another_history(void **state)
{
    (void)state;
    struct scene s;
    setup(&s, 3);
    make_canary(&s.theirs);
    beat(&s, &s.theirs, 3, 0);
    fetched(&s, &s.theirs, 3);
    beat(&s, &s.theirs, 3, 0);
    assert_int_equal(follow_version(s.f), 3);
    assert_int_equal(follow_state(s.f), FOLLOW_DIVERGED);
    teardown(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_push),
        cmocka_unit_test(test_an_aborted_push_leaves_nothing),
        cmocka_unit_test(test_what_cannot_be_built_is_refused),
        cmocka_unit_test(test_a_second_push_replaces_the_first),
        cmocka_unit_test(test_lost_messages),
        cmocka_unit_test(test_a_new_node_fetches_the_head),
        cmocka_unit_test(test_a_fetch_that_fails_is_tried_with_the_next_beat),
        cmocka_unit_test(test_a_head_that_cannot_be_applied),
        cmocka_unit_test(test_a_newer_head_is_tried_at_once),
        cmocka_unit_test(test_nacked_and_then_a_push),
        cmocka_unit_test(test_the_last_known_good_cannot_be_applied),
        cmocka_unit_test(test_another_history_is_not_followed),
        cmocka_unit_test(test_a_fork_is_noticed_while_fetching),
        cmocka_unit_test(test_a_push_of_another_history_is_refused),
        cmocka_unit_test(test_a_standby_is_no_reason_to_diverge),
        cmocka_unit_test(test_damaged_records),
        cmocka_unit_test(test_a_delta_becomes_the_whole),
        cmocka_unit_test(test_who_cannot_use_a_delta_asks_for_the_whole),
        cmocka_unit_test(test_a_node_without_a_configuration_gets_the_whole_too),
        cmocka_unit_test(test_a_seed_follows_the_first_head),
        cmocka_unit_test(test_stopping_while_holding),
        cmocka_unit_test(test_a_canary_elsewhere),
        cmocka_unit_test(test_a_canary_elsewhere_of_which_nothing_was_heard),
        cmocka_unit_test(test_a_canary_of_another_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
