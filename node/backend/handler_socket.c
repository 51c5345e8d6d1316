/* The directory (backends.sockets) holds no references: the last user closes the socket. */

#include "node/backend/handler_socket.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEND_HWM = 1000, REPLY_BATCH = 512 };

struct subscription {
    unsigned count;
};

static struct handler_socket_user *user_at(struct list *link)
{
    return container_of(link, struct handler_socket_user, link);
}

static void on_readable(struct evzmq *z)
{
    struct handler_socket *s = z->arg;
    struct handler_socket_user *latest = user_at(s->users.next);
    latest->on_ready(latest);
}

static void on_writable(struct evzmq *z)
{
    struct handler_socket *s = z->arg;
    list_for_each_safe (it, &s->users)
        if (user_at(it)->wants_ready)
            user_at(it)->on_ready(user_at(it));
}

/* A dead peer must not swallow requests for long: TCP tells by heartbeats, and the high-water mark
 * bounds what it may hold. */
static int bind_socket(struct handler_socket *s, int type, const char *spec, const char *identity,
                       struct error *e)
{
    int linger = 0, hwm = type == ZMQ_PUSH ? SEND_HWM : 0, interval_ms = 2000, timeout_ms = 6000;
    s->socket = zmq_socket(s->set->zmq, type);
    if (s->socket == NULL)
        return error_set(e, ERROR_IO, "Can't make a ZeroMQ socket: %s.", zmq_strerror(zmq_errno()));
    zmq_setsockopt(s->socket, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(s->socket, ZMQ_SNDHWM, &hwm, sizeof hwm);
    zmq_setsockopt(s->socket, ZMQ_HEARTBEAT_IVL, &interval_ms, sizeof interval_ms);
    zmq_setsockopt(s->socket, ZMQ_HEARTBEAT_TIMEOUT, &timeout_ms, sizeof timeout_ms);
    if (identity != NULL && identity[0] != '\0' && strlen(identity) < 256)
        zmq_setsockopt(s->socket, ZMQ_ROUTING_ID, identity, strlen(identity));
    if (zmq_bind(s->socket, spec) != 0)
        return error_set(e, ERROR_IO, "Can't bind the handler endpoint %s: %s.", spec,
                         zmq_strerror(zmq_errno()));
    return 0;
}

static int watch(struct handler_socket *s, int type, struct error *e)
{
    bool sends = type == ZMQ_PUSH;
    evzmq_init(&s->events, s->set->loop->ev, s->socket, sends ? NULL : on_readable,
               sends ? on_writable : NULL, s);
    s->events.batch = REPLY_BATCH;
    return evzmq_start(&s->events, sends ? 0 : EVZMQ_READABLE, e);
}

static void destroy(struct handler_socket *s)
{
    map_remove(&s->set->sockets, slice_str(s->name));
    if (s->events.started)
        evzmq_stop(&s->events);
    if (s->socket != NULL)
        zmq_close(s->socket);
    map_fini(&s->idents, free);
    free(s);
}

static struct handler_socket *create(struct backends *set, const char *name, int type,
                                     const char *spec, const char *identity, struct error *e)
{
    struct handler_socket *s = calloc(1, sizeof *s);
    if (s == NULL) {
        error_set(e, ERROR_NO_MEMORY, "Out of memory.");
        return NULL;
    }
    s->set = set;
    s->idents = MAP_INIT;
    list_init(&s->users);
    snprintf(s->name, sizeof s->name, "%s", name);
    if (map_put(&set->sockets, slice_str(s->name), s, NULL) != 0) {
        error_set(e, ERROR_NO_MEMORY, "Out of memory.");
        free(s);
        return NULL;
    }
    if (bind_socket(s, type, spec, identity, e) != 0 || watch(s, type, e) != 0) {
        destroy(s);
        return NULL;
    }
    return s;
}

int handler_socket_join(struct handler_socket_user *u, struct backends *set, int type,
                        const char *spec, const char *identity, struct error *e)
{
    char name[264];
    if (snprintf(name, sizeof name, "%s %s", type == ZMQ_PUSH ? "PUSH" : "SUB", spec) >=
        (int)sizeof name)
        return error_set(e, ERROR_INVALID, "The handler endpoint %s is too long.", spec);
    struct handler_socket *s = map_get(&set->sockets, slice_str(name));
    if (s == NULL)
        s = create(set, name, type, spec, identity, e);
    if (s == NULL)
        return -1;
    u->socket = s;
    list_push_front(&s->users, &u->link);
    return 0;
}

void handler_socket_leave(struct handler_socket_user *u)
{
    struct handler_socket *s = u->socket;
    if (s == NULL)
        return;
    handler_socket_want(u, false);
    list_remove(&u->link);
    u->socket = NULL;
    if (list_is_empty(&s->users))
        destroy(s);
}

void handler_socket_want(struct handler_socket_user *u, bool ready)
{
    bool any = ready;
    if (u->wants_ready == ready)
        return;
    u->wants_ready = ready;
    list_for_each (it, &u->socket->users)
        any = any || user_at(it)->wants_ready;
    evzmq_set_interest(&u->socket->events, any ? EVZMQ_WRITABLE : 0);
}

int handler_socket_subscribe(struct handler_socket *s, const char *ident, struct error *e)
{
    struct subscription *it = map_get(&s->idents, slice_str(ident));
    if (it != NULL) {
        it->count++;
        return 0;
    }
    it = calloc(1, sizeof *it);
    if (it == NULL || map_put(&s->idents, slice_str(ident), it, NULL) != 0) {
        free(it);
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    }
    it->count = 1;
    zmq_setsockopt(s->socket, ZMQ_SUBSCRIBE, ident, strlen(ident));
    evzmq_recheck(&s->events);
    return 0;
}

void handler_socket_unsubscribe(struct handler_socket *s, const char *ident)
{
    struct subscription *it = map_get(&s->idents, slice_str(ident));
    if (it == NULL || --it->count > 0)
        return;
    free(map_remove(&s->idents, slice_str(ident)));
    zmq_setsockopt(s->socket, ZMQ_UNSUBSCRIBE, ident, strlen(ident));
    evzmq_recheck(&s->events);
}
