/* The updates socket: an XPUB whose subscribers are nodes, workers and coordinators to come.
 *
 * Knows topics and bytes, not what they mean; who subscribes to what is told to the owner, so that
 * a new subscriber can be given the present state. Messages to a subscriber that is too slow are
 * lost: the beat makes up for it. */
#ifndef COORDINATOR_PUBLISH_H
#define COORDINATOR_PUBLISH_H

#include "proto/base/error.h"
#include "proto/base/map.h"
#include "proto/base/slice.h"
#include "proto/link/endpoint.h"
#include "proto/link/evzmq.h"

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

struct publisher_ops {
    void (*on_subscribe)(void *arg, struct slice topic);
    /* May this key (Z85; empty on a plain connection) hear the topic? NULL: everyone may. */
    bool (*may_hear)(void *arg, struct slice key, struct slice topic);
    /* The socket is about to be closed; there is another. Both may be NULL. */
    void (*reopening)(void *arg);
    void (*reopened)(void *arg);
};

struct publisher {
    void *socket;
    struct evzmq z;
    char endpoint[ENDPOINT_MAX]; /* as bound */
    struct map topics;           /* subscribed now; values unused */
    const struct publisher_ops *ops;
    void *arg;
    struct ev_loop *loop;
    void *zmq;
    const struct link_security *security;
    ev_timer again; /* while it is being opened anew */
    uint64_t messages, bytes, subscriptions;
};

/* Borrows `security` and `ops` for its life. ERROR_USAGE, ERROR_DENIED, ERROR_IO. */
int publisher_open(struct publisher *p, struct ev_loop *loop, void *zmq, const char *spec,
                   const struct link_security *security, const struct publisher_ops *ops, void *arg,
                   struct error *e);
void publisher_close(struct publisher *p); /* fine when not open */

/* Cuts all connections, and listens anew at the same place: a key was revoked, and ZeroMQ has no
 * way to cut one connection. Whoever may comes back within a moment. */
void publisher_reopen(struct publisher *p);

/* One message to everyone who has subscribed to the topic. */
void publisher_send(struct publisher *p, struct slice topic, struct slice body);

#endif
