/* Everything a worker sends passes on_message: frames are collected, decoded, and answered by a row
 * of a table. Loss is never handled inside a send, only from the tick, so that no caller finds its
 * worker freed. */

#include "node/backend/pool_worker.h"

#include "node/backend/backend_post.h"
#include "proto/base/log.h"
#include "proto/link/evzmq.h"
#include "proto/link/handshakes.h"
#include "proto/link/zap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE_BATCH = 512, FRAMES_MOST = 8, SEND_HWM = 100000 };

struct pool_port {
    struct backends *set;
    const struct pool_port_ops *ops;
    void *router;
    struct evzmq events;
    struct handshakes handshakes; /* with keys */
    struct ev_timer heartbeat;
    struct map by_route; /* routing id -> struct pool_worker */
    struct list workers;
    struct buf scratch;
    struct loop_task close; /* when no pool is left */
    unsigned pools;
};

void pool_port_each(const struct backends *set,
                    void (*visit)(void *arg, const struct pool_worker *w), void *arg)
{
    const struct pool_port *p = set->pool_port;
    if (p == NULL)
        return;
    list_for_each (it, &p->workers)
        visit(arg, container_of(it, struct pool_worker, all));
}

static void remember_text(char *out, size_t room, struct slice s)
{
    size_t len = s.len < room - 1 ? s.len : room - 1;
    memcpy(out, s.ptr, len);
    out[len] = '\0';
}

/* --- sending --- */

static int send_part(struct pool_port *p, struct slice bytes, int flags)
{
    zmq_msg_t part;
    if (zmq_msg_init_size(&part, bytes.len) != 0)
        return -1;
    if (bytes.len > 0)
        memcpy(zmq_msg_data(&part), bytes.ptr, bytes.len);
    int result = evzmq_send(&p->events, &part, flags);
    if (result != 0)
        zmq_msg_close(&part);
    return result;
}

/* Only the first part can be refused; what follows belongs to it. */
static bool send_frames(struct pool_port *p, struct slice route, const struct slice *frames,
                        size_t count)
{
    if (send_part(p, route, ZMQ_SNDMORE) != 0)
        return false;
    for (size_t i = 0; i < count; i++)
        if (send_part(p, frames[i], i + 1 < count ? ZMQ_SNDMORE : 0) != 0)
            return false;
    return true;
}

static bool send_frame(struct pool_port *p, struct slice route, const struct pool_frame *f)
{
    struct slice frames[POOL_FRAMES_MAX];
    size_t count = pool_frame_encode(f, frames, &p->scratch);
    return !p->scratch.failed && send_frames(p, route, frames, count);
}

/* A worker that takes nothing counts as silent from now on: the next tick finds it. */
static bool sent_or_silent(struct pool_worker *w, bool sent)
{
    if (sent)
        w->sent_us = w->port->set->loop->now_us;
    else if (errno == EHOSTUNREACH)
        w->heard_us = 0;
    return sent;
}

bool pool_worker_send(struct pool_worker *w, const struct pool_frame *f)
{
    return sent_or_silent(w, send_frame(w->port, slice_of(w->route, w->route_len), f));
}

static bool send_request(struct pool_worker *w, struct slice id, zmq_msg_t *message)
{
    struct pool_port *p = w->port;
    zmq_msg_t copy;
    zmq_msg_init(&copy);
    if (zmq_msg_copy(&copy, message) != 0)
        return false;
    bool sent = send_part(p, slice_of(w->route, w->route_len), ZMQ_SNDMORE) == 0 &&
                send_part(p, SLICE("REQUEST"), ZMQ_SNDMORE) == 0 &&
                send_part(p, id, ZMQ_SNDMORE) == 0 && evzmq_send(&p->events, &copy, 0) == 0;
    if (!sent)
        zmq_msg_close(&copy);
    return sent_or_silent(w, sent);
}

bool pool_worker_send_request(struct pool_worker *w, uint64_t id, zmq_msg_t *message)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%llu", (unsigned long long)id);
    return send_request(w, slice_of(text, (size_t)len), message);
}

bool pool_worker_send_part(struct pool_worker *w, uint64_t id, zmq_msg_t *message)
{
    char text[24];
    int len = snprintf(text, sizeof text, "+%llu", (unsigned long long)id);
    return send_request(w, slice_of(text, (size_t)len), message);
}

/* --- workers come and go --- */

static void worker_free(struct pool_worker *w)
{
    for (struct list *it; (it = list_pop_front(&w->requests)) != NULL;) {
        struct backend_request *r = container_of(it, struct backend_request, link);
        if (r->one_way)
            backend_post_delivered(r);
    }
    map_remove(&w->port->by_route, slice_of(w->route, w->route_len));
    list_remove(&w->link);
    list_remove(&w->all);
    free(w);
}

static void worker_lost(struct pool_worker *w, const char *why)
{
    w->port->ops->lost(w, why);
    worker_free(w);
}

void pool_worker_dismiss(struct pool_worker *w, const char *why)
{
    struct pool_frame f = {.type = POOL_REFUSED, .refused.error = slice_str(why)};
    pool_worker_send(w, &f);
    worker_free(w);
}

static void refuse(struct pool_port *p, struct slice route, const char *why)
{
    struct pool_frame f = {.type = POOL_REFUSED, .refused.error = slice_str(why)};
    send_frame(p, route, &f);
}

static bool is_accepted(const struct pool_port *p, struct slice key)
{
    return p->set->keys == NULL || keyring_allows(p->set->keys, key, ROLE_HANDLER | ROLE_ADMIN);
}

static void on_ready(struct pool_port *p, struct slice route, struct slice key,
                     const struct pool_frame *f)
{
    struct pool_worker *old = map_get(&p->by_route, route);
    if (old != NULL)
        worker_lost(old, "began anew");
    if (!is_accepted(p, key)) {
        refuse(p, route, "This key may not join a pool.");
        return;
    }
    void *pool = p->ops->find(p->set, f->ready.pool);
    if (pool == NULL) {
        refuse(p, route, "This node's configuration has no such pool.");
        return;
    }
    struct pool_worker *w = calloc(1, sizeof *w);
    if (w == NULL || route.len > sizeof w->route || map_put(&p->by_route, route, w, NULL) != 0) {
        free(w);
        refuse(p, route, "Out of memory.");
        return;
    }
    list_init(&w->link);
    list_init(&w->requests);
    list_push_back(&p->workers, &w->all);
    w->port = p;
    w->pool = pool;
    w->capacity = f->ready.capacity;
    w->heard_us = p->set->loop->now_us;
    w->route_len = (uint8_t)route.len;
    memcpy(w->route, route.ptr, route.len);
    remember_text(w->uuid, sizeof w->uuid, f->ready.worker);
    remember_text(w->name, sizeof w->name, f->ready.name);
    remember_text(w->host, sizeof w->host, f->ready.host);
    w->pid = f->ready.pid;
    remember_text(w->key, sizeof w->key, key);
    struct pool_frame welcome = {.type = POOL_WELCOME,
                                 .welcome = {.node = slice_str(p->set->node_uuid),
                                             .cluster = slice_str(p->set->cluster_uuid),
                                             .heartbeat_ms = POOL_HEARTBEAT_MS}};
    pool_worker_send(w, &welcome);
    p->ops->joined(w);
}

static void on_known(struct pool_port *p, struct pool_worker *w, const struct pool_frame *f)
{
    struct pool_frame pong = {.type = POOL_PONG};
    switch (f->type) {
    case POOL_CREDIT: p->ops->credit(w, f->credit.count); break;
    case POOL_RETURN: p->ops->returned(w, f->returned.id); break;
    case POOL_BYE: p->ops->bye(w); break;
    case POOL_PING: pool_worker_send(w, &pong); break;
    case POOL_PONG:
        if (w->beats_answered != w->beats_sent)
            p->ops->beat(w, ++w->beats_answered);
        break;
    default: break; /* node's own words: ignored */
    }
}

static void on_reply(struct pool_port *p, struct pool_worker *w, zmq_msg_t *message)
{
    struct backend *b = w->pool;
    b->figures.replies++;
    p->set->upcall.reply(p->set->upcall.arg, b, message);
}

static void on_frames(struct pool_port *p, zmq_msg_t *parts, size_t count)
{
    struct slice frames[FRAMES_MOST];
    for (size_t i = 0; i < count; i++)
        frames[i] = slice_of(zmq_msg_data(&parts[i]), zmq_msg_size(&parts[i]));
    struct pool_worker *w = map_get(&p->by_route, frames[0]);
    if (w != NULL)
        w->heard_us = p->set->loop->now_us;
    struct pool_frame f;
    enum pool_frame_status status = count > 1 ? pool_frame_decode(frames + 1, count - 1, &f)
                                              : POOL_FRAME_MALFORMED;
    if (status != POOL_FRAME_OK) {
        static struct log_limit limit;
        log_limited(&limit, LOG_WARN_LEVEL, "pool", "dropped a%s message from worker=%s",
                    status == POOL_FRAME_UNKNOWN ? "n unknown" : " malformed",
                    w != NULL ? w->uuid : "unknown");
    } else if (f.type == POOL_READY) {
        on_ready(p, frames[0], zap_key_of(&parts[count - 1]), &f);
    } else if (w == NULL) {
        refuse(p, frames[0], "This node does not know you: begin with READY.");
    } else if (f.type == POOL_REPLY) {
        on_reply(p, w, &parts[count - 1]);
    } else {
        on_known(p, w, &f);
    }
}

/* Receives the parts of one message; false when none waits. Parts beyond the bound are dropped. */
static bool receive(struct pool_port *p, zmq_msg_t *parts, size_t *count)
{
    *count = 0;
    for (bool more = true; more;) {
        zmq_msg_t extra;
        bool kept = *count < FRAMES_MOST;
        zmq_msg_t *into = kept ? &parts[*count] : &extra;
        zmq_msg_init(into);
        if (!evzmq_recv(&p->events, into)) {
            zmq_msg_close(into);
            return false;
        }
        more = zmq_msg_more(into);
        if (kept)
            (*count)++;
        else
            zmq_msg_close(into);
    }
    return true;
}

static void on_readable(struct evzmq *z)
{
    struct pool_port *p = z->arg;
    zmq_msg_t parts[FRAMES_MOST];
    size_t count;
    while (receive(p, parts, &count)) {
        on_frames(p, parts, count);
        for (size_t i = 0; i < count; i++)
            zmq_msg_close(&parts[i]);
    }
}

static struct pool_worker *find_unaccepted(struct pool_port *p)
{
    list_for_each (it, &p->workers) {
        struct pool_worker *w = container_of(it, struct pool_worker, all);
        if (!is_accepted(p, slice_str(w->key)))
            return w;
    }
    return NULL;
}

/* Its connection stays, but nothing that comes on it is heard any more: it is to say READY, and
 * may not. */
void pool_port_check_keys(struct backends *set)
{
    struct pool_port *p = set->pool_port;
    struct pool_frame f = {.type = POOL_REFUSED,
                           .refused.error = SLICE("This key is no longer accepted.")};
    for (struct pool_worker *w; p != NULL && (w = find_unaccepted(p)) != NULL;) {
        pool_worker_send(w, &f);
        worker_lost(w, "its key is no longer accepted");
        p = set->pool_port;
    }
}

static uint64_t silent_us(const struct pool_worker *w)
{
    return w->port->set->loop->now_us - w->heard_us;
}

/* Nothing was said to it for a while: a worker that sends all the time and is asked nothing must
 * hear from us too, or it takes us for dead. Half a beat, since we look only once per beat. */
static bool waits_for_a_word(const struct pool_worker *w)
{
    return w->port->set->loop->now_us - w->sent_us >= POOL_HEARTBEAT_MS * 1000u / 2;
}

static void ping_the_silent(struct pool_port *p)
{
    struct pool_frame ping = {.type = POOL_PING};
    list_for_each (it, &p->workers) {
        struct pool_worker *w = container_of(it, struct pool_worker, all);
        bool is_asked = silent_us(w) >= POOL_HEARTBEAT_MS * 1000u || w->unconfirmed > 0 ||
                        waits_for_a_word(w);
        if (w->heard_us != 0 && is_asked && pool_worker_send(w, &ping))
            w->beats_sent++;
    }
}

static struct pool_worker *find_lost(struct pool_port *p)
{
    list_for_each (it, &p->workers) {
        struct pool_worker *w = container_of(it, struct pool_worker, all);
        if (w->heard_us == 0 || silent_us(w) >= POOL_HEARTBEAT_MS * 1000u * POOL_BEATS_LOST)
            return w;
    }
    return NULL;
}

/* A loss ends exchanges; the last of an old configuration takes its pools along, and these their
 * workers. So the search begins anew each time. */
static void bury_the_lost(struct pool_port *p)
{
    for (struct pool_worker *w; (w = find_lost(p)) != NULL;)
        worker_lost(w, w->heard_us == 0 ? "its connection is gone" : "it is silent");
}

static void on_heartbeat(struct ev_loop *ev, struct ev_timer *t, int events)
{
    (void)ev, (void)events;
    struct pool_port *p = container_of(t, struct pool_port, heartbeat);
    on_readable(&p->events); /* a node that was stopped for a while must not blame its workers */
    ping_the_silent(p);
    bury_the_lost(p);
    p->ops->tick(p->set);
}

/* --- the port --- */

static void on_handshake_failed(void *arg, const char *why)
{
    static struct log_limit limit;
    struct pool_port *p = arg;
    p->set->counters->handler_keys_refused++;
    log_limited(&limit, LOG_WARN_LEVEL, "pool", "connection refused: %s", why);
}

static int bind_router(struct pool_port *p, struct error *e)
{
    struct backends *s = p->set;
    int linger_ms = 200, mandatory = 1, hwm = SEND_HWM;
    p->router = zmq_socket(s->zmq, ZMQ_ROUTER);
    if (p->router == NULL)
        return error_set(e, ERROR_IO, "Can't make a ZeroMQ socket: %s.", zmq_strerror(zmq_errno()));
    zmq_setsockopt(p->router, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    zmq_setsockopt(p->router, ZMQ_ROUTER_MANDATORY, &mandatory, sizeof mandatory);
    zmq_setsockopt(p->router, ZMQ_SNDHWM, &hwm, sizeof hwm);
    zmq_setsockopt(p->router, ZMQ_RCVHWM, &hwm, sizeof hwm);
    if (endpoint_bind(p->router, s->handler_spec, s->handler_security, s->handler_endpoint, e) != 0)
        return -1;
    if (s->keys != NULL && handshakes_watch(&p->handshakes, s->loop->ev, s->zmq, p->router,
                                            HANDSHAKES_SERVER, on_handshake_failed, p, e) != 0)
        return -1;
    evzmq_init(&p->events, s->loop->ev, p->router, on_readable, NULL, p);
    p->events.batch = MESSAGE_BATCH;
    return evzmq_start(&p->events, EVZMQ_READABLE, e);
}

static void port_free(struct pool_port *p)
{
    evzmq_stop(&p->events);
    handshakes_close(&p->handshakes);
    if (p->router != NULL)
        zmq_close(p->router);
    ev_timer_stop(p->set->loop->ev, &p->heartbeat);
    loop_task_cancel(&p->close);
    map_fini(&p->by_route, NULL);
    buf_fini(&p->scratch);
    p->set->pool_port = NULL;
    p->set->handler_endpoint[0] = '\0';
    free(p);
}

static void close_if_unused(struct loop_task *task)
{
    struct pool_port *p = container_of(task, struct pool_port, close);
    if (p->pools == 0)
        pool_port_close(p->set);
}

void pool_port_ref(struct pool_port *p)
{
    p->pools++;
}

void pool_port_unref(struct backends *set)
{
    struct pool_port *p = set->pool_port;
    if (p != NULL && --p->pools == 0)
        loop_at_turn_end(set->loop, &p->close);
}

struct pool_port *pool_port_get(struct backends *set, const struct pool_port_ops *ops,
                                struct error *e)
{
    if (set->pool_port != NULL)
        return set->pool_port;
    struct pool_port *p = calloc(1, sizeof *p);
    if (p == NULL) {
        error_set(e, ERROR_NO_MEMORY, "Out of memory.");
        return NULL;
    }
    p->set = set;
    p->ops = ops;
    p->by_route = MAP_INIT;
    list_init(&p->workers);
    loop_task_init(&p->close, close_if_unused);
    ev_timer_init(&p->heartbeat, on_heartbeat, POOL_HEARTBEAT_MS / 1000.0,
                  POOL_HEARTBEAT_MS / 1000.0);
    if (bind_router(p, e) != 0) {
        port_free(p);
        return NULL;
    }
    ev_timer_start(set->loop->ev, &p->heartbeat);
    set->pool_port = p;
    log_info("pool", "handler port is %s", set->handler_endpoint);
    return p;
}

void pool_port_close(struct backends *set)
{
    struct pool_port *p = set->pool_port;
    if (p == NULL)
        return;
    list_for_each_safe (it, &p->workers) {
        struct pool_worker *w = container_of(it, struct pool_worker, all);
        struct pool_frame bye = {.type = POOL_BYE};
        pool_worker_send(w, &bye);
        worker_free(w);
    }
    port_free(p);
}
