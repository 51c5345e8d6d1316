/* Order at (re)connection: hello tells where updates are published, then the subscription, then
 * join; a refused join or beat begins again from join after a pause. */

#include "node/cluster/coordinator_link.h"

#include "proto/base/arena.h"
#include "proto/base/list.h"
#include "proto/base/log.h"
#include "proto/link/evzmq.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_MS = 5000, UPDATE_BATCH = 64 };
static const double retry_s = 1.0;

struct coordinator_link {
    struct ev_loop *loop;
    void *zmq;
    const struct link_security *security;
    const struct coordinator_link_ops *ops;
    void *arg;
    struct caller_ev *caller;
    void *updates; /* SUB */
    struct evzmq events;
    struct ev_timer retry;
    struct log_limit complaint;
    bool greeted;
    bool joined;
    char updates_spec[ENDPOINT_MAX];
};

static void ask_again_later(struct coordinator_link *l)
{
    ev_timer_stop(l->loop, &l->retry);
    ev_timer_set(&l->retry, retry_s, 0);
    ev_timer_start(l->loop, &l->retry);
}

static void complain(struct coordinator_link *l, const char *what, const char *text)
{
    log_limited(&l->complaint, LOG_WARN_LEVEL, "cluster", "%s: %s coordinator=%s", what, text,
                caller_ev_spec(l->caller));
}

/* --- updates --- */

static void take_update(struct coordinator_link *l, struct slice bytes)
{
    struct arena arena;
    struct cluster_update u;
    struct error e;
    if (!l->joined)
        return; /* a coordinator that has not admitted us, of another cluster perhaps */
    arena_init(&arena, 0);
    if (cluster_update_decode(&u, bytes, CLUSTER_MESSAGE_MAX, &arena, &e) == 0)
        l->ops->update(l->arg, l, &u);
    else
        complain(l, "an update makes no sense", e.text);
    arena_fini(&arena);
}

static void on_updates(struct evzmq *z)
{
    struct coordinator_link *l = z->arg;
    zmq_msg_t message;
    zmq_msg_init(&message);
    while (evzmq_recv(z, &message)) {
        if (!zmq_msg_more(&message)) /* the topic alone says nothing new */
            take_update(l, slice_of(zmq_msg_data(&message), zmq_msg_size(&message)));
    }
    zmq_msg_close(&message);
}

static void close_updates(struct coordinator_link *l)
{
    if (l->updates == NULL)
        return;
    evzmq_stop(&l->events);
    zmq_close(l->updates);
    l->updates = NULL;
}

static int subscribe(struct coordinator_link *l, const char *spec, struct error *e)
{
    if (l->updates != NULL && strcmp(spec, l->updates_spec) == 0)
        return 0;
    close_updates(l);
    l->updates = zmq_socket(l->zmq, ZMQ_SUB);
    if (l->updates == NULL)
        return error_set(e, ERROR_IO, "Can't make a ZeroMQ socket: %s.", zmq_strerror(zmq_errno()));
    int linger_ms = 0, interval_ms = 2000, timeout_ms = 6000;
    zmq_setsockopt(l->updates, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    zmq_setsockopt(l->updates, ZMQ_HEARTBEAT_IVL, &interval_ms, sizeof interval_ms);
    zmq_setsockopt(l->updates, ZMQ_HEARTBEAT_TIMEOUT, &timeout_ms, sizeof timeout_ms);
    zmq_setsockopt(l->updates, ZMQ_SUBSCRIBE, CLUSTER_TOPIC_COMMIT, strlen(CLUSTER_TOPIC_COMMIT));
    zmq_setsockopt(l->updates, ZMQ_SUBSCRIBE, CLUSTER_TOPIC_BEAT, strlen(CLUSTER_TOPIC_BEAT));
    evzmq_init(&l->events, l->loop, l->updates, on_updates, NULL, l);
    l->events.batch = UPDATE_BATCH;
    if (endpoint_connect(l->updates, spec, l->security, e) != 0 ||
        evzmq_start(&l->events, EVZMQ_READABLE, e) != 0) {
        close_updates(l);
        return -1;
    }
    snprintf(l->updates_spec, sizeof l->updates_spec, "%s", spec);
    return 0;
}

/* --- hello and join --- */

static void on_joined(void *arg, const struct cluster_reply *reply, const struct error *e)
{
    struct coordinator_link *l = arg;
    if (reply == NULL || reply->kind == REPLY_ERROR) {
        struct error refusal;
        if (reply != NULL)
            cluster_reply_error(reply, &refusal);
        complain(l, "not admitted to the cluster", reply != NULL ? refusal.text : e->text);
        ask_again_later(l);
        return;
    }
    struct coordinator_joined j = {
        .version = cluster_table_int(&reply->table, 0, "version"),
        .interval_ms = cluster_table_int(&reply->table, 0, "interval_ms")};
    snprintf(j.cluster, sizeof j.cluster, "%.*s",
             SLICE_ARG(cluster_table_text(&reply->table, 0, "cluster")));
    snprintf(j.hash, sizeof j.hash, "%.*s",
             SLICE_ARG(cluster_table_text(&reply->table, 0, "hash")));
    if (!l->joined)
        log_info("cluster", "joined cluster=%s coordinator=%s", j.cluster,
                 caller_ev_spec(l->caller));
    l->joined = true;
    l->ops->joined(l->arg, l, &j);
}

void coordinator_link_join(struct coordinator_link *l)
{
    struct cluster_request r;
    struct error e;
    if (!l->greeted)
        return;
    cluster_request_init(&r, CLUSTER_JOIN);
    l->ops->fill_join(l->arg, &r.join);
    if (caller_ev_call(l->caller, &r, ANSWER_MS, on_joined, l, &e) != 0)
        ask_again_later(l);
}

static void on_hello(void *arg, const struct cluster_reply *reply, const struct error *e)
{
    struct coordinator_link *l = arg;
    struct error problem = {.text = "it refuses"};
    char spec[ENDPOINT_MAX];
    bool fine = reply != NULL && reply->kind == REPLY_TABLE &&
                endpoint_resolve(cluster_table_text(&reply->table, 0, "updates"),
                                 caller_ev_spec(l->caller), spec, &problem) == 0 &&
                subscribe(l, spec, &problem) == 0;
    if (!fine) {
        complain(l, "can't talk to the coordinator", reply != NULL ? problem.text : e->text);
        ask_again_later(l);
        return;
    }
    l->greeted = true;
    coordinator_link_join(l);
}

static void greet(struct coordinator_link *l)
{
    struct cluster_request r;
    struct error e;
    cluster_request_init(&r, CLUSTER_HELLO);
    r.hello.protocol = CLUSTER_PROTOCOL;
    r.hello.program = SLICE("mongrel2 " M2_VERSION);
    if (caller_ev_call(l->caller, &r, ANSWER_MS, on_hello, l, &e) != 0)
        ask_again_later(l);
}

static void on_retry(struct ev_loop *ev, struct ev_timer *t, int events)
{
    (void)ev, (void)events;
    struct coordinator_link *l = container_of(t, struct coordinator_link, retry);
    if (l->greeted)
        coordinator_link_join(l);
    else
        greet(l);
}

static void on_connected(void *arg)
{
    struct coordinator_link *l = arg;
    l->greeted = l->joined = false;
    greet(l);
}

static void on_denied(void *arg, const char *why)
{
    complain(arg, "the coordinator lets us not in", why);
}

/* The coordinator does not know us (any more): it was restarted, or we were silent for long. */
static void on_refused(void *arg, const struct cluster_reply *refusal)
{
    struct coordinator_link *l = arg;
    if (slice_eq(refusal->code, SLICE("NOT_FOUND"))) {
        l->greeted = l->joined = false;
        greet(l);
    } else {
        struct error e;
        cluster_reply_error(refusal, &e);
        complain(l, "the coordinator refused", e.text);
        if (e.code == ERROR_DENIED) { /* our key was revoked: we are cut off, and not yet let in */
            close_updates(l);
            l->greeted = l->joined = false;
            ask_again_later(l);
        }
    }
}

static void on_request(void *arg, struct slice message)
{
    struct coordinator_link *l = arg;
    l->ops->request(l->arg, l, message);
}

static const struct caller_ev_ops caller_ops = {
    .on_connected = on_connected,
    .on_denied = on_denied,
    .on_refused = on_refused,
    .on_request = on_request,
};

int coordinator_link_create(struct coordinator_link **out, struct ev_loop *loop, void *zmq,
                            const char *spec, const struct link_security *security,
                            const struct coordinator_link_ops *ops, void *arg, struct error *e)
{
    struct coordinator_link *l = calloc(1, sizeof *l);
    if (l == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    l->loop = loop;
    l->zmq = zmq;
    l->security = security;
    l->ops = ops;
    l->arg = arg;
    ev_timer_init(&l->retry, on_retry, retry_s, 0);
    if (caller_ev_create(&l->caller, loop, zmq, spec, security, &caller_ops, l, e) != 0) {
        free(l);
        return -1;
    }
    *out = l;
    return 0;
}

void coordinator_link_destroy(struct coordinator_link **link)
{
    struct coordinator_link *l = *link;
    *link = NULL;
    if (l == NULL)
        return;
    ev_timer_stop(l->loop, &l->retry);
    close_updates(l);
    caller_ev_destroy(&l->caller);
    free(l);
}

void coordinator_link_post(struct coordinator_link *l, struct cluster_request *r)
{
    struct error e;
    if (l->joined)
        caller_ev_post(l->caller, r, &e);
}

int coordinator_link_call(struct coordinator_link *l, struct cluster_request *r, int timeout_ms,
                          caller_ev_done *done, void *arg, struct error *e)
{
    return caller_ev_call(l->caller, r, timeout_ms, done, arg, e);
}

void coordinator_link_answer(struct coordinator_link *l, struct slice message)
{
    struct error e;
    if (caller_ev_answer(l->caller, message, &e) != 0)
        complain(l, "can't answer", e.text);
}

const char *coordinator_link_spec(const struct coordinator_link *l)
{
    return caller_ev_spec(l->caller);
}
