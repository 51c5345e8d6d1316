/* The table below is the push: a row per state, a column per event, a function in each cell that
 * means something. What is not in it cannot happen or has no effect, and that is where late and
 * repeated messages end. */

#include "coordinator/push.h"

#include "coordinator/policy.h"
#include "coordinator/push_report.h"
#include "proto/base/clock.h"
#include "proto/base/failpoint.h"
#include "proto/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RESOLVE_MS = 500 };

enum push_event {
    EVENT_SETTLED,  /* the nodes have had their time to report */
    EVENT_VOTED,    /* an answer to prepare, or one less to wait for */
    EVENT_TIMEOUT,  /* the deadline of this state */
    EVENT_STORED,   /* the store has it */
    EVENT_REJECTED, /* the store has it not */
    EVENT_UNSURE,   /* the store did not say */
    EVENT_APPLIED,  /* an acknowledgement, or one less to wait for */
    EVENT_ABORT,    /* somebody takes it back */
    EVENT_COUNT
};

static const char *const state_names[PUSH_STATE_COUNT] = {"wait",    "prepare",  "store",
                                                          "resolve", "activate", "done"};
static const char *const verdict_names[] = {
    [PUSH_APPLIED] = "applied",   [PUSH_STORED] = "stored",   [PUSH_DRY] = "dry",
    [PUSH_REFUSED] = "refused",   [PUSH_SILENT] = "silent",   [PUSH_ABORTED] = "aborted",
    [PUSH_REJECTED] = "rejected", [PUSH_UNKNOWN] = "unknown",
};

static enum push_state fire(struct push *p, enum push_event event);

const char *push_state_name(enum push_state s)
{
    return state_names[s];
}

const char *push_verdict_name(enum push_verdict v)
{
    return verdict_names[v];
}

/* ---- life --------------------------------------------------------------------------------- */

static int copy_commit(struct push *p, const struct commit *c, struct error *e)
{
    struct buf bytes = BUF_INIT;
    commit_encode(c, &bytes);
    int result = bytes.failed ? error_set(e, ERROR_NO_MEMORY, "Out of memory.")
                              : commit_decode(&p->commit, buf_slice(&bytes), &p->arena, e);
    buf_fini(&bytes);
    return result;
}

struct push *push_create(const struct commit *c, const struct push_options *options,
                         const struct push_env *env, void *arg, struct error *e)
{
    struct push *p = calloc(1, sizeof *p);
    if (p == NULL) {
        error_set(e, ERROR_NO_MEMORY, "Out of memory.");
        return NULL;
    }
    arena_init(&p->arena, 0);
    p->options = *options;
    p->env = env;
    p->arg = arg;
    p->voters = MAP_INIT;
    p->started_ms = clock_monotonic_ms();
    if (copy_commit(p, c, e) != 0)
        push_destroy(&p);
    return p;
}

void push_destroy(struct push **p)
{
    struct push *it = *p;
    *p = NULL;
    if (it == NULL)
        return;
    BUG_ON(it->storing);
    map_fini(&it->voters, NULL); /* the voters are in the arena */
    arena_fini(&it->arena);
    free(it);
}

enum push_state push_state(const struct push *p)
{
    return p->state;
}

const struct commit *push_commit(const struct push *p)
{
    return &p->commit;
}

bool push_is_storing(const struct push *p)
{
    return p->storing;
}

bool push_is_pending(const struct push *p)
{
    return p->state == PUSH_PREPARE || p->state == PUSH_STORE || p->state == PUSH_RESOLVE;
}

void push_add_voter(struct push *p, const char *uuid, const char *name)
{
    struct voter *v = arena_zalloc(&p->arena, sizeof *v);
    if (v == NULL || (v->name = arena_strdup(&p->arena, name)) == NULL ||
        (v->uuid = arena_strdup(&p->arena, uuid)) == NULL ||
        map_put(&p->voters, slice_str(uuid), v, NULL) != 0)
        log_error("push", "out of memory: node=%s is not asked", name);
    else
        p->count.nodes++;
}

/* ---- what is done in the cells ------------------------------------------------------------ */

static void set_deadline(struct push *p, int64_t ms)
{
    p->since_ms = clock_monotonic_ms();
    p->deadline_ms = p->since_ms + (uint64_t)ms;
}

static enum push_state finish(struct push *p, enum push_verdict verdict)
{
    struct push_result r = {.verdict = verdict,
                            .nodes = p->count.nodes,
                            .ready = p->count.ready,
                            .refused = p->count.refused,
                            .silent = p->count.nodes - p->count.ready - p->count.refused,
                            .applied = p->applied,
                            .ms = (int64_t)(clock_monotonic_ms() - p->started_ms),
                            .commit = &p->commit,
                            .error = p->error};
    p->state = PUSH_DONE;
    push_report_end(p, &r);
    p->env->finished(p->arg, &r);
    return PUSH_DONE;
}

static void publish(struct push *p, enum cluster_update_kind kind, const char *reason)
{
    p->env->publish(p->arg, kind, &p->commit, reason);
}

/* Takes back what the nodes have prepared, then ends. */
static enum push_state take_back(struct push *p, enum push_verdict verdict)
{
    const char *reason = verdict == PUSH_DRY ? "It was only a trial." : p->error.text;
    publish(p, UPDATE_ABORT, reason);
    return finish(p, verdict);
}

static enum push_state submit(struct push *p);

static enum push_state store_it(struct push *p)
{
    FAILPOINT("push.decided");
    push_report_decided(p, "store");
    return submit(p);
}

static void blame(struct push *p)
{
    size_t silent = p->count.nodes - p->count.ready - p->count.refused;
    if (p->count.refused > 0)
        error_set(&p->error, ERROR_REFUSED,
                  "%zu of %zu nodes cannot run this configuration; nothing has changed.",
                  p->count.refused, p->count.nodes);
    else
        error_set(&p->error, ERROR_TIMEOUT,
                  "%zu of %zu nodes have not answered in %lld ms; nothing has changed.", silent,
                  p->count.nodes, (long long)p->options.timeout_ms);
}

/* PREPARE: another answer has come, or none will. */
static enum push_state decide(struct push *p)
{
    switch (policy_decide(p->options.policy, &p->count)) {
    case POLICY_WAIT: return PUSH_PREPARE;
    case POLICY_YES:
        if (!p->options.dry)
            return store_it(p);
        push_report_decided(p, "abort");
        return take_back(p, PUSH_DRY);
    case POLICY_NO: break;
    }
    blame(p);
    push_report_decided(p, "abort");
    return take_back(p, p->count.refused > 0 ? PUSH_REFUSED : PUSH_SILENT);
}

static enum push_state decide_at_last(struct push *p)
{
    p->count.is_over = true;
    return decide(p);
}

static enum push_state begin(struct push *p)
{
    p->env->electorate(p->arg, p);
    push_report_checked(p);
    FAILPOINT("push.checked");
    p->state = PUSH_PREPARE; /* the beats name it from here on */
    set_deadline(p, p->options.timeout_ms);
    publish(p, UPDATE_PREPARE, NULL);
    FAILPOINT("push.prepared");
    return decide(p);
}

static enum push_state abort_waiting(struct push *p)
{
    return finish(p, PUSH_ABORTED);
}

static enum push_state abort_prepared(struct push *p)
{
    push_report_decided(p, "abort");
    return take_back(p, PUSH_ABORTED);
}

/* Asked again, a store that refuses for now says nothing about the first time. */
static bool is_unsure(const struct push *p, enum error_code code)
{
    return code == ERROR_IO || code == ERROR_TIMEOUT || code == ERROR_UNREACHABLE ||
           (code == ERROR_REFUSED && p->state == PUSH_RESOLVE);
}

static void on_appended(void *arg, const struct store_result *r)
{
    struct push *p = arg;
    p->storing = false;
    p->error = r->error;
    if (r->error.code == ERROR_NONE)
        fire(p, EVENT_STORED);
    else
        fire(p, is_unsure(p, r->error.code) ? EVENT_UNSURE : EVENT_REJECTED);
}

static enum push_state submit(struct push *p)
{
    enum push_state next = p->state == PUSH_RESOLVE ? PUSH_RESOLVE : PUSH_STORE;
    p->storing = true;
    if (p->env->append(p->arg, &p->commit, on_appended, p, &p->error) == 0)
        return next;
    p->storing = false;
    return take_back(p, PUSH_REJECTED);
}

static enum push_state activate(struct push *p)
{
    FAILPOINT("push.stored");
    error_clear(&p->error);
    p->env->committed(p->arg, &p->commit);
    push_report_stored(p);
    set_deadline(p, p->options.timeout_ms);
    publish(p, UPDATE_ACTIVATE, NULL);
    FAILPOINT("push.activated");
    return p->applied + p->failed >= p->count.ready ? finish(p, PUSH_APPLIED) : PUSH_ACTIVATE;
}

static enum push_state reject(struct push *p)
{
    if (p->error.code == ERROR_REFUSED)
        p->error.code = ERROR_IO; /* for whoever pushed, nodes refuse and stores fail */
    if (p->error.code == ERROR_DENIED)
        p->error.code = ERROR_CONFLICT; /* it is this coordinator that may not, not the author */
    return take_back(p, PUSH_REJECTED);
}

static enum push_state resolve(struct push *p)
{
    log_warn("push", "the store did not say whether it has the commit: %s version=%llu",
             p->error.text, (unsigned long long)p->commit.version);
    push_report_waiting(p, "The store does not answer; it is asked again.");
    p->give_up_ms = clock_monotonic_ms() + (uint64_t)p->options.timeout_ms;
    set_deadline(p, RESOLVE_MS);
    return PUSH_RESOLVE;
}

/* RESOLVE: time to ask again, or to give up asking. Nodes keep what they have prepared until a beat
 * says what became of it. */
static enum push_state ask_again(struct push *p)
{
    if (p->storing)
        return PUSH_RESOLVE;
    if (clock_monotonic_ms() < p->give_up_ms)
        return submit(p);
    struct error cause = p->error;
    error_set(&p->error, ERROR_IO,
              "The store does not say whether it has kept version %llu (%s) Look at the log when "
              "it is back.",
              (unsigned long long)p->commit.version, cause.text);
    return finish(p, PUSH_UNKNOWN);
}

static enum push_state still_unsure(struct push *p)
{
    set_deadline(p, RESOLVE_MS);
    return PUSH_RESOLVE;
}

static enum push_state count_applied(struct push *p)
{
    if (p->applied + p->failed < p->count.ready)
        return PUSH_ACTIVATE;
    return finish(p, PUSH_APPLIED);
}

static enum push_state stop_waiting(struct push *p)
{
    return finish(p, PUSH_STORED);
}

/* clang-format off */
static enum push_state (*const table[PUSH_STATE_COUNT][EVENT_COUNT])(struct push *p) = {
    [PUSH_WAIT] = {
        [EVENT_SETTLED] = begin,
        [EVENT_ABORT] = abort_waiting,
    },
    [PUSH_PREPARE] = {
        [EVENT_VOTED] = decide,
        [EVENT_TIMEOUT] = decide_at_last,
        [EVENT_ABORT] = abort_prepared,
    },
    [PUSH_STORE] = {
        [EVENT_STORED] = activate,
        [EVENT_REJECTED] = reject,
        [EVENT_UNSURE] = resolve,
    },
    [PUSH_RESOLVE] = {
        [EVENT_TIMEOUT] = ask_again,
        [EVENT_STORED] = activate,
        [EVENT_REJECTED] = reject,
        [EVENT_UNSURE] = still_unsure,
    },
    [PUSH_ACTIVATE] = {
        [EVENT_APPLIED] = count_applied,
        [EVENT_TIMEOUT] = stop_waiting,
    },
};
/* clang-format on */

static enum push_state fire(struct push *p, enum push_event event)
{
    enum push_state before = p->state;
    if (table[before][event] == NULL)
        return before;
    enum push_state after = table[before][event](p);
    if (p->state != PUSH_DONE)
        p->state = after;
    if (after != before)
        log_debug("push", "%s -> %s version=%llu", state_names[before], state_names[after],
                  (unsigned long long)p->commit.version);
    return after;
}

/* ---- events ------------------------------------------------------------------------------- */

void push_start(struct push *p)
{
    if (clock_monotonic_ms() >= p->options.settled_ms) {
        fire(p, EVENT_SETTLED);
        return;
    }
    push_report_waiting(p, "The coordinator has just started; the nodes report first.");
}

void push_tick(struct push *p)
{
    uint64_t now = clock_monotonic_ms();
    if (p->state == PUSH_WAIT && now >= p->options.settled_ms)
        fire(p, EVENT_SETTLED);
    else if (p->state != PUSH_WAIT && now >= p->deadline_ms)
        fire(p, EVENT_TIMEOUT);
}

static bool is_about(const struct push *p, const struct cluster_ack *ack)
{
    return ack->version == (int64_t)p->commit.version &&
           slice_eq(ack->hash, slice_str(p->commit.hash));
}

static void keep_refusal(struct push *p, struct voter *v, const struct cluster_ack *ack)
{
    v->code = arena_slice(&p->arena, ack->code);
    v->object = arena_slice(&p->arena, ack->object);
    v->error = arena_slice(&p->arena, ack->error);
    if (v->code.ptr == NULL || v->object.ptr == NULL || v->error.ptr == NULL)
        v->code = v->object = v->error = SLICE_EMPTY;
}

void push_prepared(struct push *p, const struct cluster_ack *ack)
{
    struct voter *v = map_get(&p->voters, ack->uuid);
    bool is_asked = push_is_pending(p) || p->state == PUSH_ACTIVATE; /* later than decided: told */
    if (v == NULL || !is_about(p, ack) || !is_asked || v->answer != VOTER_SILENT)
        return;
    v->answer = ack->ok ? VOTER_READY : VOTER_REFUSED;
    if (ack->ok)
        p->count.ready++;
    else
        p->count.refused++;
    keep_refusal(p, v, ack);
    push_report_answer(p, "prepared", v, ack->ok);
    fire(p, EVENT_VOTED);
}

void push_applied(struct push *p, const struct cluster_ack *ack)
{
    struct voter *v = map_get(&p->voters, ack->uuid);
    if (v == NULL || !is_about(p, ack) || p->state != PUSH_ACTIVATE || v->is_applied)
        return;
    v->is_applied = true;
    v->is_saved = ack->ok;
    keep_refusal(p, v, ack);
    push_report_answer(p, "applied", v, ack->ok);
    if (v->answer != VOTER_READY)
        return; /* a late one, welcome but not waited for */
    if (ack->ok)
        p->applied++;
    else
        p->failed++;
    fire(p, EVENT_APPLIED);
}

void push_left(struct push *p, const char *uuid)
{
    struct voter *v = map_remove(&p->voters, slice_str(uuid));
    if (v == NULL || p->state == PUSH_DONE)
        return;
    p->count.nodes--;
    p->count.ready -= v->answer == VOTER_READY ? 1 : 0;
    p->count.refused -= v->answer == VOTER_REFUSED ? 1 : 0;
    if (v->answer == VOTER_READY && v->is_applied)
        *(v->is_saved ? &p->applied : &p->failed) -= 1;
    fire(p, p->state == PUSH_ACTIVATE ? EVENT_APPLIED : EVENT_VOTED);
}

int push_abort(struct push *p, const char *why, struct error *e)
{
    if (table[p->state][EVENT_ABORT] == NULL)
        return error_set(e, ERROR_CONFLICT,
                         "It is too late to take version %llu back: it is being stored. Use "
                         "m2sh rollback.",
                         (unsigned long long)p->commit.version);
    error_set(&p->error, ERROR_REFUSED, "%s", why);
    fire(p, EVENT_ABORT);
    return 0;
}
