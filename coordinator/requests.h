/* The requests socket: a ROUTER. Takes requests apart, refuses what is malformed, hands the rest
 * on; sends answers. What a verb does is elsewhere (verbs.h). */
#ifndef COORDINATOR_REQUESTS_H
#define COORDINATOR_REQUESTS_H

#include "coordinator/members.h"
#include "proto/base/arena.h"
#include "proto/base/buf.h"
#include "proto/link/endpoint.h"
#include "proto/link/evzmq.h"
#include "proto/link/keyring.h"
#include "proto/wire/cluster_msg.h"

#include <stdbool.h>
#include <stdint.h>

/* Where an answer goes: kept by value as long as the answer takes. */
struct client {
    struct peer peer;
    char key[CURVE_KEY_LEN + 1]; /* with which it connected; "": a plain connection */
    bool delimiter; /* it sent an empty frame first, as a REQ does, and wants one back */
    int64_t seq;
};

struct requests {
    void *socket;
    struct evzmq z;
    char endpoint[ENDPOINT_MAX]; /* as bound */
    size_t message_max;
    /* May it be asked? -1 with *e: refused. May be NULL. */
    int (*admit)(void *arg, const struct client *from, struct cluster_request *r, struct error *e);
    /* A well-formed request; borrowed until it returns. */
    void (*on_request)(void *arg, const struct client *from, const struct cluster_request *r);
    /* An answer to a client that is part of this process: its peer has no id. Borrowed. May be
     * NULL. */
    void (*on_own)(void *arg, const struct client *to, struct slice message);
    /* A dict: a node's answer to a request of ours. Borrowed. */
    void (*on_answer)(void *arg, const struct client *from, struct slice message);
    void *arg;
    struct arena arena;
    uint64_t requests, refused, lost;
};

/* Binds; nothing is read before requests_start. ERROR_USAGE, ERROR_DENIED, ERROR_IO. */
int requests_open(struct requests *q, struct ev_loop *loop, void *zmq, const char *spec,
                  const struct link_security *security, size_t message_max, struct error *e);
int requests_start(struct requests *q, struct error *e);
void requests_close(struct requests *q); /* fine when not open */

/* Sends a message. An answer to a client that has gone is dropped. */
void requests_send(struct requests *q, const struct client *to, struct slice message);
void requests_send_error(struct requests *q, const struct client *to, const struct error *e,
                         const char *leader);

/* Sends to a peer; false when there is no such connection any more. */
bool requests_send_peer(struct requests *q, const struct peer *to, struct slice message);

/* What goes through a ROUTER's hands, without the socket: decides what a message is. Exposed for
 * the fuzz target. */
void requests_take(struct requests *q, const struct client *from, struct slice message);

#endif
