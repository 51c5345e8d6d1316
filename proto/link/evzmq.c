/* Reading ZMQ_EVENTS costs a poll(2) inside libzmq, so it is read only when something may have
 * changed: the descriptor woke up, or a call was made on the socket ("dirty"). A clean socket costs
 * one test of a flag per turn.
 *
 * The prepare watcher runs last of all before the loop would sleep, at the lowest priority, because
 * others flush their sockets in prepare watchers too. It reads ZMQ_EVENTS of a dirty socket, and if
 * there is work it starts an idle watcher (so that the loop polls without sleeping and other
 * sockets get their turn) and a check watcher, which hands the work on. */

#include "proto/link/evzmq.h"

#include "proto/base/list.h"

#include <errno.h>

enum { DEFAULT_BATCH = 256 };

static void mark_dirty(struct evzmq *z)
{
    z->dirty = true;
}

/* What of the interest is true now. A socket whose context has gone is never ready again. */
static unsigned read_events(struct evzmq *z)
{
    int events = 0;
    size_t size = sizeof events;
    z->dirty = false;
    if (zmq_getsockopt(z->socket, ZMQ_EVENTS, &events, &size) != 0) {
        if (errno == EINTR)
            z->dirty = true;
        return 0;
    }
    unsigned ready = 0;
    if ((events & ZMQ_POLLIN) != 0)
        ready |= EVZMQ_READABLE;
    if ((events & ZMQ_POLLOUT) != 0)
        ready |= EVZMQ_WRITABLE;
    return ready & z->interest;
}

static void dispatch(struct evzmq *z)
{
    unsigned ready = read_events(z);
    z->turn = ev_iteration(z->loop);
    z->budget = z->batch;
    if (ready != 0)
        mark_dirty(z); /* the callbacks may leave something; evzmq_recv knows when they did not */
    if ((ready & EVZMQ_READABLE) != 0)
        z->on_readable(z);
    if ((ready & EVZMQ_WRITABLE) != 0 && z->started && (z->interest & EVZMQ_WRITABLE) != 0)
        z->on_writable(z);
}

static void before_sleep(struct evzmq *z)
{
    if (z->dirty && read_events(z) != 0) {
        ev_idle_start(z->loop, &z->idle);
        ev_check_start(z->loop, &z->check);
    }
}

static void after_poll(struct evzmq *z)
{
    ev_idle_stop(z->loop, &z->idle);
    ev_check_stop(z->loop, &z->check);
    dispatch(z);
}

/* The descriptor woke up. When the check of this turn has handed on a batch already, the next turn
 * goes on: one socket gets one batch per turn. */
static void woken(struct evzmq *z)
{
    if (z->turn == ev_iteration(z->loop))
        mark_dirty(z);
    else
        dispatch(z);
}

static void on_io(struct ev_loop *loop, ev_io *w, int revents)
{
    (void)loop, (void)revents;
    woken(container_of(w, struct evzmq, io));
}

static void on_prepare(struct ev_loop *loop, ev_prepare *w, int revents)
{
    (void)loop, (void)revents;
    before_sleep(container_of(w, struct evzmq, prepare));
}

static void on_check(struct ev_loop *loop, ev_check *w, int revents)
{
    (void)loop, (void)revents;
    after_poll(container_of(w, struct evzmq, check));
}

static void on_idle(struct ev_loop *loop, ev_idle *w, int revents)
{
    (void)loop, (void)w, (void)revents; /* its being active is all that matters */
}

void evzmq_init(struct evzmq *z, struct ev_loop *loop, void *socket,
                void (*on_readable)(struct evzmq *z), void (*on_writable)(struct evzmq *z),
                void *arg)
{
    *z = (struct evzmq){.socket = socket,
                        .arg = arg,
                        .on_readable = on_readable,
                        .on_writable = on_writable,
                        .batch = DEFAULT_BATCH,
                        .loop = loop};
    ev_init(&z->io, on_io);
    ev_prepare_init(&z->prepare, on_prepare);
    ev_set_priority(&z->prepare, EV_MINPRI);
    ev_check_init(&z->check, on_check);
    ev_idle_init(&z->idle, on_idle);
}

int evzmq_start(struct evzmq *z, unsigned interest, struct error *e)
{
    int fd = -1;
    size_t size = sizeof fd;
    BUG_ON(z->started);
    if (zmq_getsockopt(z->socket, ZMQ_FD, &fd, &size) != 0)
        return error_set(e, ERROR_IO, "A ZeroMQ socket has no descriptor: %s.",
                         zmq_strerror(zmq_errno()));
    ev_io_set(&z->io, fd, EV_READ);
    z->started = true;
    evzmq_set_interest(z, interest);
    return 0;
}

void evzmq_stop(struct evzmq *z)
{
    if (!z->started)
        return;
    z->started = false;
    z->interest = 0;
    ev_io_stop(z->loop, &z->io);
    ev_prepare_stop(z->loop, &z->prepare);
    ev_check_stop(z->loop, &z->check);
    ev_idle_stop(z->loop, &z->idle);
}

void evzmq_set_interest(struct evzmq *z, unsigned interest)
{
    BUG_ON((interest & EVZMQ_READABLE) != 0 && z->on_readable == NULL);
    BUG_ON((interest & EVZMQ_WRITABLE) != 0 && z->on_writable == NULL);
    if (interest == z->interest)
        return;
    z->interest = interest;
    if (!z->started)
        return;
    if (interest != 0) {
        ev_io_start(z->loop, &z->io);
        ev_prepare_start(z->loop, &z->prepare);
        mark_dirty(z);
    } else { /* nothing to wake up for: the next call on the socket catches up with the news */
        ev_io_stop(z->loop, &z->io);
        ev_prepare_stop(z->loop, &z->prepare);
    }
}

void evzmq_recheck(struct evzmq *z)
{
    mark_dirty(z);
}

bool evzmq_recv(struct evzmq *z, zmq_msg_t *msg)
{
    if (z->budget == 0)
        return false; /* still dirty: the next turn goes on */
    int got;
    do
        got = zmq_msg_recv(msg, z->socket, ZMQ_DONTWAIT);
    while (got < 0 && errno == EINTR);
    if (got >= 0) {
        if (!zmq_msg_more(msg))
            z->budget--;
        return true;
    }
    /* libzmq handled all pending commands before it said EAGAIN, so the descriptor will wake us. */
    if (errno == EAGAIN && (z->interest & EVZMQ_WRITABLE) == 0)
        z->dirty = false;
    return false;
}

int evzmq_send(struct evzmq *z, zmq_msg_t *msg, int flags)
{
    int sent;
    do
        sent = zmq_msg_send(msg, z->socket, flags | ZMQ_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    int saved = errno;
    mark_dirty(z);
    errno = saved;
    return sent >= 0 ? 0 : -1;
}
