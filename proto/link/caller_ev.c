/* ZMQ_IMMEDIATE makes "can send" mean "is connected", so that writability is the news of a
 * connection and EAGAIN that of its absence. */

#include "proto/link/caller_ev.h"

#include "proto/base/clock.h"
#include "proto/base/list.h"
#include "proto/link/evzmq.h"
#include "proto/link/handshakes.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    RECONNECT_MS = 100,
    RECONNECT_MAX_MS = 1000,
    HEARTBEAT_MS = 1000,
    HEARTBEAT_LOST_MS = 5000,
    REOPEN_MS = 1000
};

struct call {
    struct list link; /* in caller_ev.calls */
    int64_t seq;
    uint64_t deadline_ms;
    caller_ev_done *done;
    void *arg;
};

struct caller_ev {
    struct ev_loop *loop;
    void *zmq;
    const struct link_security *security;
    void *socket; /* NULL: could not be opened anew yet */
    struct evzmq z;
    struct handshakes handshakes;
    ev_timer deadline; /* of the earliest call */
    ev_timer reopen;   /* some time after a handshake was refused */
    const struct caller_ev_ops *ops;
    void *arg;
    char spec[ENDPOINT_MAX];
    int64_t seq;
    struct list calls;
    struct arena arena;
    struct buf out;
};

static void arm(struct caller_ev *c)
{
    uint64_t earliest = UINT64_MAX, now = clock_monotonic_ms();
    list_for_each (it, &c->calls) {
        struct call *call = container_of(it, struct call, link);
        if (call->deadline_ms < earliest)
            earliest = call->deadline_ms;
    }
    ev_timer_stop(c->loop, &c->deadline);
    if (earliest == UINT64_MAX)
        return;
    double wait_s = earliest > now ? (double)(earliest - now) / 1000.0 : 0.0;
    ev_timer_set(&c->deadline, wait_s + 0.001, 0.0);
    ev_timer_start(c->loop, &c->deadline);
}

static void finish(struct call *call, const struct cluster_reply *reply, const struct error *e)
{
    list_remove(&call->link);
    call->done(call->arg, reply, e);
    free(call);
}

/* `done` may add calls, so the list is walked anew after each. */
static struct call *first_overdue(struct caller_ev *c)
{
    uint64_t now = clock_monotonic_ms();
    list_for_each (it, &c->calls) {
        struct call *call = container_of(it, struct call, link);
        if (call->deadline_ms <= now)
            return call;
    }
    return NULL;
}

static void expire(struct caller_ev *c)
{
    struct error e;
    error_set(&e, ERROR_TIMEOUT, "The coordinator at %s has not answered in time.", c->spec);
    for (struct call *call; (call = first_overdue(c)) != NULL;)
        finish(call, NULL, &e);
    arm(c);
}

static void on_deadline(struct ev_loop *loop, ev_timer *w, int revents)
{
    (void)loop, (void)revents;
    expire(container_of(w, struct caller_ev, deadline));
}

static struct call *find_call(struct caller_ev *c, int64_t seq)
{
    list_for_each (it, &c->calls) {
        struct call *call = container_of(it, struct call, link);
        if (call->seq == seq)
            return call;
    }
    return NULL;
}

static void take_reply(struct caller_ev *c, struct slice bytes)
{
    struct cluster_reply reply;
    struct error e;
    arena_reset(&c->arena);
    if (cluster_reply_decode(&reply, bytes, 2 * CLUSTER_MESSAGE_MAX, &c->arena, &e) != 0) {
        struct call *call = find_call(c, reply.seq);
        if (call != NULL)
            finish(call, NULL, &e);
        return;
    }
    struct call *call = reply.seq != 0 ? find_call(c, reply.seq) : NULL;
    if (call != NULL && reply.kind != REPLY_PROGRESS)
        finish(call, &reply, NULL);
    else if (reply.seq == 0 && reply.kind == REPLY_ERROR)
        c->ops->on_refused(c->arg, &reply);
}

static void take_message(struct caller_ev *c, struct slice bytes)
{
    if (bytes.len > 0 && bytes.ptr[bytes.len - 1] == '}')
        take_reply(c, bytes);
    else if (bytes.len > 0)
        c->ops->on_request(c->arg, bytes);
}

static void on_readable(struct evzmq *z)
{
    struct caller_ev *c = z->arg;
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    while (evzmq_recv(z, &msg))
        if (!zmq_msg_more(&msg))
            take_message(c, slice_of(zmq_msg_data(&msg), zmq_msg_size(&msg)));
    zmq_msg_close(&msg);
    arm(c);
}

static void on_writable(struct evzmq *z)
{
    struct caller_ev *c = z->arg;
    evzmq_set_interest(z, EVZMQ_READABLE);
    c->ops->on_connected(c->arg);
}

/* libzmq does not try again what was refused for its key: a new socket does. */
static void on_denied(void *arg, const char *why)
{
    struct caller_ev *c = arg;
    if (c->ops->on_denied != NULL)
        c->ops->on_denied(c->arg, why);
    ev_timer_stop(c->loop, &c->reopen);
    ev_timer_set(&c->reopen, REOPEN_MS / 1000.0, 0.0);
    ev_timer_start(c->loop, &c->reopen);
}

static void set_options(void *socket)
{
    static const struct {
        int option, value;
    } options[] = {
        {ZMQ_IMMEDIATE, 1},
        {ZMQ_LINGER, 100},
        {ZMQ_RECONNECT_IVL, RECONNECT_MS},
        {ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS},
        {ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS},
        {ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_LOST_MS},
    };
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        zmq_setsockopt(socket, options[i].option, &options[i].value, sizeof options[i].value);
}

static void close_socket(struct caller_ev *c)
{
    handshakes_close(&c->handshakes);
    if (c->socket == NULL)
        return;
    evzmq_stop(&c->z);
    zmq_close(c->socket);
    c->socket = NULL;
}

static int open_socket(struct caller_ev *c, struct error *e)
{
    c->socket = zmq_socket(c->zmq, ZMQ_DEALER);
    if (c->socket == NULL)
        return error_set(e, ERROR_IO, "Cannot open a socket: %s.", zmq_strerror(zmq_errno()));
    set_options(c->socket);
    evzmq_init(&c->z, c->loop, c->socket, on_readable, on_writable, c);
    if (handshakes_watch(&c->handshakes, c->loop, c->zmq, c->socket, HANDSHAKES_CLIENT, on_denied,
                         c, e) == 0 &&
        endpoint_connect(c->socket, c->spec, c->security, e) == 0 &&
        evzmq_start(&c->z, EVZMQ_READABLE | EVZMQ_WRITABLE, e) == 0)
        return 0;
    close_socket(c);
    return -1;
}

static void on_reopen(struct ev_loop *loop, ev_timer *w, int revents)
{
    struct caller_ev *c = container_of(w, struct caller_ev, reopen);
    struct error e;
    (void)revents;
    close_socket(c);
    if (open_socket(c, &e) == 0)
        return;
    ev_timer_set(w, REOPEN_MS / 1000.0, 0.0); /* out of descriptors, for now */
    ev_timer_start(loop, w);
}

int caller_ev_create(struct caller_ev **out, struct ev_loop *loop, void *zmq, const char *spec,
                     const struct link_security *security, const struct caller_ev_ops *ops,
                     void *arg, struct error *e)
{
    struct caller_ev *c = calloc(1, sizeof *c);
    if (c == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    c->loop = loop;
    c->zmq = zmq;
    c->security = security;
    c->ops = ops;
    c->arg = arg;
    c->out = BUF_INIT;
    list_init(&c->calls);
    arena_init(&c->arena, 0);
    ev_init(&c->deadline, on_deadline);
    ev_init(&c->reopen, on_reopen);
    snprintf(c->spec, sizeof c->spec, "%s", spec);
    if (open_socket(c, e) != 0) {
        caller_ev_destroy(&c);
        return -1;
    }
    *out = c;
    return 0;
}

void caller_ev_destroy(struct caller_ev **c)
{
    struct caller_ev *it = *c;
    *c = NULL;
    if (it == NULL)
        return;
    ev_timer_stop(it->loop, &it->deadline);
    ev_timer_stop(it->loop, &it->reopen);
    close_socket(it);
    for (struct list *link; (link = list_pop_front(&it->calls)) != NULL;)
        free(container_of(link, struct call, link));
    arena_fini(&it->arena);
    buf_fini(&it->out);
    free(it);
}

static int send_bytes(struct caller_ev *c, struct slice bytes, struct error *e)
{
    zmq_msg_t msg;
    if (c->socket != NULL) {
        if (zmq_msg_init_size(&msg, bytes.len) != 0)
            return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
        memcpy(zmq_msg_data(&msg), bytes.ptr, bytes.len);
        if (evzmq_send(&c->z, &msg, 0) == 0)
            return 0;
        zmq_msg_close(&msg);
        evzmq_set_interest(&c->z, EVZMQ_READABLE | EVZMQ_WRITABLE);
    }
    return error_set(e, ERROR_UNREACHABLE, "There is no connection to the coordinator at %s.",
                     c->spec);
}

static int send_request(struct caller_ev *c, const struct cluster_request *request, struct error *e)
{
    buf_clear(&c->out);
    cluster_request_encode(&c->out, request);
    if (c->out.failed)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    return send_bytes(c, buf_slice(&c->out), e);
}

int caller_ev_call(struct caller_ev *c, struct cluster_request *request, int timeout_ms,
                   caller_ev_done *done, void *arg, struct error *e)
{
    struct call *call = calloc(1, sizeof *call);
    if (call == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    request->seq = ++c->seq;
    if (send_request(c, request, e) != 0) {
        free(call);
        return -1;
    }
    call->seq = request->seq;
    call->deadline_ms = clock_monotonic_ms() + (uint64_t)timeout_ms;
    call->done = done;
    call->arg = arg;
    list_push_back(&c->calls, &call->link);
    arm(c);
    return 0;
}

int caller_ev_post(struct caller_ev *c, struct cluster_request *request, struct error *e)
{
    request->seq = 0;
    return send_request(c, request, e);
}

int caller_ev_answer(struct caller_ev *c, struct slice message, struct error *e)
{
    return send_bytes(c, message, e);
}

const char *caller_ev_spec(const struct caller_ev *c)
{
    return c->spec;
}
