/* A push must not be freed in its own callbacks, so its timer puts it away, or the next push does.
 */

#include "coordinator/push_run.h"

#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/model/delta.h"
#include "proto/wire/cluster_update.h"

#include <inttypes.h>
#include <string.h>

enum { TICK_MS = 50 };

/* ---- what the push needs ------------------------------------------------------------------ */

/* A small change of a large configuration travels as the change. Nodes that do not run the parent
 * ask for the whole. False: the commit is better sent whole. */
static bool make_delta(const struct coordinator *c, const struct commit *commit, struct buf *out)
{
    struct error e;
    if (c->head.model == NULL || commit->version != c->head.at.version + 1 ||
        !commit_is_for_all(slice_str(c->head.scope))) /* the others run the one before */
        return false;
    bool is_made = delta_make(c->head.model, c->push_model, out, &e) == 0 && !out->failed;
    return is_made && out->len < commit->config.len / 2;
}

static void publish_prepare(struct coordinator *c, const struct commit *commit)
{
    struct cluster_update u;
    struct commit shipped = *commit;
    struct buf record = BUF_INIT, delta = BUF_INIT, b = BUF_INIT;
    bool is_delta = make_delta(c, commit, &delta);
    if (is_delta)
        shipped.config = SLICE_EMPTY;
    commit_encode(&shipped, &record);
    cluster_update_init(&u, UPDATE_PREPARE);
    u.prepare = (struct cluster_prepare){.token = c->leader.token,
                                         .version = (int64_t)commit->version,
                                         .hash = slice_str(commit->hash),
                                         .commit = buf_slice(&record),
                                         .delta = is_delta ? buf_slice(&delta) : SLICE_EMPTY};
    cluster_update_encode(&b, &u);
    log_info("push", "publishes version=%" PRIu64 " config_bytes=%zu sent_bytes=%zu%s",
             commit->version, commit->config.len, b.len, is_delta ? " delta" : "");
    if (record.failed || b.failed)
        log_error("push", "out of memory: the commit was not published version=%" PRIu64,
                  commit->version); /* the nodes stay silent and the push is taken back */
    else
        publisher_send(&c->publisher, SLICE(CLUSTER_TOPIC_COMMIT), buf_slice(&b));
    buf_fini(&record);
    buf_fini(&delta);
    buf_fini(&b);
}

static void publish_decision(struct coordinator *c, enum cluster_update_kind kind,
                             const struct commit *commit, const char *reason)
{
    struct cluster_update u;
    struct buf b = BUF_INIT;
    cluster_update_init(&u, kind);
    u.decision = (struct cluster_decision){.token = c->leader.token,
                                           .version = (int64_t)commit->version,
                                           .hash = slice_str(commit->hash),
                                           .reason = slice_str(reason)};
    cluster_update_encode(&b, &u);
    if (!b.failed)
        publisher_send(&c->publisher, SLICE(CLUSTER_TOPIC_COMMIT), buf_slice(&b));
    buf_fini(&b);
}

static void env_publish(void *arg, enum cluster_update_kind kind, const struct commit *commit,
                        const char *reason)
{
    if (kind == UPDATE_PREPARE)
        publish_prepare(arg, commit);
    else
        publish_decision(arg, kind, commit, reason);
}

static void env_electorate(void *arg, struct push *p)
{
    struct coordinator *c = arg;
    for (struct map_entry *it = map_first(&c->members.by_uuid); it != NULL; it = map_next(it))
        if (member_is_live(member_of(it)) &&
            commit_is_meant_for(push_commit(p)->scope, slice_str(member_of(it)->name)))
            push_add_voter(p, member_of(it)->uuid, member_of(it)->name);
}

static int env_append(void *arg, const struct commit *commit, store_done *done, void *done_arg,
                      struct error *e)
{
    struct coordinator *c = arg;
    return store_append(c->store, commit, c->leader.token, done, done_arg, e);
}

static void env_committed(void *arg, const struct commit *commit)
{
    coordinator_effect_tick(arg, true); /* of the one before: its time is over */
    coordinator_push_committed(arg, commit);
}

static void env_answer(void *arg, struct slice message)
{
    struct coordinator *c = arg;
    requests_send(&c->requests, &c->push_client, message);
}

static void on_outcome_kept(void *arg, const struct store_result *r)
{
    (void)arg;
    if (r->error.code != ERROR_NONE)
        log_warn("push", "its outcome is not in the log: %s", r->error.text);
}

void coordinator_keep_outcome(struct coordinator *c)
{
    char key[OUTCOME_KEY_LEN + 1];
    struct buf b = BUF_INIT;
    outcome_encode(&c->outcome, &b);
    outcome_key(c->outcome.version, key);
    if (b.failed || store_put(c->store, STORE_OUTCOME, slice_str(key), buf_slice(&b),
                              c->leader.token, on_outcome_kept, c, NULL) != 0)
        log_warn("push", "out of memory: its outcome is not in the log");
    buf_fini(&b);
}

void coordinator_effect_tick(struct coordinator *c, bool now)
{
    struct effect_figures after;
    uint64_t ms = clock_monotonic_ms() - c->effect.begun_ms;
    if (c->effect.version == 0 || (!now && ms < EFFECT_WATCH_MS) ||
        c->canary.phase == CANARY_WATCHED) /* which keeps it with its judgement */
        return;
    c->effect.version = 0;
    if (!c->leader.is_leader || c->outcome.version != c->head.at.version)
        return;
    effect_after(&c->members, slice_str(c->head.scope), &after);
    effect_text(&c->effect.before, &after, ms, c->outcome.effect);
    coordinator_keep_outcome(c);
}

/* The commit is in place: what it does is watched from here on. */
static void watch(struct coordinator *c, const struct push_result *r)
{
    c->outcome = outcome_of(r);
    coordinator_keep_outcome(c);
    effect_begin(&c->effect, &c->members, r->commit->version, r->commit->scope,
                 clock_monotonic_ms());
}

static void env_finished(void *arg, const struct push_result *r)
{
    struct coordinator *c = arg;
    const struct commit *commit = r->commit;
    bool is_head = r->verdict == PUSH_APPLIED || r->verdict == PUSH_STORED;
    if (is_head)
        watch(c, r);
    if (r->verdict == PUSH_UNKNOWN)
        c->is_stale = true;
    if (is_head || r->verdict == PUSH_DRY)
        c->counters.pushes_applied++;
    else
        c->counters.pushes_failed++;
    events_add(&c->events, "push", "", (int64_t)commit->version,
               "version %" PRIu64 " by %.*s: %s, %zu of %zu nodes ready, %zu applied%s%s",
               commit->version, SLICE_ARG(commit->who), push_verdict_name(r->verdict), r->ready,
               r->nodes, r->applied, r->error.text[0] != '\0' ? ": " : "", r->error.text);
    canary_push_ended(c, r);
    if (is_head && c->push_options.is_canary)
        canary_begin(c, &c->push_options);
    coordinator_beat(c); /* nothing is pending any more */
}

int coordinator_make_commit(const struct coordinator *c, struct slice config,
                            const struct cluster_author *author, struct slice scope,
                            struct commit *out, struct error *e)
{
    *out = (struct commit){.version = c->head.at.version + 1,
                           .config = config,
                           .who = author->who,
                           .where = author->where,
                           .how = author->how,
                           .why = author->why,
                           .when_ms = clock_wall_ms(),
                           .scope = scope};
    memcpy(out->parent, c->head.at.hash, sizeof out->parent);
    return commit_seal(out, e);
}

static const struct push_env env = {env_publish,   env_electorate, env_append,
                                    env_committed, env_answer,     env_finished};

/* ---- life --------------------------------------------------------------------------------- */

static void put_away(struct coordinator *c)
{
    ev_timer_stop(c->loop, &c->push_tick);
    push_destroy(&c->push);
    model_unref(c->push_model);
    c->push_model = NULL;
}

bool coordinator_is_pushing(struct coordinator *c)
{
    if (c->push != NULL && push_state(c->push) == PUSH_DONE)
        put_away(c);
    return c->push != NULL;
}

static void on_push_tick(struct ev_loop *loop, ev_timer *w, int revents)
{
    struct coordinator *c = container_of(w, struct coordinator, push_tick);
    (void)loop, (void)revents;
    if (coordinator_is_pushing(c))
        push_tick(c->push);
}

void coordinator_push_init(struct coordinator *c)
{
    ev_timer_init(&c->push_tick, on_push_tick, (double)TICK_MS / 1000, (double)TICK_MS / 1000);
}

void coordinator_push_fini(struct coordinator *c)
{
    if (c->push != NULL)
        put_away(c);
}

int coordinator_push(struct coordinator *c, const struct client *client,
                     const struct commit *commit, struct model *model,
                     const struct push_options *options, struct error *e)
{
    if (coordinator_is_pushing(c))
        return error_set(e, ERROR_CONFLICT,
                         "Another push (version %" PRIu64 " by %.*s) is running; look at it and "
                         "push again when it has ended.",
                         push_commit(c->push)->version, SLICE_ARG(push_commit(c->push)->who));
    struct push_options with = *options;
    with.seq = client->seq;
    with.settled_ms = c->settled_ms;
    c->push = push_create(commit, &with, &env, c, e);
    if (c->push == NULL)
        return -1;
    c->push_client = *client;
    c->push_options = with;
    c->push_model = model_ref(model);
    c->counters.pushes++;
    ev_timer_start(c->loop, &c->push_tick);
    push_start(c->push);
    return 0;
}
