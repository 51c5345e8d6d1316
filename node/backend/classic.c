/* Requests are collected during a turn of the loop and handed to ZeroMQ together at its end: the
 * I/O thread is woken once, not once per request. What ZeroMQ does not take (nobody connected,
 * high-water mark) stays in the same queue, in order. */

#include "node/backend/classic.h"

#include "node/backend/backend_post.h"
#include "node/backend/handler_socket.h"
#include "proto/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NOTICES_MOST = 10000 };

enum request_state { REQUEST_NONE, REQUEST_WAITING, REQUEST_SENT };

struct classic {
    struct backend base;
    struct handler_socket_user push;
    struct handler_socket_user sub;
    struct list waiting; /* of struct backend_request, oldest first */
    unsigned waiting_count;
    struct backend_limits limits;
    struct list notices; /* of struct notice: no client waits for them */
    unsigned notice_count;
    struct loop_task flush;
    struct ev_timer expiry;
};

struct notice {
    struct list link;
    zmq_msg_t message;
};

static struct classic *of(struct backend *b)
{
    return container_of(b, struct classic, base);
}

static void leave_queue(struct classic *k, struct backend_request *r)
{
    list_remove(&r->link);
    k->waiting_count--;
    k->base.figures.queued_now = k->waiting_count;
    r->state = REQUEST_NONE;
}

static void refuse(struct classic *k, struct backend_request *r, int status)
{
    leave_queue(k, r);
    zmq_msg_close(&r->message);
    zmq_msg_init(&r->message);
    r->failed(r, status);
}

static void refuse_full(struct classic *k, struct backend_request *r)
{
    k->base.figures.refused++;
    k->base.set->counters->pool_queue_full++;
    refuse(k, r, 503);
}

/* The queue is in order of arrival and all wait equally long, so one timer for its head is enough.
 */
static void arm_expiry(struct classic *k)
{
    struct ev_loop *ev = k->base.set->loop->ev;
    ev_timer_stop(ev, &k->expiry);
    if (list_is_empty(&k->waiting))
        return;
    struct backend_request *r = container_of(k->waiting.next, struct backend_request, link);
    uint64_t due_us = r->queued_us + k->limits.queue_timeout_ms * 1000ull,
             now_us = k->base.set->loop->now_us;
    ev_timer_set(&k->expiry, due_us > now_us ? (double)(due_us - now_us) / 1e6 + 0.001 : 0.001, 0);
    ev_timer_start(ev, &k->expiry);
}

static void on_expiry(struct ev_loop *ev, struct ev_timer *t, int events)
{
    (void)ev, (void)events;
    struct classic *k = container_of(t, struct classic, expiry);
    uint64_t now_us = k->base.set->loop->now_us;
    while (!list_is_empty(&k->waiting)) {
        struct backend_request *r = container_of(k->waiting.next, struct backend_request, link);
        if (r->queued_us + k->limits.queue_timeout_ms * 1000ull > now_us)
            break;
        k->base.set->counters->pool_queue_timeouts++;
        k->base.figures.timed_out++;
        refuse(k, r, 503);
    }
    arm_expiry(k);
}

static bool send_waiting(struct classic *k)
{
    while (!list_is_empty(&k->waiting)) {
        struct backend_request *r = container_of(k->waiting.next, struct backend_request, link);
        if (evzmq_send(&k->push.socket->events, &r->message, 0) != 0)
            return false;
        leave_queue(k, r);
        zmq_msg_init(&r->message);
        if (r->one_way) {
            backend_post_delivered(r);
            continue;
        }
        r->state = REQUEST_SENT;
        backend_request_taken(r);
    }
    return true;
}

static bool send_notices(struct classic *k)
{
    while (!list_is_empty(&k->notices)) {
        struct notice *n = container_of(k->notices.next, struct notice, link);
        if (evzmq_send(&k->push.socket->events, &n->message, 0) != 0)
            return false;
        list_remove(&n->link);
        k->notice_count--;
        free(n);
    }
    return true;
}

/* Within a turn more may come together than may wait: it is only now that ZeroMQ has not taken
 * them. The latest are refused. */
static void refuse_excess(struct classic *k)
{
    while (k->waiting_count > k->limits.queue)
        refuse_full(k, container_of(k->waiting.prev, struct backend_request, link));
}

static void on_flush(struct loop_task *task)
{
    struct classic *k = container_of(task, struct classic, flush);
    bool all = send_waiting(k) && send_notices(k);
    refuse_excess(k);
    handler_socket_want(&k->push, !all);
    if (!all && !list_is_empty(&k->waiting) && !ev_is_active(&k->expiry))
        arm_expiry(k);
}

static void on_writable(struct handler_socket_user *u)
{
    struct classic *k = container_of(u, struct classic, push);
    on_flush(&k->flush);
}

static void classic_send(struct backend *b, struct backend_request *r)
{
    struct classic *k = of(b);
    r->backend = b;
    r->state = REQUEST_WAITING;
    r->queued_us = b->set->loop->now_us;
    list_push_back(&k->waiting, &r->link);
    k->waiting_count++;
    b->figures.requests++;
    b->figures.queued_now = k->waiting_count;
    loop_at_turn_end(b->set->loop, &k->flush);
}

/* The bound holds for what ZeroMQ did not take; within one turn more may come together. */
static bool is_queue_full(const struct classic *k)
{
    return k->waiting_count >= k->limits.queue && k->push.wants_ready;
}

static void classic_send_bounded(struct backend *b, struct backend_request *r)
{
    struct classic *k = of(b);
    bool full = is_queue_full(k);
    classic_send(b, r);
    if (full)
        refuse_full(k, r);
}

static void classic_done(struct backend *b, struct backend_request *r)
{
    if (r->state == REQUEST_WAITING) {
        leave_queue(of(b), r);
        zmq_msg_close(&r->message);
        zmq_msg_init(&r->message);
    }
    r->state = REQUEST_NONE;
}

static void classic_limit(struct backend *b, const struct backend_limits *limits)
{
    of(b)->limits = *limits;
    arm_expiry(of(b));
}

static bool classic_part(struct backend *b, struct backend_request *first,
                         struct backend_poster *poster, zmq_msg_t *message)
{
    return backend_post(b, poster, first->conn_id, message) == 0;
}

static void classic_notice(struct backend *b, zmq_msg_t *message)
{
    struct classic *k = of(b);
    struct notice *n = k->notice_count < NOTICES_MOST ? malloc(sizeof *n) : NULL;
    if (n == NULL) {
        zmq_msg_close(message);
        return;
    }
    zmq_msg_init(&n->message);
    zmq_msg_move(&n->message, message);
    zmq_msg_close(message);
    list_push_back(&k->notices, &n->link);
    k->notice_count++;
    b->set->counters->disconnect_notices++;
    loop_at_turn_end(b->set->loop, &k->flush);
}

/* Each frame counts as a reply of its own, as upstream reads multi-frame messages. */
static void on_reply(struct handler_socket_user *u)
{
    struct classic *k = container_of(u, struct classic, sub);
    struct evzmq *z = &u->socket->events;
    struct backend_upcall *up = &k->base.set->upcall;
    zmq_msg_t message;
    zmq_msg_init(&message);
    while (evzmq_recv(z, &message)) {
        k->base.figures.replies++;
        up->reply(up->arg, &k->base, &message);
    }
    zmq_msg_close(&message);
}

static void classic_destroy(struct backend *b)
{
    struct classic *k = of(b);
    for (struct list *it; (it = list_pop_front(&k->notices)) != NULL;) {
        struct notice *n = container_of(it, struct notice, link);
        zmq_msg_close(&n->message);
        free(n);
    }
    while (!list_is_empty(&k->waiting)) /* only posts: whoever waits for an answer holds us */
        refuse(k, container_of(k->waiting.next, struct backend_request, link), 503);
    loop_task_cancel(&k->flush);
    ev_timer_stop(b->set->loop->ev, &k->expiry);
    handler_socket_leave(&k->push);
    handler_socket_leave(&k->sub);
    free(k);
}

static const struct backend_ops classic_ops = {
    .kind = "classic",
    .send = classic_send_bounded,
    .done = classic_done,
    .part = classic_part,
    .notice = classic_notice,
    .limit = classic_limit,
    .destroy = classic_destroy,
};

static int open_pair(struct classic *k, const struct classic_options *o, struct error *e)
{
    struct backends *s = k->base.set;
    k->push.on_ready = on_writable;
    k->sub.on_ready = on_reply;
    if (handler_socket_join(&k->push, s, ZMQ_PUSH, o->send_spec, o->identity, e) != 0)
        return -1;
    return handler_socket_join(&k->sub, s, ZMQ_SUB, o->recv_spec, NULL, e);
}

static struct backend *classic_create(struct backends *s, const char *name,
                                      const struct classic_options *o, struct error *e)
{
    struct classic *k = calloc(1, sizeof *k);
    if (k == NULL || backend_enter(s, &k->base, &classic_ops, name) != 0) {
        free(k);
        error_set(e, ERROR_NO_MEMORY, "Out of memory.");
        return NULL;
    }
    list_init(&k->waiting);
    list_init(&k->notices);
    k->limits = o->limits;
    loop_task_init(&k->flush, on_flush);
    ev_timer_init(&k->expiry, on_expiry, 0, 0);
    if (open_pair(k, o, e) != 0 ||
        (s->cluster_uuid[0] != '\0' && classic_subscribe(&k->base, s->cluster_uuid, e) != 0)) {
        backend_unref(&k->base);
        return NULL;
    }
    return &k->base;
}

struct backend *classic_get(struct backends *s, const struct classic_options *o, struct error *e)
{
    char name[256];
    if (snprintf(name, sizeof name, "classic %s %s", o->send_spec, o->recv_spec) >=
        (int)sizeof name) {
        error_set(e, ERROR_INVALID, "The handler endpoints %s and %s are too long.", o->send_spec,
                  o->recv_spec);
        return NULL;
    }
    struct backend *b = backend_find(s, name);
    return b != NULL ? b : classic_create(s, name, o, e);
}

int classic_subscribe(struct backend *b, const char *ident, struct error *e)
{
    return handler_socket_subscribe(of(b)->sub.socket, ident, e);
}

void classic_unsubscribe(struct backend *b, const char *ident)
{
    handler_socket_unsubscribe(of(b)->sub.socket, ident);
}

void classic_join_cluster(struct backends *s, const char *uuid)
{
    struct error e;
    if (strcmp(s->cluster_uuid, uuid) == 0)
        return;
    for (struct map_entry *it = map_first(&s->by_name); it != NULL; it = map_next(it)) {
        struct backend *b = map_value(it);
        if (b->ops != &classic_ops)
            continue;
        if (s->cluster_uuid[0] != '\0')
            classic_unsubscribe(b, s->cluster_uuid);
        if (classic_subscribe(b, uuid, &e) != 0)
            log_error("handler", "%s does not take messages to the cluster: %s", b->name, e.text);
    }
    snprintf(s->cluster_uuid, sizeof s->cluster_uuid, "%s", uuid);
}
