/* A push must not be freed in its own callbacks, so its timer puts it away, or the next push does.
 */

#include "coordinator/push_run.h"

#include "proto/base/log.h"
#include "proto/wire/cluster_update.h"

#include <inttypes.h>
#include <stdio.h>

enum { TICK_MS = 50 };

void outcome_key(uint64_t version, char out[OUTCOME_KEY_LEN + 1])
{
    snprintf(out, OUTCOME_KEY_LEN + 1, "%020" PRIu64, version);
}

/* ---- what the push needs ------------------------------------------------------------------ */

static void publish_prepare(struct coordinator *c, const struct commit *commit)
{
    struct cluster_update u;
    struct buf record = BUF_INIT, b = BUF_INIT;
    commit_encode(commit, &record);
    cluster_update_init(&u, UPDATE_PREPARE);
    u.prepare = (struct cluster_prepare){.token = c->leader.token,
                                         .version = (int64_t)commit->version,
                                         .hash = slice_str(commit->hash),
                                         .commit = buf_slice(&record)};
    cluster_update_encode(&b, &u);
    if (record.failed || b.failed)
        log_error("push", "out of memory: the commit was not published version=%" PRIu64,
                  commit->version); /* the nodes stay silent and the push is taken back */
    else
        publisher_send(&c->publisher, SLICE(CLUSTER_TOPIC_COMMIT), buf_slice(&b));
    buf_fini(&record);
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
        if (member_is_live(member_of(it)))
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

/* The verdict beside the commit, for the log. The commit itself never changes. */
static void keep_outcome(struct coordinator *c, const struct push_result *r)
{
    char key[OUTCOME_KEY_LEN + 1];
    struct buf b = BUF_INIT;
    size_t dict = tns_open(&b);
    tns_put_pair_str(&b, "verdict", push_verdict_name(r->verdict));
    tns_put_pair_int(&b, "nodes", (int64_t)r->nodes);
    tns_put_pair_int(&b, "ready", (int64_t)r->ready);
    tns_put_pair_int(&b, "refused", (int64_t)r->refused);
    tns_put_pair_int(&b, "applied", (int64_t)r->applied);
    tns_put_pair_int(&b, "ms", r->ms);
    tns_close_dict(&b, dict);
    outcome_key(r->commit->version, key);
    if (!b.failed && store_put(c->store, STORE_OUTCOME, slice_str(key), buf_slice(&b),
                               c->leader.token, on_outcome_kept, c, NULL) != 0)
        log_warn("push", "out of memory: its outcome is not in the log");
    buf_fini(&b);
}

static void env_finished(void *arg, const struct push_result *r)
{
    struct coordinator *c = arg;
    const struct commit *commit = r->commit;
    bool is_head = r->verdict == PUSH_APPLIED || r->verdict == PUSH_STORED;
    if (is_head)
        keep_outcome(c, r);
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
    coordinator_beat(c); /* nothing is pending any more */
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
    c->push_model = model_ref(model);
    c->counters.pushes++;
    ev_timer_start(c->loop, &c->push_tick);
    push_start(c->push);
    return 0;
}
