/* At any time the agent runs one commit, may hold one that is prepared, and may be fetching one.
 * The rules of docs/reference/cluster-protocol.md ("What a node does with them") are the functions
 * on_prepare, on_activate, on_abort and on_beat; everything they decide ends in hold(),
 * activate_held() or drop_held(). */

#include "node/cluster/agent.h"

#include "node/cluster/beat.h"
#include "node/cluster/coordinator_link.h"
#include "node/cluster/last_good.h"
#include "node/cluster/state_dir.h"
#include "proto/base/clock.h"
#include "proto/base/list.h"
#include "proto/base/log.h"
#include "proto/base/uuid.h"
#include "proto/link/evwork.h"
#include "proto/model/commit.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    LINKS_MOST = 16,
    FETCH_MS = 30000,
    RETRY_MS = 10000, /* a commit that could not be applied is tried again after this */
    FIRST_INTERVAL_MS = 1000,
    POOLS_MOST = 256
};

/* A commit in our hands: the record, the model and what the node made of it. */
struct held {
    int64_t version; /* 0: none */
    char hash[CANON_HASH_LEN + 1];
    struct buf record;
    struct model *model;
    void *prepared;
};

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
    struct coordinator_link *links[LINKS_MOST];
    size_t link_count;
    struct ev_timer beat_timer;
    struct beat beat;
    int64_t interval_ms;
    struct held held;
    struct model *running; /* a reference; NULL before the first commit */
    int64_t version;
    char hash[CANON_HASH_LEN + 1];
    int64_t token; /* the highest fencing token seen */
    bool fetching;
    bool diverged;
    bool nacked;
    uint64_t retry_at_ms;
    uint64_t last_beat_ms; /* of any coordinator; 0: none yet */
    bool silence_told;
    struct error problem; /* why nacked or diverged */
    char cluster[40];
    char boot[UUID_LEN + 1];
    char host[256];
    struct slice addresses[16];
    struct slice pools[POOLS_MOST];
};

/* --- saying things --- */

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
    if (a->diverged)
        return CONDITION_DIVERGED;
    if (a->nacked)
        return CONDITION_NACKED;
    return c->is_draining ? CONDITION_DRAINING : CONDITION_READY;
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
    r.beat.version = a->version;
    r.beat.hash = slice_str(a->hash);
    r.beat.condition = (int)condition_of(a, &counters);
    if (a->nacked || a->diverged)
        r.beat.error = slice_str(a->problem.text);
    beat_fill(&a->beat, &counters, &r.beat);
    post_all(a, &r);
}

static void watch_silence(struct agent *a)
{
    if (a->last_beat_ms == 0 || a->silence_told)
        return;
    uint64_t silent_ms = clock_monotonic_ms() - a->last_beat_ms;
    if (silent_ms < 3 * (uint64_t)a->interval_ms)
        return;
    a->silence_told = true;
    log_warn("cluster", "no coordinator has been heard for %llu ms; serving on with version=%lld",
             (unsigned long long)silent_ms, (long long)a->version);
}

static void on_beat_timer(struct ev_loop *ev, struct ev_timer *t, int events)
{
    (void)ev, (void)events;
    struct agent *a = container_of(t, struct agent, beat_timer);
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

/* --- the commit in hand --- */

static void held_release(struct held *h)
{
    model_unref(h->model);
    buf_fini(&h->record);
    *h = (struct held){.version = 0};
}

static void drop_held(struct agent *a, const char *why)
{
    if (a->held.version == 0)
        return;
    log_info("cluster", "dropped what was prepared: %s version=%lld", why,
             (long long)a->held.version);
    a->ops->discard(a->arg, a->held.prepared);
    held_release(&a->held);
}

static bool holds(const struct agent *a, int64_t version, struct slice hash)
{
    return version > 0 && a->held.version == version && slice_eq(hash, slice_str(a->held.hash));
}

/* Our history must contain theirs: the successor of what we run names it as its parent. */
static int check_chain(struct agent *a, const struct commit *c, struct error *e)
{
    bool successor = a->version > 0 && (int64_t)c->version == a->version + 1;
    if (!successor || strcmp(c->parent, a->hash) == 0)
        return 0;
    return error_set(
        e, ERROR_CONFLICT,
        "Version %llu continues another history than version %lld that this node runs.",
        (unsigned long long)c->version, (long long)a->version);
}

static int decode_commit(struct agent *a, struct slice record, struct held *h, struct error *e)
{
    struct arena arena;
    struct commit c;
    arena_init(&arena, 0);
    int result = commit_decode(&c, record, &arena, e);
    if (result == 0)
        result = commit_verify(&c, e);
    if (result == 0)
        result = check_chain(a, &c, e);
    if (result == 0)
        result = canon_decode(&h->model, c.config, e);
    if (result == 0) {
        h->version = (int64_t)c.version;
        snprintf(h->hash, sizeof h->hash, "%s", c.hash);
        buf_append_slice(&h->record, record);
        if (h->record.failed)
            result = error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    }
    arena_fini(&arena);
    return result;
}

/* Builds a commit beside the running one; it is then held. */
static int hold(struct agent *a, struct slice record, struct error *e)
{
    struct held h = {.version = 0};
    drop_held(a, "another takes its place");
    int result = decode_commit(a, record, &h, e);
    if (result == 0)
        result = a->ops->prepare(a->arg, h.model, h.version, h.hash, &h.prepared, e);
    if (result == 0)
        a->held = h;
    else
        held_release(&h);
    return result;
}

static void log_refusal(int64_t version, const struct error *problem)
{
    log_error("cluster", "version %lld refused: %s%s%s", (long long)version, problem->object,
              problem->object[0] != '\0' ? ": " : "", problem->text);
}

/* --- the last known good --- */

static void on_save_run(struct evwork_job *job)
{
    struct save *s = container_of(job, struct save, job);
    s->result = last_good_write(&s->agent->dir, buf_slice(&s->record), s->model, &s->error);
}

static void save_free(struct save *s)
{
    model_unref(s->model);
    buf_fini(&s->record);
    free(s);
}

static void on_save_done(struct evwork_job *job)
{
    struct save *s = container_of(job, struct save, job);
    if (s->result != 0)
        log_error("cluster", "version %lld runs, but the last known good was not written: %s",
                  (long long)s->version, s->error.text);
    acknowledge(s->agent, CLUSTER_APPLIED, s->version, s->hash, s->result != 0 ? &s->error : NULL);
    save_free(s);
}

static void save_running(struct agent *a, struct buf *record)
{
    struct save *s = calloc(1, sizeof *s);
    if (s == NULL) {
        struct error e;
        error_set(&e, ERROR_NO_MEMORY, "Out of memory: the last known good was not written.");
        acknowledge(a, CLUSTER_APPLIED, a->version, a->hash, &e);
        return;
    }
    s->job.run = on_save_run;
    s->job.done = on_save_done;
    s->agent = a;
    s->record = *record;
    *record = BUF_INIT;
    s->model = model_ref(a->running);
    s->version = a->version;
    snprintf(s->hash, sizeof s->hash, "%s", a->hash);
    evwork_submit(a->work, &s->job);
}

static void activate_held(struct agent *a)
{
    struct held h = a->held;
    a->held = (struct held){.version = 0};
    a->ops->activate(a->arg, h.prepared);
    model_unref(a->running);
    a->running = h.model;
    a->version = h.version;
    snprintf(a->hash, sizeof a->hash, "%s", h.hash);
    a->nacked = a->diverged = false;
    log_info("cluster", "serving version=%lld hash=%.12s", (long long)a->version, a->hash);
    save_running(a, &h.record);
    buf_fini(&h.record);
    agent_described(a);
}

/* --- fetching --- */

static void nack(struct agent *a, int64_t version, const struct error *e)
{
    a->nacked = e->code != ERROR_CONFLICT;
    a->diverged = e->code == ERROR_CONFLICT;
    a->problem = *e;
    a->retry_at_ms = clock_monotonic_ms() + RETRY_MS;
    log_refusal(version, e);
    send_beat(a);
}

static void on_fetched(void *arg, const struct cluster_reply *reply, const struct error *e)
{
    struct agent *a = arg;
    struct error problem;
    a->fetching = false;
    if (reply == NULL) {
        log_warn("cluster", "could not fetch the head: %s", e->text);
        return;
    }
    if (reply->kind == REPLY_ERROR) {
        cluster_reply_error(reply, &problem);
        nack(a, 0, &problem);
        return;
    }
    int64_t version = cluster_table_int(&reply->table, 0, "version");
    if (version <= a->version)
        return;
    if (hold(a, cluster_table_text(&reply->table, 0, "commit"), &problem) == 0)
        activate_held(a);
    else
        nack(a, version, &problem);
}

static void fetch_head(struct agent *a, struct coordinator_link *l)
{
    struct cluster_request r;
    struct error e;
    if (a->fetching || clock_monotonic_ms() < a->retry_at_ms)
        return;
    cluster_request_init(&r, CLUSTER_GET);
    r.get.have = a->version;
    r.get.have_hash = slice_str(a->hash);
    if (coordinator_link_call(l, &r, FETCH_MS, on_fetched, a, &e) == 0)
        a->fetching = true;
}

/* --- updates --- */

static bool is_stale(struct agent *a, int64_t token)
{
    if (token < a->token)
        return true;
    a->token = token;
    return false;
}

static void on_prepare(struct agent *a, const struct cluster_prepare *p)
{
    struct error e;
    if (is_stale(a, p->token) || p->version <= a->version)
        return;
    char hash[CANON_HASH_LEN + 1];
    snprintf(hash, sizeof hash, "%.*s", SLICE_ARG(p->hash));
    if (holds(a, p->version, p->hash)) {
        acknowledge(a, CLUSTER_PREPARED, p->version, hash, NULL);
    } else if (hold(a, p->commit, &e) == 0) {
        log_info("cluster", "prepared version=%lld hash=%.12s", (long long)p->version, hash);
        acknowledge(a, CLUSTER_PREPARED, p->version, hash, NULL);
    } else {
        log_refusal(p->version, &e);
        acknowledge(a, CLUSTER_PREPARED, p->version, hash, &e);
    }
}

static void on_activate(struct agent *a, struct coordinator_link *l,
                        const struct cluster_decision *d)
{
    if (is_stale(a, d->token))
        return;
    if (holds(a, d->version, d->hash))
        activate_held(a);
    else if (d->version > a->version)
        fetch_head(a, l);
}

static void on_abort(struct agent *a, const struct cluster_decision *d)
{
    if (is_stale(a, d->token) || !holds(a, d->version, d->hash))
        return;
    char why[256];
    snprintf(why, sizeof why, "%.*s", SLICE_ARG(d->reason));
    drop_held(a, why[0] != '\0' ? why : "the push was taken back");
}

static void say_diverged(struct agent *a, const struct cluster_head_beat *b)
{
    if (a->diverged)
        return;
    a->diverged = true;
    error_set(&a->problem, ERROR_CONFLICT,
              "The coordinator's head is version %lld %.12s; this node runs version %lld %.12s of "
              "another history.",
              (long long)b->version, b->hash.len >= 12 ? b->hash.ptr : "", (long long)a->version,
              a->hash);
    log_error("cluster", "%s Serving on what it has.", a->problem.text);
    send_beat(a);
}

/* The beat is the truth: whatever was missed shows here. */
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
    bool same = b->version == a->version && slice_eq(b->hash, slice_str(a->hash));
    if (b->version > a->version) {
        if (holds(a, b->version, b->hash))
            activate_held(a);
        else
            fetch_head(a, l);
    } else if (!same && b->leader) {
        say_diverged(a, b);
    } else if (same) {
        a->diverged = a->nacked = false;
    }
    if (b->leader && a->held.version != 0 && !holds(a, b->pending, b->pending_hash))
        drop_held(a, "the leader no longer speaks of it");
}

static void on_update(void *arg, struct coordinator_link *l, const struct cluster_update *u)
{
    struct agent *a = arg;
    switch (u->kind) {
    case UPDATE_PREPARE: on_prepare(a, &u->prepare); break;
    case UPDATE_ACTIVATE: on_activate(a, l, &u->decision); break;
    case UPDATE_ABORT: on_abort(a, &u->decision); break;
    case UPDATE_BEAT: on_head_beat(a, l, &u->beat); break;
    default: break; /* pools concern workers */
    }
}

/* --- membership --- */

static void on_joined(void *arg, struct coordinator_link *l, const char *cluster,
                      int64_t interval_ms)
{
    struct agent *a = arg;
    (void)l;
    if (strcmp(a->cluster, cluster) != 0) {
        snprintf(a->cluster, sizeof a->cluster, "%s", cluster);
        if (a->ops->cluster != NULL)
            a->ops->cluster(a->arg, a->cluster);
    }
    set_interval(a, interval_ms);
    send_beat(a);
}

static size_t split_words(const char *words, struct slice *out, size_t most)
{
    size_t count = 0;
    while (count < most) {
        words += strspn(words, " ");
        size_t len = strcspn(words, " ");
        if (len == 0)
            break;
        out[count++] = slice_of(words, len);
        words += len;
    }
    return count;
}

static size_t list_pools(const struct agent *a, struct slice *out, size_t most)
{
    size_t count = 0;
    for (size_t i = 0;
         a->running != NULL && i < model_count(a->running, TABLE_HANDLER) && count < most; i++) {
        struct slice pool = row_text(model_row(a->running, TABLE_HANDLER, i), HANDLER_POOL);
        bool known = pool.len == 0;
        for (size_t j = 0; j < count && !known; j++)
            known = slice_eq(out[j], pool);
        if (!known)
            out[count++] = pool;
    }
    return count;
}

static void fill_join(void *arg, struct cluster_join *j)
{
    struct agent *a = arg;
    struct agent_description d = {.handler = "", .control = "", .addresses = ""};
    a->ops->describe(a->arg, &d);
    j->uuid = slice_str(a->dir.uuid);
    j->boot = slice_str(a->boot);
    j->name = slice_str(a->config.node);
    j->server = slice_str(a->config.server);
    j->host = slice_str(a->host);
    j->pid = getpid();
    j->program = SLICE("mongrel2 " M2_VERSION);
    j->addresses = (struct field_strings){a->addresses, split_words(d.addresses, a->addresses, 16)};
    j->handler = slice_str(d.handler);
    j->control = slice_str(d.control);
    j->pools = (struct field_strings){a->pools, list_pools(a, a->pools, POOLS_MOST)};
    j->cluster = slice_str(a->cluster);
    j->version = a->version;
    j->hash = slice_str(a->hash);
}

void agent_described(struct agent *a)
{
    for (size_t i = 0; i < a->link_count; i++)
        coordinator_link_join(a->links[i]);
}

/* --- requests of the coordinator --- */

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

static int answer_order(struct agent *a, const struct cluster_request *r, struct buf *out,
                        struct error *e)
{
    static const char *const headers[] = {"order", "state", NULL};
    struct cluster_table_writer w;
    if (a->ops->order(a->arg, &r->order, e) != 0)
        return -1;
    cluster_table_begin(&w, out, r->seq, NULL, headers);
    cluster_row_begin(&w);
    tns_put_str(out, cluster_order_words[r->order.kind]);
    tns_put_str(out, "done");
    cluster_row_end(&w);
    cluster_table_end(&w);
    return 0;
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
    else if (result == 0 && r.verb == CLUSTER_ORDER && a->ops->order != NULL)
        result = answer_order(a, &r, &out, &e);
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

/* --- life --- */

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
    if (gethostname(a->host, sizeof a->host - 1) != 0)
        snprintf(a->host, sizeof a->host, "unknown");
    const char *list = config->coordinators;
    char spec[ENDPOINT_MAX];
    int result = 0;
    while (result == 0 && endpoint_next(&list, spec))
        result = endpoint_check(spec, ENDPOINT_CONNECT, e);
    if (result != 0 || uuid_generate(a->boot, e) != 0 ||
        state_dir_open(&a->dir, config->state_dir, config->uuid, e) != 0) {
        agent_destroy(out);
        return -1;
    }
    return 0;
}

static void start_from_last_good(struct agent *a)
{
    struct last_good good;
    struct error e;
    void *prepared;
    if (last_good_read(&a->dir, &good, &e) != 0) {
        log_error("cluster", "the last known good can't be used: %s", e.text);
        a->nacked = true;
        a->problem = e;
        return;
    }
    if (good.model == NULL) {
        log_info("cluster", "no configuration yet: waiting for a coordinator");
        return;
    }
    if (a->ops->prepare(a->arg, good.model, good.version, good.hash, &prepared, &e) != 0) {
        log_refusal(good.version, &e);
        a->nacked = true;
        a->problem = e;
        model_unref(good.model);
        return;
    }
    a->ops->activate(a->arg, prepared);
    a->running = good.model;
    a->version = good.version;
    snprintf(a->hash, sizeof a->hash, "%s", good.hash);
    log_info("cluster", "serving the last known good version=%lld hash=%.12s",
             (long long)a->version, a->hash);
}

int agent_start(struct agent *a, void *zmq, struct error *e)
{
    const char *list = a->config.coordinators;
    char spec[ENDPOINT_MAX];
    if (evwork_create(&a->work, a->loop, e) != 0)
        return -1;
    start_from_last_good(a);
    while (a->link_count < LINKS_MOST && endpoint_next(&list, spec)) {
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
    post_all(a, &r);
    ev_timer_stop(a->loop, &a->beat_timer);
    if (a->held.version != 0)
        drop_held(a, "the node stops");
    evwork_destroy(&a->work);
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
    model_unref(a->running);
    state_dir_close(&a->dir);
    free(a);
}

const char *agent_uuid(const struct agent *a)
{
    return a->dir.uuid;
}

const char *agent_cluster(const struct agent *a)
{
    return a->cluster;
}

int64_t agent_version(const struct agent *a)
{
    return a->version;
}

const char *agent_hash(const struct agent *a)
{
    return a->hash;
}

const char *agent_state(const struct agent *a)
{
    if (a->diverged)
        return "diverged";
    if (a->nacked)
        return "nacked";
    if (a->held.version != 0)
        return "prepared";
    return a->version > 0 ? "synced" : "empty";
}
