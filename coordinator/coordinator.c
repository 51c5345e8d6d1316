/* Wiring: sockets to verbs, members to the directory and to the push, the push to the store. Each
 * part declares what it needs of the others (members_ops, push_env); this file is what they get. */

#include "coordinator/coordinator.h"

#include "coordinator/pools.h"
#include "coordinator/push_run.h"
#include "coordinator/verbs.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/uuid.h"
#include "proto/wire/cluster_update.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POOLS_DELAY_MS = 50 };

/* ---- requests ----------------------------------------------------------------------------- */

static void on_request(void *arg, const struct client *from, const struct cluster_request *r)
{
    verb_find(r->verb)(arg, from, r);
}

static void on_own(void *arg, const struct client *to, struct slice message)
{
    struct coordinator *c = arg;
    page_take_answer(&c->page, to, message);
}

static int admit(void *arg, const struct client *from, struct cluster_request *r, struct error *e)
{
    struct coordinator *c = arg;
    return access_check(&c->access, from, r, e);
}

static void on_answer(void *arg, const struct client *from, struct slice message)
{
    struct coordinator *c = arg;
    if (access_may_answer(&c->access, from))
        forward_answer(&c->forward, message);
}

/* ---- updates ------------------------------------------------------------------------------ */

void coordinator_beat(struct coordinator *c)
{
    struct cluster_update u;
    struct buf b = BUF_INIT, orders = BUF_INIT;
    if (!c->is_ready)
        return;
    cluster_update_init(&u, UPDATE_BEAT);
    u.beat = (struct cluster_head_beat){.cluster = slice_str(c->cluster),
                                        .name = slice_str(c->config.name),
                                        /* not before it has read what it leads */
                                        .leader = c->leader.is_leader && !c->is_stale,
                                        .token = c->leader.token,
                                        .version = (int64_t)c->head.at.version,
                                        .interval_ms = MEMBER_BEAT_MS};
    if (c->head.at.version > 0)
        u.beat.hash = slice_str(c->head.at.hash);
    if (c->push != NULL && push_is_pending(c->push)) {
        u.beat.pending = (int64_t)push_commit(c->push)->version;
        u.beat.pending_hash = slice_str(push_commit(c->push)->hash);
    }
    if (c->leader.is_leader && c->orders.seq > 0) {
        orders_put(&c->orders, &orders, clock_wall_ms());
        u.beat.orders_seq = c->orders.seq;
        u.beat.orders = buf_slice(&orders);
    }
    if (c->leader.is_leader)
        u.beat.keys_seq = c->access.keys.seq;
    u.beat.tickets_seq = c->ticket_keys.seq;
    cluster_update_encode(&b, &u);
    if (!b.failed && !orders.failed)
        publisher_send(&c->publisher, SLICE(CLUSTER_TOPIC_BEAT), buf_slice(&b));
    buf_fini(&orders);
    buf_fini(&b);
}

bool coordinator_is_settled(const struct coordinator *c)
{
    return c->is_ready && clock_monotonic_ms() >= c->settled_ms;
}

/* Nothing is said before the nodes have had time to report: workers would drop those missing. */
static void publish_pool(struct coordinator *c, struct slice topic)
{
    struct buf b = BUF_INIT;
    if (!coordinator_is_settled(c))
        return;
    pools_update(&b, &c->members, slice_from(topic, strlen(CLUSTER_TOPIC_POOL)));
    if (!b.failed)
        publisher_send(&c->publisher, topic, buf_slice(&b));
    buf_fini(&b);
}

static void on_subscribe(void *arg, struct slice topic)
{
    struct coordinator *c = arg;
    if (slice_eq(topic, SLICE(CLUSTER_TOPIC_BEAT)))
        coordinator_beat(c);
    else if (slice_starts_with(topic, SLICE(CLUSTER_TOPIC_POOL)))
        publish_pool(c, topic);
}

static bool may_hear(void *arg, struct slice key, struct slice topic)
{
    struct coordinator *c = arg;
    return access_may_hear(&c->access, key, topic);
}

static void on_reopening(void *arg)
{
    struct coordinator *c = arg;
    access_unwatch_updates(&c->access);
}

static void on_reopened(void *arg)
{
    struct coordinator *c = arg;
    struct error e;
    if (access_watch_updates(&c->access, c->loop, c->zmq, c->publisher.socket, &e) != 0)
        log_error("access", "%s", e.text);
}

static const struct publisher_ops plain_updates = {.on_subscribe = on_subscribe};
static const struct publisher_ops keyed_updates = {.on_subscribe = on_subscribe,
                                                   .may_hear = may_hear,
                                                   .reopening = on_reopening,
                                                   .reopened = on_reopened};

void coordinator_cut_updates(struct coordinator *c)
{
    publisher_reopen(&c->publisher);
}

static void publish_pools(struct coordinator *c)
{
    for (struct map_entry *it = map_first(&c->publisher.topics); it != NULL; it = map_next(it))
        if (slice_starts_with(map_key(it), SLICE(CLUSTER_TOPIC_POOL)))
            publish_pool(c, map_key(it));
}

static void on_pools_tick(struct ev_loop *loop, ev_timer *w, int revents)
{
    (void)loop, (void)revents;
    publish_pools(container_of(w, struct coordinator, pools_tick));
}

/* A thousand nodes that join at once are a few publications, not a thousand. */
static void publish_pools_soon(struct coordinator *c)
{
    if (ev_is_active(&c->pools_tick))
        return;
    ev_timer_set(&c->pools_tick, (double)POOLS_DELAY_MS / 1000, 0.0);
    ev_timer_start(c->loop, &c->pools_tick);
}

/* ---- members ------------------------------------------------------------------------------ */

static void on_changed(void *arg, struct member *m, enum member_state before, const char *why)
{
    struct coordinator *c = arg;
    events_add(&c->events, "node", m->name, m->version, "%s -> %s%s%s", member_state_name(before),
               member_state_name(m->state), why[0] != '\0' ? ": " : "", why);
}

static void on_moved(void *arg, struct member *m)
{
    (void)m;
    publish_pools_soon(arg);
}

/* An empty message means nothing to a node; that it can be sent means that there is one. */
static bool is_connected(void *arg, const struct peer *peer)
{
    struct coordinator *c = arg;
    return requests_send_peer(&c->requests, peer, SLICE_EMPTY);
}

static const struct members_ops members_ops = {on_changed, on_moved, is_connected};

/* ---- the head ----------------------------------------------------------------------------- */

static void fail_start(struct coordinator *c, const struct error *e)
{
    c->failure = *e;
    ev_break(c->loop, EVBREAK_ALL);
}

/* The head was read, or (at version 0) there is none: requests may come. */
static void loaded(struct coordinator *c, bool is_new)
{
    struct error e;
    bool is_news = is_new || c->is_stale;
    c->loading = false;
    c->is_stale = false;
    error_clear(&c->store_problem);
    if (c->is_ready) {
        if (is_news)
            coordinator_beat(c);
        return;
    }
    c->settled_ms = clock_monotonic_ms() +
                    (c->head.at.version > 0 ? (uint64_t)c->config.settle_ms : 0);
    if (requests_start(&c->requests, &e) != 0) {
        fail_start(c, &e);
        return;
    }
    c->is_ready = true;
    orders_load(c);
    keys_tick(c);
    coordinator_beat(c);
    c->on_ready(c->ready_arg);
}

static int head_set(struct head *h, const struct commit *commit, struct model *model,
                    struct error *e)
{
    struct buf record = BUF_INIT;
    char *scope = strndup(commit->scope.ptr, commit->scope.len);
    commit_encode(commit, &record);
    if (record.failed || scope == NULL) {
        buf_fini(&record);
        free(scope);
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    }
    buf_fini(&h->record);
    free(h->scope);
    h->scope = scope;
    model_unref(h->model);
    h->record = record;
    h->model = model_ref(model);
    h->at.version = commit->version;
    memcpy(h->at.hash, commit->hash, sizeof h->at.hash);
    memcpy(h->config_hash, commit->config_hash, sizeof h->config_hash);
    return 0;
}

static int head_change(struct coordinator *c, const struct commit *commit, struct model *model,
                       struct error *e)
{
    if (head_set(&c->head, commit, model, e) != 0)
        return -1;
    canary_head_changed(c);
    return 0;
}

uint64_t coordinator_version_for(const struct coordinator *c, struct slice node)
{
    bool is_meant = c->head.scope == NULL || commit_is_meant_for(slice_str(c->head.scope), node);
    return c->head.at.version - (is_meant ? 0 : 1);
}

static void tell_problem(struct coordinator *c, const struct error *e)
{
    static struct log_limit limit;
    if (c->store_problem.code != e->code && e->code == ERROR_CONFLICT)
        events_add(&c->events, "coordinator", "", (int64_t)c->head.at.version, "%s", e->text);
    c->store_problem = *e;
    log_limited(&limit, LOG_ERROR_LEVEL, "store", "the head could not be read: %s", e->text);
}

static bool may_come_later(enum error_code code)
{
    return code == ERROR_UNREACHABLE || code == ERROR_TIMEOUT || code == ERROR_REFUSED;
}

static void load_failed(struct coordinator *c, const struct error *e)
{
    c->loading = false;
    c->is_stale = true; /* the tick tries again */
    if (c->is_ready || may_come_later(e->code))
        tell_problem(c, e);
    else
        fail_start(c, e);
}

static void on_head_commit(void *arg, const struct store_result *r)
{
    struct coordinator *c = arg;
    struct model *model = NULL;
    struct error e = r->error;
    if (e.code != ERROR_NONE || canon_decode(&model, r->commits[0].config, &e) != 0 ||
        head_change(c, &r->commits[0], model, &e) != 0)
        load_failed(c, &e);
    else
        loaded(c, true);
    model_unref(model);
}

static void on_checked(void *arg, const struct error *result)
{
    struct coordinator *c = arg;
    struct error e = *result;
    if (e.code != ERROR_NONE || store_get(c->store, c->found, on_head_commit, c, &e) != 0)
        load_failed(c, &e);
}

/* A chain that has lost the head which was acknowledged, or has another commit in its place, is not
 * followed: somebody has to look at the store. */
static void on_head(void *arg, const struct store_result *r)
{
    struct coordinator *c = arg;
    struct error e = r->error;
    const struct store_head *known = &c->head.at;
    if (e.code != ERROR_NONE) {
        load_failed(c, &e);
        return;
    }
    memcpy(c->cluster, r->cluster, sizeof c->cluster);
    c->found = r->head.version;
    if (r->head.version == known->version && strcmp(r->head.hash, known->hash) == 0)
        loaded(c, false);
    else if (chain_check_start(&c->chain, c->store, &r->head, known, on_checked, c, &e) != 0)
        load_failed(c, &e);
}

static void load_head(struct coordinator *c)
{
    struct error e;
    if (c->loading || (c->push != NULL && push_state(c->push) != PUSH_DONE))
        return;
    c->loading = true;
    if (store_head(c->store, on_head, c, &e) != 0)
        load_failed(c, &e);
}

/* ---- push --------------------------------------------------------------------------------- */

void coordinator_push_committed(struct coordinator *c, const struct commit *commit)
{
    struct error e;
    if (head_change(c, commit, c->push_model, &e) != 0)
        c->is_stale = true; /* the store has it; the tick reads it */
    coordinator_beat(c);
}

bool coordinator_leads(struct coordinator *c, const struct client *client)
{
    struct error e;
    if (c->leader.is_leader && !c->is_stale)
        return true;
    if (c->leader.is_leader)
        error_set(&e, ERROR_REFUSED, "Nothing can be changed now: %s",
                  c->store_problem.code != ERROR_NONE ? c->store_problem.text
                                                      : "the store has not answered yet.");
    else
        error_set(&e, ERROR_REFUSED, "This coordinator is not the leader%s%s.",
                  c->leader.endpoint[0] != '\0' ? ", that is " : "; nobody is known to be",
                  c->leader.endpoint);
    requests_send_error(&c->requests, client, &e, c->leader.is_leader ? NULL : c->leader.endpoint);
    return false;
}

static void on_leader_change(void *arg, const char *why)
{
    struct coordinator *c = arg;
    events_add(&c->events, "coordinator", "", (int64_t)c->head.at.version, "%s %s: %s",
               c->config.name, c->leader.is_leader ? "leads" : "does not lead", why);
    if (!c->leader.is_leader && c->push != NULL)
        push_abort(c->push, "The coordinator has lost its lease.", NULL);
    if (c->is_ready && c->leader.is_leader) /* others may have changed the store */
        c->is_stale = c->orders_stale = c->keys_stale = true;
    coordinator_beat(c);
}

/* ---- time --------------------------------------------------------------------------------- */

static void on_tick(struct ev_loop *loop, ev_timer *w, int revents)
{
    struct coordinator *c = container_of(w, struct coordinator, tick);
    uint64_t now = clock_monotonic_ms();
    (void)loop, (void)revents;
    leader_tick(&c->leader, now);
    load_head(c); /* a leader too: a store that has forgotten is to be noticed before a push is */
    orders_tick(c);
    keys_tick(c);
    tickets_tick(c);
    canary_tick(c);
    coordinator_effect_tick(c, false);
    members_tick(&c->members, now);
    events_tick(&c->events, now);
    forward_tick(&c->forward, now);
    page_tick(&c->page);
    coordinator_beat(c);
    if (!c->told_settled && coordinator_is_settled(c)) {
        c->told_settled = true;
        publish_pools_soon(c);
    }
}

/* ---- life --------------------------------------------------------------------------------- */

/* What a socket was bound to, as others can reach it. */
static int advertise(const struct coordinator *c, const char *bound, char out[ENDPOINT_MAX],
                     struct error *e)
{
    char via[ENDPOINT_MAX];
    const char *host = c->config.advertise;
    if (host == NULL) {
        snprintf(out, ENDPOINT_MAX, "%s", bound);
        return 0;
    }
    if (host[0] == '\0' || host[strcspn(host, " \t/*")] != '\0' ||
        snprintf(via, sizeof via, strchr(host, ':') != NULL ? "tcp://[%s]:1" : "tcp://%s:1",
                 host) >= (int)sizeof via ||
        endpoint_check(via, ENDPOINT_CONNECT, NULL) != 0)
        return error_set(e, ERROR_USAGE, "-advertise takes a host, not \"%s\".", host);
    return endpoint_resolve(slice_str(bound), via, out, e);
}

static int open_parts(struct coordinator *c, struct error *e)
{
    const struct coordinator_config *config = &c->config;
    if (uuid_generate(c->boot, e) != 0 || store_open(&c->store, config->store, c->loop, e) != 0)
        return -1;
    c->zmq = zmq_ctx_new();
    if (c->zmq == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    zmq_ctx_set(c->zmq, ZMQ_MAX_SOCKETS, 65535);
    bool has_keys = config->security.keys != NULL;
    c->requests_security = c->updates_security = config->security;
    c->requests_security.zap_domain = ACCESS_REQUESTS;
    c->updates_security.zap_domain = ACCESS_UPDATES;
    if (access_open(&c->access, c->loop, c->zmq, has_keys, e) != 0 ||
        requests_open(&c->requests, c->loop, c->zmq, config->listen, &c->requests_security,
                      config->message_max, e) != 0 ||
        publisher_open(&c->publisher, c->loop, c->zmq, config->publish, &c->updates_security,
                       has_keys ? &keyed_updates : &plain_updates, c, e) != 0 ||
        access_watch(&c->access, c->loop, c->zmq, c->requests.socket, c->publisher.socket, e) !=
            0 ||
        advertise(c, c->requests.endpoint, c->requests_at, e) != 0 ||
        advertise(c, c->publisher.endpoint, c->updates_at, e) != 0)
        return -1;
    if (events_init(&c->events, &c->requests, e) != 0)
        return -1;
    return page_open(&c->page, config->http, e);
}

int coordinator_create(struct coordinator **out, struct ev_loop *loop,
                       const struct coordinator_config *config, struct error *e)
{
    struct coordinator *c = calloc(1, sizeof *c);
    if (c == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    c->loop = loop;
    c->config = *config;
    if (c->config.lease_ms == 0)
        c->config.lease_ms = LEASE_TTL_MS;
    if (c->config.message_max == 0)
        c->config.message_max = CLUSTER_MESSAGE_MAX;
    memcpy(c->head.at.hash, COMMIT_NO_PARENT, sizeof c->head.at.hash);
    c->requests.admit = admit;
    c->requests.on_request = on_request;
    c->requests.on_own = on_own;
    c->requests.on_answer = on_answer;
    c->requests.arg = c;
    members_init(&c->members, &members_ops, c);
    orders_init(&c->orders);
    forward_init(&c->forward, &c->requests);
    page_init(&c->page, c);
    ev_init(&c->tick, on_tick);
    ev_init(&c->pools_tick, on_pools_tick);
    coordinator_push_init(c);
    if (open_parts(c, e) != 0) {
        coordinator_destroy(&c);
        return -1;
    }
    leader_init(&c->leader, c->store, c->boot, c->requests_at, c->config.lease_ms, on_leader_change,
                c);
    *out = c;
    return 0;
}

void coordinator_start(struct coordinator *c, void (*on_ready)(void *arg), void *arg)
{
    c->on_ready = on_ready;
    c->ready_arg = arg;
    leader_tick(&c->leader, clock_monotonic_ms());
    load_head(c);
    ev_timer_set(&c->tick, MEMBER_BEAT_MS / 1000.0, MEMBER_BEAT_MS / 1000.0);
    ev_timer_start(c->loop, &c->tick);
}

void coordinator_destroy(struct coordinator **c)
{
    struct coordinator *it = *c;
    *c = NULL;
    if (it == NULL)
        return;
    ev_timer_stop(it->loop, &it->tick);
    ev_timer_stop(it->loop, &it->pools_tick);
    if (it->push != NULL)
        push_abort(it->push, "The coordinator is being stopped.", NULL);
    if (it->store != NULL)
        leader_resign(&it->leader);
    store_close(&it->store); /* answers what it still owes, an append included */
    coordinator_push_fini(it);
    forward_fini(&it->forward); /* answers */
    page_fini(&it->page);
    access_unwatch(&it->access);
    requests_close(&it->requests);
    publisher_close(&it->publisher);
    access_close(&it->access);
    ticket_keys_wipe(&it->ticket_keys);
    events_fini(&it->events);
    members_fini(&it->members);
    orders_fini(&it->orders);
    if (it->zmq != NULL)
        zmq_ctx_term(it->zmq);
    buf_fini(&it->head.record);
    free(it->head.scope);
    model_unref(it->head.model);
    free(it);
}
