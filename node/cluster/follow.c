/* Events are first judged against what runs and what is held (is this the one we hold? newer than
 * what runs? of another history?), then looked up in the table. So the table stays small and the
 * judgement is in one place, judge(). */

#include "node/cluster/follow.h"

#include "node/cluster/held_commit.h"
#include "proto/base/arena.h"
#include "proto/base/clock.h"
#include "proto/base/failpoint.h"
#include "proto/base/log.h"
#include "proto/model/commit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A commit that is meant for other nodes. */
struct passed {
    int64_t version; /* 0: none */
    char hash[CANON_HASH_LEN + 1];
    char parent[CANON_HASH_LEN + 1];
};

struct follow {
    const struct follow_env *env;
    void *arg;
    const char *node;
    enum follow_state state;
    struct held_commit running; /* prepared is NULL, record is empty */
    struct held_commit held;    /* FOLLOW_HOLDING */
    struct held_commit refused; /* FOLLOW_NACKED: tried again; its record is kept */
    struct follow_want want;    /* FOLLOW_FETCHING */
    struct passed passed;
    char unfit[CANON_HASH_LEN + 1]; /* a pending commit that we have refused */
    uint64_t retry_ms;
    struct error problem;
};

/* What an event means to us. */
enum follow_event {
    EVENT_OFFER,   /* a commit to be prepared */
    EVENT_GO,      /* what we hold is to run */
    EVENT_DROP,    /* what we hold is to be let go */
    EVENT_NEWER,   /* the head is newer than what runs, and we do not hold it */
    EVENT_PENDING, /* a push is being decided whose publication we have missed */
    EVENT_SAME,    /* the head is what runs */
    EVENT_FOREIGN, /* the head is older than what runs, or another of the same version */
    EVENT_FETCHED,
    EVENT_FAILED, /* the fetch */
    EVENT_TICK,
    EVENT_COUNT
};

/* The event's particulars. */
struct news {
    const struct cluster_prepare *prepare; /* OFFER */
    void *source;                          /* OFFER, NEWER, PENDING */
    struct follow_want want;               /* OFFER, NEWER, PENDING */
    struct slice record;                   /* FETCHED */
    const struct error *error;             /* FAILED, FOREIGN */
    const char *why;                       /* DROP */
};

static const char *const state_names[FOLLOW_STATE_COUNT] = {"synced", "prepared", "fetching",
                                                            "nacked", "diverged"};

const char *follow_state_name(enum follow_state s)
{
    return state_names[s];
}

/* ---- commits in hand ---------------------------------------------------------------------- */

static void let_go(struct follow *f, const char *why)
{
    if (f->held.prepared == NULL)
        return;
    log_info("cluster", "let go of what was prepared: %s version=%" PRId64, why, f->held.version);
    f->env->discard(f->arg, f->held.prepared);
    held_commit_release(&f->held);
}

/* Is it for other nodes? Then it is remembered as that. */
static bool pass_over(struct follow *f, struct slice record)
{
    struct arena a;
    struct commit c;
    bool passed = false;
    arena_init(&a, 0);
    if (commit_decode(&c, record, &a, NULL) == 0 && commit_verify(&c, NULL) == 0 &&
        !commit_is_meant_for(c.scope, slice_str(f->node))) {
        passed = true;
        f->passed.version = (int64_t)c.version;
        memcpy(f->passed.hash, c.hash, sizeof f->passed.hash);
        memcpy(f->passed.parent, c.parent, sizeof f->passed.parent);
        log_info("cluster", "not for this node: version=%" PRIu64 " scope=\"%.*s\"", c.version,
                 SLICE_ARG(c.scope));
    }
    arena_fini(&a);
    return passed;
}

static bool is_passed(const struct follow *f, int64_t version, struct slice hash)
{
    return f->passed.version == version && version > 0 && slice_eq(hash, slice_str(f->passed.hash));
}

static int build(struct follow *f, struct held_commit *h, struct error *e)
{
    return f->env->prepare(f->arg, h->model, h->version, h->hash, &h->prepared, e);
}

static void log_refusal(int64_t version, const struct error *e)
{
    log_error("cluster", "cannot run version %" PRId64 ": %s%s%s", version, e->object,
              e->object[0] != '\0' ? ": " : "", e->text);
}

/* ---- transitions -------------------------------------------------------------------------- */

static enum follow_state run(struct follow *f, struct held_commit *h)
{
    struct held_commit next = *h;
    *h = (struct held_commit){.version = 0};
    f->env->activate(f->arg, next.prepared);
    next.prepared = NULL;
    held_commit_release(&f->running);
    f->running = next;
    f->running.record = BUF_INIT;
    f->unfit[0] = '\0';
    held_commit_release(&f->refused);
    log_info("cluster", "serving version=%" PRId64 " hash=%.12s", next.version, next.hash);
    FAILPOINT("node.activated");
    f->env->applied(f->arg, &next.record, next.model);
    buf_fini(&next.record);
    return FOLLOW_STEADY;
}

static enum follow_state go(struct follow *f, const struct news *n)
{
    (void)n;
    return run(f, &f->held);
}

static enum follow_state drop(struct follow *f, const struct news *n)
{
    let_go(f, n->why);
    return FOLLOW_STEADY;
}

/* Takes the refused commit into its care, to be tried again later. */
static enum follow_state nack(struct follow *f, struct held_commit *h, const struct error *e)
{
    held_commit_release(&f->refused);
    f->refused = *h;
    *h = (struct held_commit){.version = 0};
    f->problem = *e;
    f->retry_ms = clock_monotonic_ms() + FOLLOW_RETRY_MS;
    log_refusal(f->refused.version, e);
    return FOLLOW_NACKED;
}

static enum follow_state diverge(struct follow *f, const struct error *e)
{
    let_go(f, "the coordinator's history is not ours");
    if (f->state != FOLLOW_DIVERGED)
        log_error("cluster", "%s Serving on with what it has.", e->text);
    f->problem = *e;
    f->retry_ms = clock_monotonic_ms() + FOLLOW_RETRY_MS;
    return FOLLOW_DIVERGED;
}

static enum follow_state diverge_by_head(struct follow *f, const struct news *n)
{
    return diverge(f, n->error);
}

static enum follow_state refuse(struct follow *f, int64_t version, const char *hash,
                                const struct error *e)
{
    log_refusal(version, e);
    snprintf(f->unfit, sizeof f->unfit, "%s", hash);
    f->env->prepared(f->arg, version, hash, e);
    return FOLLOW_STEADY;
}

/* Builds a commit that is being decided, and says whether it can be run here. Takes *h. */
static enum follow_state hold(struct follow *f, struct held_commit *h)
{
    struct error e;
    if (build(f, h, &e) == 0) {
        log_info("cluster", "prepared version=%" PRId64 " hash=%.12s", h->version, h->hash);
        f->held = *h;
        FAILPOINT("node.prepared");
        f->env->prepared(f->arg, h->version, f->held.hash, NULL);
        return FOLLOW_HOLDING;
    }
    enum follow_state next = refuse(f, h->version, h->hash, &e);
    held_commit_release(h);
    return next;
}

static enum follow_state hold_record(struct follow *f, struct slice record, int64_t version,
                                     const char *hash)
{
    struct held_commit h = {.version = 0};
    struct error e;
    let_go(f, "another takes its place");
    if (held_commit_read(&h, record, &f->running, &e) == 0)
        return hold(f, &h);
    held_commit_release(&h);
    return refuse(f, version, hash, &e);
}

static enum follow_state ask(struct follow *f, const struct news *n)
{
    let_go(f, "the head is another");
    f->want = n->want;
    return f->env->fetch(f->arg, n->source, &n->want) == 0 ? FOLLOW_FETCHING : f->state;
}

/* What has changed from the parent is enough for who runs that. Everybody else asks for the whole.
 */
static enum follow_state take_delta(struct follow *f, const struct news *n)
{
    const struct cluster_prepare *p = n->prepare;
    struct held_commit h = {.version = 0};
    struct error e;
    if (held_commit_make(&h, p, &f->running, &e) == 0) {
        let_go(f, "another takes its place");
        return hold(f, &h);
    }
    log_info("cluster", "asks for the whole of version=%" PRId64 ": %s", p->version, e.text);
    return ask(f, n) == FOLLOW_FETCHING ? FOLLOW_FETCHING : FOLLOW_STEADY;
}

static enum follow_state take_offer(struct follow *f, const struct news *n)
{
    const struct cluster_prepare *p = n->prepare;
    if (f->held.prepared != NULL && strcmp(f->held.hash, n->want.hash) == 0) {
        f->env->prepared(f->arg, p->version, n->want.hash, NULL); /* asked twice */
        return f->state;
    }
    if (pass_over(f, p->commit))
        return f->state;
    return p->delta.len > 0 ? take_delta(f, n)
                            : hold_record(f, p->commit, p->version, n->want.hash);
}

static enum follow_state refuse_offer(struct follow *f, const struct news *n)
{
    f->env->prepared(f->arg, n->prepare->version, n->want.hash, &f->problem);
    return f->state;
}

/* The commit that could not be applied is offered no second time before its time. */
static enum follow_state offer_while_nacked(struct follow *f, const struct news *n)
{
    enum follow_state next = take_offer(f, n);
    return next == FOLLOW_STEADY ? FOLLOW_NACKED : next;
}

static enum follow_state ask_and_drop(struct follow *f, const struct news *n)
{
    enum follow_state next = ask(f, n);
    return next == FOLLOW_FETCHING ? next : FOLLOW_STEADY;
}

/* DIVERGED: perhaps the history was put right. Asked with what runs, the coordinator tells. */
static enum follow_state ask_again(struct follow *f, const struct news *n)
{
    if (clock_monotonic_ms() < f->retry_ms)
        return FOLLOW_DIVERGED;
    f->retry_ms = clock_monotonic_ms() + FOLLOW_RETRY_MS;
    return ask(f, n);
}

static enum follow_state retry(struct follow *f, const struct news *n)
{
    struct error e;
    (void)n;
    if (clock_monotonic_ms() < f->retry_ms || f->refused.model == NULL)
        return FOLLOW_NACKED;
    f->retry_ms = clock_monotonic_ms() + FOLLOW_RETRY_MS;
    if (build(f, &f->refused, &e) == 0)
        return run(f, &f->refused);
    f->problem = e;
    return FOLLOW_NACKED;
}

/* NACKED: is the newer head the one that was refused? Then wait, else fetch it. */
static enum follow_state newer_while_nacked(struct follow *f, const struct news *n)
{
    if (strcmp(n->want.hash, f->refused.hash) == 0 && f->refused.model != NULL)
        return retry(f, n);
    if (strcmp(n->want.hash, f->refused.hash) == 0 && clock_monotonic_ms() < f->retry_ms)
        return FOLLOW_NACKED; /* its record could not even be read */
    return ask(f, n);
}

static enum follow_state settle(struct follow *f, const struct news *n)
{
    (void)f, (void)n;
    return FOLLOW_STEADY;
}

static enum follow_state take_fetched(struct follow *f, const struct news *n)
{
    struct held_commit h = {.version = 0};
    struct error e;
    if (pass_over(f, n->record))
        return FOLLOW_STEADY;
    if (f->want.is_pending)
        return hold_record(f, n->record, f->want.version, f->want.hash);
    int result = held_commit_read(&h, n->record, &f->running, &e);
    if (h.version != 0 && h.version <= f->running.version) {
        held_commit_release(&h); /* overtaken */
        return FOLLOW_STEADY;
    }
    if (result == 0 && build(f, &h, &e) == 0)
        return run(f, &h);
    if (h.version == 0) { /* not even its name could be read */
        h.version = f->want.version;
        memcpy(h.hash, f->want.hash, sizeof h.hash);
    }
    if (e.code != ERROR_CONFLICT)
        return nack(f, &h, &e);
    held_commit_release(&h);
    return diverge(f, &e);
}

static enum follow_state fetch_failed(struct follow *f, const struct news *n)
{
    if (n->error->code == ERROR_CONFLICT)
        return diverge(f, n->error);
    if (!f->want.is_pending)
        log_warn("cluster", "version %" PRId64 " could not be fetched: %s", f->want.version,
                 n->error->text);
    return FOLLOW_STEADY;
}

/* clang-format off */
static enum follow_state (*const table[FOLLOW_STATE_COUNT][EVENT_COUNT])(struct follow *f,
                                                                         const struct news *n) = {
    [FOLLOW_STEADY] = {
        [EVENT_OFFER] = take_offer,
        [EVENT_NEWER] = ask,
        [EVENT_PENDING] = ask,
        [EVENT_FOREIGN] = diverge_by_head,
    },
    [FOLLOW_HOLDING] = {
        [EVENT_OFFER] = take_offer,
        [EVENT_GO] = go,
        [EVENT_DROP] = drop,
        [EVENT_NEWER] = ask_and_drop,
        [EVENT_FOREIGN] = diverge_by_head,
    },
    [FOLLOW_FETCHING] = { /* an offer is fetched afterwards: the beat names it as pending */
        [EVENT_FETCHED] = take_fetched,
        [EVENT_FAILED] = fetch_failed,
    },
    [FOLLOW_NACKED] = {
        [EVENT_OFFER] = offer_while_nacked,
        [EVENT_NEWER] = newer_while_nacked,
        [EVENT_SAME] = settle,
        [EVENT_FOREIGN] = diverge_by_head,
        [EVENT_TICK] = retry,
    },
    [FOLLOW_DIVERGED] = {
        [EVENT_OFFER] = refuse_offer,
        [EVENT_NEWER] = ask_again,
        [EVENT_SAME] = settle,
        [EVENT_FOREIGN] = diverge_by_head,
    },
};
/* clang-format on */

static bool is_problem(enum follow_state s)
{
    return s == FOLLOW_NACKED || s == FOLLOW_DIVERGED;
}

static void fire(struct follow *f, enum follow_event event, const struct news *n)
{
    enum follow_state before = f->state;
    if (table[before][event] == NULL)
        return;
    f->state = table[before][event](f, n);
    if (f->state == before)
        return;
    log_debug("cluster", "%s -> %s version=%" PRId64, state_names[before], state_names[f->state],
              f->running.version);
    if (is_problem(f->state) || is_problem(before))
        f->env->changed(f->arg);
}

/* ---- events ------------------------------------------------------------------------------- */

static bool holds(const struct follow *f, int64_t version, struct slice hash)
{
    return f->held.prepared != NULL && f->held.version == version &&
           slice_eq(hash, slice_str(f->held.hash));
}

/* The head as it is for us. */
static struct cluster_head_beat own_head(const struct follow *f, const struct cluster_head_beat *b)
{
    struct cluster_head_beat own = *b;
    if (is_passed(f, b->version, b->hash)) {
        own.version--;
        own.hash = own.version > 0 ? slice_str(f->passed.parent) : SLICE_EMPTY;
    }
    return own;
}

static struct news news_of(void *source, int64_t version, struct slice hash, bool is_pending)
{
    struct news n = {.source = source, .want = {.version = version, .is_pending = is_pending}};
    snprintf(n.want.hash, sizeof n.want.hash, "%.*s", SLICE_ARG(hash));
    return n;
}

/* A push beside or below what runs belongs to another history. */
static void refuse_foreign(struct follow *f, const struct cluster_prepare *p)
{
    struct error e;
    char hash[CANON_HASH_LEN + 1];
    snprintf(hash, sizeof hash, "%.*s", SLICE_ARG(p->hash));
    if (strcmp(hash, f->running.hash) == 0)
        return; /* very late */
    error_set(&e, ERROR_CONFLICT,
              "This node runs version %" PRId64 " %.12s already; version %" PRId64
              " is of another history.",
              f->running.version, f->running.hash, p->version);
    f->env->prepared(f->arg, p->version, hash, &e);
}

void follow_prepare(struct follow *f, void *source, const struct cluster_prepare *p)
{
    struct news n = news_of(source, p->version, p->hash, true);
    n.prepare = p;
    if (p->version > f->running.version)
        fire(f, EVENT_OFFER, &n);
    else
        refuse_foreign(f, p);
}

void follow_activate(struct follow *f, void *source, const struct cluster_decision *d)
{
    struct news n = news_of(source, d->version, d->hash, false);
    if (holds(f, d->version, d->hash))
        fire(f, EVENT_GO, &n);
    else if (d->version > f->running.version && !is_passed(f, d->version, d->hash))
        fire(f, EVENT_NEWER, &n);
}

void follow_abort(struct follow *f, const struct cluster_decision *d)
{
    char why[300];
    snprintf(why, sizeof why, "%.*s", SLICE_ARG(d->reason));
    if (holds(f, d->version, d->hash))
        fire(f, EVENT_DROP,
             &(struct news){.why = why[0] != '\0' ? why : "the push was taken back"});
}

/* The leader's head is not on our way. */
static void foreign(struct follow *f, const struct cluster_head_beat *b)
{
    struct error e;
    error_set(&e, ERROR_CONFLICT,
              "The coordinator's head is version %" PRId64 " %.*s; this node runs version %" PRId64
              " %.12s of another history.",
              b->version, b->hash.len >= 12 ? 12 : 0, b->hash.ptr, f->running.version,
              f->running.hash);
    fire(f, EVENT_FOREIGN, &(struct news){.error = &e});
}

/* The head is what runs: is there a push, and is it the one we hold? */
static void compare_pending(struct follow *f, void *source, const struct cluster_head_beat *b)
{
    struct news n = news_of(source, b->pending, b->pending_hash, true);
    fire(f, EVENT_SAME, &n);
    if (!b->leader)
        return;
    if (f->held.prepared != NULL && !holds(f, b->pending, b->pending_hash))
        fire(f, EVENT_DROP, &(struct news){.why = "the leader no longer speaks of it"});
    if (b->pending > f->running.version && f->held.prepared == NULL &&
        strcmp(n.want.hash, f->unfit) != 0 && !is_passed(f, b->pending, b->pending_hash))
        fire(f, EVENT_PENDING, &n);
}

void follow_head(struct follow *f, void *source, const struct cluster_head_beat *beat)
{
    const struct cluster_head_beat own = own_head(f, beat), *b = &own;
    struct news n = news_of(source, b->version, b->hash, false);
    bool same = b->version == f->running.version && slice_eq(b->hash, slice_str(f->running.hash));
    if (holds(f, b->version, b->hash))
        fire(f, EVENT_GO, &n);
    else if (same)
        compare_pending(f, source, b);
    else if (b->version > f->running.version)
        fire(f, EVENT_NEWER, &n);
    else if (b->leader)
        foreign(f, b);
}

void follow_fetched(struct follow *f, struct slice record)
{
    fire(f, EVENT_FETCHED, &(struct news){.record = record});
}

void follow_fetch_failed(struct follow *f, const struct error *e)
{
    fire(f, EVENT_FAILED, &(struct news){.error = e});
}

void follow_tick(struct follow *f)
{
    fire(f, EVENT_TICK, &(struct news){.why = NULL});
}

/* ---- life --------------------------------------------------------------------------------- */

struct follow *follow_create(const struct follow_env *env, void *arg, const char *node)
{
    struct follow *f = calloc(1, sizeof *f);
    if (f == NULL)
        return NULL;
    f->env = env;
    f->arg = arg;
    f->node = node;
    return f;
}

void follow_destroy(struct follow **f)
{
    struct follow *it = *f;
    *f = NULL;
    if (it == NULL)
        return;
    let_go(it, "the node stops");
    held_commit_release(&it->running);
    held_commit_release(&it->refused);
    free(it);
}

void follow_drop(struct follow *f, const char *why)
{
    fire(f, EVENT_DROP, &(struct news){.why = why});
}

void follow_start(struct follow *f, struct slice record, struct model *m, int64_t version,
                  const char *hash)
{
    struct held_commit h = {.version = version, .model = model_ref(m)};
    struct error e;
    snprintf(h.hash, sizeof h.hash, "%s", hash);
    buf_append_slice(&h.record, record);
    if (build(f, &h, &e) != 0) {
        f->state = nack(f, &h, &e);
        return;
    }
    f->env->activate(f->arg, h.prepared);
    h.prepared = NULL;
    buf_fini(&h.record);
    f->running = h;
    log_info("cluster", "serving the last known good version=%" PRId64 " hash=%.12s", version,
             hash);
}

int64_t follow_version(const struct follow *f)
{
    return f->running.version;
}

const char *follow_hash(const struct follow *f)
{
    return f->running.hash;
}

struct model *follow_model(const struct follow *f)
{
    return f->running.model;
}

enum follow_state follow_state(const struct follow *f)
{
    return f->state;
}

const char *follow_problem(const struct follow *f)
{
    return is_problem(f->state) ? f->problem.text : "";
}
