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

#include <stdint.h>

struct publisher {
    void *socket;
    struct evzmq z;
    char endpoint[ENDPOINT_MAX]; /* as bound */
    struct map topics;           /* subscribed now; values unused */
    void (*on_subscribe)(void *arg, struct slice topic);
    void *arg;
    uint64_t messages, bytes, subscriptions;
};

/* ERROR_USAGE, ERROR_DENIED, ERROR_IO. */
int publisher_open(struct publisher *p, struct ev_loop *loop, void *zmq, const char *spec,
                   const struct link_security *security,
                   void (*on_subscribe)(void *arg, struct slice topic), void *arg, struct error *e);
void publisher_close(struct publisher *p); /* fine when not open */

/* One message to everyone who has subscribed to the topic. */
void publisher_send(struct publisher *p, struct slice topic, struct slice body);

#endif
