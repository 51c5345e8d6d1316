/* Wiring: the links to the coordinators on one side, following the head (follow.c) in the middle,
 * the node (struct agent_ops) and its disk on the other. What is decided here is only who is told
 * what: beats, acknowledgements and joins go to every coordinator. */

#include "node/cluster/agent.h"

#include "node/cluster/agent_join.h"
#include "node/cluster/beat.h"
#include "node/cluster/coordinator_link.h"
#include "node/cluster/follow.h"
#include "node/cluster/last_good.h"
#include "node/cluster/secrets.h"
#include "node/cluster/standing.h"
#include "node/cluster/state_dir.h"
#include "proto/base/clock.h"
#include "proto/base/failpoint.h"
#include "proto/base/list.h"
#include "proto/base/log.h"
#include "proto/base/uuid.h"
#include "proto/link/evwork.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINKS_MOST = 16, FETCH_MS = 30000, FIRST_INTERVAL_MS = 1000 };

/* Writing the last known good, off the loop; carries what it needs. */
struct save {
    struct evwork_job job;
    struct agent *agent;
    struct buf record;
    struct model *model;
    int64_t version;
    char hash[CANON_HASH_LEN + 1];
    int result;
    struct error error;
};

struct agent {
    struct ev_loop *loop;
    struct agent_config config;
    const struct agent_ops *ops;
    void *arg;
    struct state_dir dir;
    struct evwork *work;
    struct follow *follow;
    struct coordinator_link *links[LINKS_MOST];
    size_t link_count;
    struct ev_timer beat_timer;
    struct beat beat;
    struct standing standing; /* orders */
    struct secrets secrets;
    struct page_fetch page;
    struct agent_join join; /* what was last said of this node */
    int64_t interval_ms;
    int64_t token;         /* the highest fencing token seen */
    uint64_t last_beat_ms; /* of any coordinator; 0: none yet */
    bool silence_told;
    char cluster[UUID_LEN + 1]; /* "" until the first join */
    char boot[UUID_LEN + 1];
    char host[256];
};

/* ---- saying things ------------------------------------------------------------------------ */

static void post_all(struct agent *a, struct cluster_request *r)
{
    for (size_t i = 0; i < a->link_count; i++)
        coordinator_link_post(a->links[i], r);
}

static void acknowledge(struct agent *a, enum cluster_verb verb, int64_t version, const char *hash,
                        const struct error *problem)
{
    struct cluster_request r;
    cluster_request_init(&r, verb);
    r.ack.uuid = slice_str(a->dir.uuid);
    r.ack.version = version;
    r.ack.hash = slice_str(hash);
    r.ack.ok = problem == NULL;
    if (problem != NULL) {
        r.ack.code = slice_str(error_code_name(problem->code));
        r.ack.object = slice_str(problem->object);
        r.ack.error = slice_str(problem->text);
    }
    post_all(a, &r);
}

static enum cluster_condition condition_of(const struct agent *a, const struct beat_counters *c)
{
    switch (follow_state(a->follow)) {
    case FOLLOW_DIVERGED: return CONDITION_DIVERGED;
    case FOLLOW_NACKED: return CONDITION_NACKED;
    default: return c->is_draining ? CONDITION_DRAINING : CONDITION_READY;
    }
}

static void send_beat(struct agent *a)
{
    struct cluster_request r;
    struct beat_counters counters;
    memset(&counters, 0, sizeof counters);
    a->ops->counters(a->arg, &counters);
    cluster_request_init(&r, CLUSTER_BEAT);
    r.beat.uuid = slice_str(a->dir.uuid);
    r.beat.boot = slice_str(a->boot);
    r.beat.version = follow_version(a->follow);
    r.beat.hash = slice_str(follow_hash(a->follow));
    r.beat.condition = (int)condition_of(a, &counters);
    r.beat.error = slice_str(follow_problem(a->follow));
    r.beat.orders = a->standing.seq;
    beat_fill(&a->beat, &counters, &r.beat);
    post_all(a, &r);
}

/* ---- orders ------------------------------------------------------------------------------- */

static void do_orders(struct agent *a)
{
    struct standing_view v;
    struct error e;
    if (standing_view(&a->standing, a->config.node, clock_monotonic_ms(), &v, &e) != 0) {
        log_error("cluster", "orders are not followed: %s", e.text);
        return;
    }
    a->ops->orders(a->arg, v.drain, v.paused, v.paused_count);
    standing_view_fini(&v);
}

/* They change seldom, so the few bytes are written on the loop. */
static void take_orders(struct agent *a, const struct cluster_head_beat *b)
{
    static struct log_limit limit;
    struct error e;
    if (b->orders_seq == 0 || b->orders_seq == a->standing.seq)
        return;
    if (standing_take(&a->standing, b->orders_seq, b->orders, clock_monotonic_ms(), &e) != 0) {
        log_limited(&limit, LOG_ERROR_LEVEL, "cluster", "%s", e.text);
        return;
    }
    if (standing_save(&a->standing, &a->dir, clock_wall_ms(), &e) != 0)
        log_error("cluster", "the orders are followed, but not written: %s", e.text);
    do_orders(a);
    send_beat(a); /* somebody may be waiting for it */
}

static void recall_orders(struct agent *a)
{
    struct error e;
    if (standing_load(&a->standing, &a->dir, clock_wall_ms(), clock_monotonic_ms(), &e) != 0)
        log_error("cluster", "no orders are followed before a coordinator says them: %s", e.text);
    do_orders(a);
}

/* ---- time --------------------------------------------------------------------------------- */

static void watch_silence(struct agent *a)
{
    if (a->last_beat_ms == 0 || a->silence_told)
        return;
    uint64_t silent_ms = clock_monotonic_ms() - a->last_beat_ms;
    if (silent_ms < 3 * (uint64_t)a->interval_ms)
        return;
    a->silence_told = true;
    log_warn("cluster", "no coordinator has been heard for %llu ms; serving on with version=%lld",
             (unsigned long long)silent_ms, (long long)follow_version(a->follow));
}

static void on_beat_timer(struct ev_loop *ev, struct ev_timer *t, int events)
{
    struct agent *a = container_of(t, struct agent, beat_timer);
    (void)ev, (void)events;
    follow_tick(a->follow);
    if (standing_has_ended(&a->standing, clock_monotonic_ms()))
        do_orders(a);
    send_beat(a);
    watch_silence(a);
}

static void set_interval(struct agent *a, int64_t interval_ms)
{
    if (interval_ms < 50 || interval_ms > 60000)
        interval_ms = FIRST_INTERVAL_MS;
    if (interval_ms == a->interval_ms && ev_is_active(&a->beat_timer))
        return;
    a->interval_ms = interval_ms;
    ev_timer_stop(a->loop, &a->beat_timer);
    ev_timer_set(&a->beat_timer, (double)interval_ms / 1000.0, (double)interval_ms / 1000.0);
    ev_timer_start(a->loop, &a->beat_timer);
}

/* ---- the last known good ------------------------------------------------------------------ */

static void on_save_run(struct evwork_job *job)
{
    struct save *s = container_of(job, struct save, job);
    s->result = last_good_write(&s->agent->dir, buf_slice(&s->record), s->model, &s->error);
}

static void on_save_done(struct evwork_job *job)
{
    struct save *s = container_of(job, struct save, job);
    if (s->result != 0)
        log_error("cluster", "version %lld runs, but the last known good was not written: %s",
                  (long long)s->version, s->error.text);
    FAILPOINT("node.applied");
    acknowledge(s->agent, CLUSTER_APPLIED, s->version, s->hash, s->result != 0 ? &s->error : NULL);
    model_unref(s->model);
    buf_fini(&s->record);
    free(s);
}

static void save(struct agent *a, struct buf *record, struct model *m)
{
    struct save *s = calloc(1, sizeof *s);
    if (s == NULL) {
        struct error e;
        error_set(&e, ERROR_NO_MEMORY, "Out of memory: the last known good was not written.");
        acknowledge(a, CLUSTER_APPLIED, follow_version(a->follow), follow_hash(a->follow), &e);
        return;
    }
    s->job.run = on_save_run;
    s->job.done = on_save_done;
    s->agent = a;
    s->record = *record;
    *record = BUF_INIT;
    s->model = model_ref(m);
    s->version = follow_version(a->follow);
    snprintf(s->hash, sizeof s->hash, "%s", follow_hash(a->follow));
    evwork_submit(a->work, &s->job);
}

/* ---- what following the head needs -------------------------------------------------------- */

static int env_prepare(void *arg, struct model *m, int64_t version, const char *hash,
                       void **prepared, struct error *e)
{
    struct agent *a = arg;
    return a->ops->prepare(a->arg, m, version, hash, prepared, e);
}

static void env_activate(void *arg, void *prepared)
{
    struct agent *a = arg;
    a->ops->activate(a->arg, prepared);
}

static void env_discard(void *arg, void *prepared)
{
    struct agent *a = arg;
    a->ops->discard(a->arg, prepared);
}

static void env_applied(void *arg, struct buf *record, struct model *m)
{
    struct agent *a = arg;
    save(a, record, m);
    agent_described(a);
    send_beat(a);
}

static void env_prepared(void *arg, int64_t version, const char *hash, const struct error *problem)
{
    acknowledge(arg, CLUSTER_PREPARED, version, hash, problem);
}

static void on_fetched(void *arg, const struct cluster_reply *reply, const struct error *e)
{
    struct agent *a = arg;
    struct error problem;
    FAILPOINT("node.fetched");
    if (reply == NULL) {
        follow_fetch_failed(a->follow, e);
    } else if (reply->kind == REPLY_ERROR) {
        cluster_reply_error(reply, &problem);
        follow_fetch_failed(a->follow, &problem);
    } else {
        follow_fetched(a->follow, cluster_table_text(&reply->table, 0, "commit"));
    }
}

static int env_fetch(void *arg, void *source, const struct follow_want *want)
{
    struct agent *a = arg;
    struct cluster_request r;
    struct error e;
    cluster_request_init(&r, CLUSTER_GET);
    r.get.version = want->version; /* not simply the head: that may be meant for others */
    if (want->is_pending)
        r.get.hash = slice_str(want->hash);
    r.get.have = follow_version(a->follow);
    r.get.have_hash = slice_str(follow_hash(a->follow));
    return coordinator_link_call(source, &r, FETCH_MS, on_fetched, a, &e);
}

static void env_changed(void *arg)
{
    send_beat(arg);
}

static const struct follow_env follow_env = {env_prepare,  env_activate, env_discard, env_applied,
                                             env_prepared, env_fetch,    env_changed};

/* ---- updates ------------------------------------------------------------------------------ */

/* Of a leader that has been replaced nothing counts any more. */
static bool is_stale(struct agent *a, int64_t token)
{
    if (token < a->token)
        return true;
    a->token = token;
    return false;
}

static void on_head_beat(struct agent *a, struct coordinator_link *l,
                         const struct cluster_head_beat *b)
{
    a->last_beat_ms = clock_monotonic_ms();
    if (a->silence_told)
        log_info("cluster", "a coordinator is heard again coordinator=%s",
                 coordinator_link_spec(l));
    a->silence_told = false;
    if (b->leader && is_stale(a, b->token))
        return;
    if (b->leader) {
        take_orders(a, b);
        secrets_on_beat(&a->secrets, l, b);
    }
    follow_head(a->follow, l, b);
}

static void on_update(void *arg, struct coordinator_link *l, const struct cluster_update *u)
{
    struct agent *a = arg;
    switch (u->kind) {
    case UPDATE_PREPARE:
        if (!is_stale(a, u->prepare.token))
            follow_prepare(a->follow, l, &u->prepare);
        break;
    case UPDATE_ACTIVATE:
        if (!is_stale(a, u->decision.token))
            follow_activate(a->follow, l, &u->decision);
        break;
    case UPDATE_ABORT:
        if (!is_stale(a, u->decision.token))
            follow_abort(a->follow, &u->decision);
        break;
    case UPDATE_BEAT: on_head_beat(a, l, &u->beat); break;
    case UPDATE_POOL:
    case UPDATE_KIND_COUNT: break; /* pools concern workers */
    }
}

/* ---- membership --------------------------------------------------------------------------- */

/* Kept on disk, so that this node never follows another cluster by mistake. Once in its life it
 * writes a few bytes on the loop. */
static void learn_cluster(struct agent *a, const char *cluster)
{
    struct error e;
    if (strcmp(a->cluster, cluster) == 0)
        return;
    snprintf(a->cluster, sizeof a->cluster, "%s", cluster);
    if (state_dir_write(&a->dir, "cluster", a->cluster, strlen(a->cluster), &e) != 0)
        log_error("cluster", "%s", e.text);
    if (a->ops->cluster != NULL)
        a->ops->cluster(a->arg, a->cluster);
}

static void on_joined(void *arg, struct coordinator_link *l, const struct coordinator_joined *j)
{
    struct agent *a = arg;
    learn_cluster(a, j->cluster);
    set_interval(a, j->interval_ms);
    send_beat(a);
    /* The head in the answer is news like a beat's, but not the leader's own word. */
    struct cluster_head_beat b = {.version = j->version, .hash = slice_str(j->hash)};
    if (j->version > follow_version(a->follow))
        follow_head(a->follow, l, &b);
}

static void fill_join(void *arg, struct cluster_join *j)
{
    struct agent *a = arg;
    agent_join_fill(&a->join, j);
    j->uuid = slice_str(a->dir.uuid);
    j->boot = slice_str(a->boot);
    j->name = slice_str(a->config.node);
    j->server = slice_str(a->config.server);
    j->host = slice_str(a->host);
    j->pid = getpid();
    j->program = SLICE("mongrel2 " M2_VERSION);
    j->cluster = slice_str(a->cluster);
    j->version = follow_version(a->follow);
    j->hash = slice_str(follow_hash(a->follow));
}

void agent_described(struct agent *a)
{
    struct agent_description d = {.handler = "", .control = "", .addresses = ""};
    a->ops->describe(a->arg, &d);
    if (!agent_join_update(&a->join, &d, follow_model(a->follow), a->config.server))
        return;
    for (size_t i = 0; i < a->link_count; i++)
        coordinator_link_join(a->links[i]);
}

/* ---- requests of the coordinator ---------------------------------------------------------- */

static void answer_control(struct agent *a, const struct cluster_request *r, struct buf *out)
{
    static const char *const headers[] = {"reply", NULL};
    struct buf reply = BUF_INIT;
    struct cluster_table_writer w;
    a->ops->control(a->arg, r->control.request, &reply);
    cluster_table_begin(&w, out, r->seq, NULL, headers);
    cluster_row_begin(&w);
    tns_put_string(out, buf_slice(&reply));
    cluster_row_end(&w);
    cluster_table_end(&w);
    buf_fini(&reply);
}

static void on_request(void *arg, struct coordinator_link *l, struct slice message)
{
    struct agent *a = arg;
    struct arena arena;
    struct cluster_request r;
    struct error e;
    struct buf out = BUF_INIT;
    arena_init(&arena, 0);
    int result = cluster_request_decode(&r, message, CLUSTER_MESSAGE_MAX, &arena, &e);
    if (result == 0 && r.verb == CLUSTER_CONTROL && a->ops->control != NULL)
        answer_control(a, &r, &out);
    else if (result == 0)
        result = error_set(&e, ERROR_UNSUPPORTED, "This node does not do that.");
    if (result != 0) {
        buf_clear(&out);
        cluster_error_put(&out, r.seq, &e, NULL);
    }
    if (!out.failed)
        coordinator_link_answer(l, buf_slice(&out));
    buf_fini(&out);
    arena_fini(&arena);
}

static const struct coordinator_link_ops link_ops = {
    .fill_join = fill_join,
    .joined = on_joined,
    .update = on_update,
    .request = on_request,
};

/* ---- life --------------------------------------------------------------------------------- */

static int check_config(const struct agent_config *config, struct error *e)
{
    const char *list = config->coordinators;
    char spec[ENDPOINT_MAX];
    size_t count = 0;
    for (; endpoint_next(&list, spec); count++)
        if (endpoint_check(spec, ENDPOINT_CONNECT, e) != 0)
            return -1;
    if (count == 0 || count > LINKS_MOST)
        return error_set(e, ERROR_USAGE, "Name 1 to %d coordinators, not %zu.", LINKS_MOST, count);
    if (!field_is_name(slice_str(config->node)))
        return error_set(e, ERROR_USAGE,
                         "\"%s\" is no name for a node: use 1 to 64 letters, digits or any of "
                         ". _ - : @",
                         config->node);
    return 0;
}

int agent_create(struct agent **out, struct ev_loop *loop, const struct agent_config *config,
                 const struct agent_ops *ops, void *arg, struct error *e)
{
    struct agent *a = calloc(1, sizeof *a);
    *out = a;
    if (a == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    a->loop = loop;
    a->config = *config;
    a->ops = ops;
    a->arg = arg;
    a->dir.lock_fd = -1;
    a->interval_ms = FIRST_INTERVAL_MS;
    ev_timer_init(&a->beat_timer, on_beat_timer, 1.0, 1.0);
    agent_join_init(&a->join);
    standing_init(&a->standing);
    secrets_init(&a->secrets, ops, arg, &a->dir, config->security.keys != NULL);
    if (gethostname(a->host, sizeof a->host - 1) != 0)
        snprintf(a->host, sizeof a->host, "unknown");
    a->follow = follow_create(&follow_env, a, a->config.node);
    int result = a->follow == NULL ? error_set(e, ERROR_NO_MEMORY, "Out of memory.") : 0;
    if (result != 0 || check_config(config, e) != 0 || uuid_generate(a->boot, e) != 0 ||
        state_dir_open(&a->dir, config->state_dir, config->uuid, e) != 0) {
        agent_destroy(out);
        return -1;
    }
    state_dir_read_uuid(&a->dir, "cluster", a->cluster);
    return 0;
}

static void start_from_last_good(struct agent *a)
{
    struct last_good good;
    struct error e;
    if (last_good_read(&a->dir, &good, &e) != 0) {
        log_error("cluster", "the last known good can't be used: %s", e.text);
        return;
    }
    if (good.model == NULL)
        log_info("cluster", "no configuration yet: waiting for a coordinator");
    else
        follow_start(a->follow, buf_slice(&good.record), good.model, good.version, good.hash);
    last_good_fini(&good);
}

int agent_start(struct agent *a, void *zmq, struct error *e)
{
    const char *list = a->config.coordinators;
    char spec[ENDPOINT_MAX];
    if (evwork_create(&a->work, a->loop, e) != 0)
        return -1;
    if (a->cluster[0] != '\0' && a->ops->cluster != NULL)
        a->ops->cluster(a->arg, a->cluster);
    secrets_recall(&a->secrets);
    start_from_last_good(a);
    recall_orders(a);
    agent_described(a);
    set_interval(a, FIRST_INTERVAL_MS);
    while (endpoint_next(&list, spec)) {
        if (coordinator_link_create(&a->links[a->link_count], a->loop, zmq, spec,
                                    &a->config.security, &link_ops, a, e) != 0)
            return -1;
        a->link_count++;
    }
    return 0;
}

void agent_stop(struct agent *a, const char *reason)
{
    struct cluster_request r;
    cluster_request_init(&r, CLUSTER_LEAVE);
    r.leave.uuid = slice_str(a->dir.uuid);
    r.leave.boot = slice_str(a->boot);
    r.leave.reason = slice_str(reason);
    ev_timer_stop(a->loop, &a->beat_timer);
    follow_drop(a->follow, "the node stops");
    evwork_destroy(&a->work); /* what runs is on disk, and acknowledged, before we leave */
    post_all(a, &r);
    while (a->link_count > 0)
        coordinator_link_destroy(&a->links[--a->link_count]);
}

void agent_destroy(struct agent **agent)
{
    struct agent *a = *agent;
    *agent = NULL;
    if (a == NULL)
        return;
    if (a->work != NULL || a->link_count > 0)
        agent_stop(a, "stopped");
    follow_destroy(&a->follow);
    agent_join_fini(&a->join);
    standing_fini(&a->standing);
    secrets_fini(&a->secrets);
    state_dir_close(&a->dir);
    free(a);
}

int agent_fetch_page(struct agent *a, page_fetched *done, void *arg, struct error *e)
{
    return page_fetch(&a->page, a->links, a->link_count, done, arg, e);
}

const char *agent_uuid(const struct agent *a)
{
    return a->dir.uuid;
}
