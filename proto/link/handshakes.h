/* Tells of handshakes that fail on a ZeroMQ socket: keys that are not accepted, peers that bring
 * none, or bring one to a socket that wants none. libzmq tries again and says nothing. */
#ifndef PROTO_LINK_HANDSHAKES_H
#define PROTO_LINK_HANDSHAKES_H

#include "proto/base/error.h"
#include "proto/link/evzmq.h"

#include <stdbool.h>
#include <stdint.h>

/* A side that asks about keys itself (zap.h) hears there of those it refuses, with address. */
enum handshakes_side { HANDSHAKES_CLIENT, HANDSHAKES_SERVER };

struct handshakes {
    void *watched; /* borrowed */
    void *pair;
    struct evzmq z;
    void (*on_failed)(void *arg, const char *why);
    void *arg;
    uint64_t failed;
};

/* `why` is a phrase. Close it before the socket it watches. */
int handshakes_watch(struct handshakes *h, struct ev_loop *loop, void *zmq, void *socket,
                     enum handshakes_side side, void (*on_failed)(void *arg, const char *why),
                     void *arg, struct error *e);
void handshakes_close(struct handshakes *h); /* fine when not open */

#endif
