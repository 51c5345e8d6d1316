/* One ZeroMQ socket as an event source of a libev loop. The only module that knows ZMQ_FD.
 *
 * ZMQ_FD is no ordinary descriptor: it tells that *something* happened to the socket, once, and any
 * ZeroMQ call on the socket may swallow that news. So ZMQ_EVENTS must be read again after every
 * such call, before the loop sleeps. Here: everything done through evzmq_recv and evzmq_send is
 * tracked; whoever calls zmq_* on the socket himself says evzmq_recheck() afterwards.
 *
 * Sends may be made from callbacks of any kind, prepare watchers included if their priority is
 * above EV_MINPRI.
 *
 * It does not own the socket and makes no policy. Fairness is built in: evzmq_recv hands out at
 * most `batch` messages per turn of the loop, then says "none" until the next turn.
 * The struct lives in its user, from evzmq_init to evzmq_stop; stop before the socket is closed and
 * before the struct is freed. It may be stopped, but not freed, inside its own callbacks. */
#ifndef PROTO_LINK_EVZMQ_H
#define PROTO_LINK_EVZMQ_H

#include "proto/base/error.h"

#include <ev.h>
#include <stdbool.h>
#include <zmq.h>

enum { EVZMQ_READABLE = 1, EVZMQ_WRITABLE = 2 };

struct evzmq {
    void *socket; /* borrowed */
    void *arg;    /* the user's */
    void (*on_readable)(struct evzmq *z);
    void (*on_writable)(struct evzmq *z);
    unsigned batch; /* messages per turn; may be changed at any time, at least 1 */

    /* private */
    struct ev_loop *loop;
    unsigned interest;
    unsigned budget; /* messages left in this turn */
    unsigned turn;   /* ev_iteration of the last dispatch */
    bool started;
    bool dirty; /* ZMQ_EVENTS may have changed since it was read */
    ev_io io;
    ev_prepare prepare;
    ev_check check;
    ev_idle idle;
};

/* Prepares; starts nothing. `on_readable` is called at most once per turn while a message waits,
 * `on_writable` while a message could be sent; each may be NULL when never asked for. */
void evzmq_init(struct evzmq *z, struct ev_loop *loop, void *socket,
                void (*on_readable)(struct evzmq *z), void (*on_writable)(struct evzmq *z),
                void *arg);

/* Begins to watch for `interest` (EVZMQ_READABLE, EVZMQ_WRITABLE or both; 0 is fine). */
int evzmq_start(struct evzmq *z, unsigned interest, struct error *e);
void evzmq_stop(struct evzmq *z); /* fine when not started */

/* What to call back for, from now on. Writable is usually wanted only after a send said EAGAIN. */
void evzmq_set_interest(struct evzmq *z, unsigned interest);

/* Something was done with the socket outside this module: look again before sleeping. Cheap. */
void evzmq_recheck(struct evzmq *z);

/* Receives one frame without waiting into *msg (initialised by the caller). True when there was
 * one; use zmq_msg_more() for the rest of its message, which never counts against the batch. False
 * when nothing waits or this turn's batch is spent. */
bool evzmq_recv(struct evzmq *z, zmq_msg_t *msg);

/* zmq_msg_send without waiting; `flags` may hold ZMQ_SNDMORE. 0, or -1 with errno (EAGAIN: the high
 * water mark is reached, EHOSTUNREACH: a ROUTER does not know the peer); *msg is then untouched. */
int evzmq_send(struct evzmq *z, zmq_msg_t *msg, int flags);

#endif
