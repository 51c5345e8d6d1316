/* Reply messages of handlers to the connections they name. A payload for several listeners, or a
 * large one, is stored once and shared by all its writes. */
#ifndef NODE_DELIVER_INBOX_H
#define NODE_DELIVER_INBOX_H

#include "node/deliver/channels.h"
#include "node/deliver/registry.h"
#include "node/stats/counters.h"
#include "proto/base/slice.h"

#include <stdbool.h>
#include <zmq.h>

struct inbox {
    struct registry *registry;
    struct channels *channels;
    struct counters *counters;
    unsigned max_targets; /* limits.handler_targets */
    bool flow_control;    /* download.flow_control */
    /* Whom a reply must name as its sender, as a whole: this node or its cluster ("" unknown). Ids
     * count within a node, so another node's reply would meet the wrong client; what is for the
     * cluster therefore names no ids. NULL: any, as on a single server, where the handler's
     * subscription decides. */
    const char *node, *cluster;
    /* Extended replies whose key is none of ours belong to plug-ins: does what `payload`, the list
     * of key and value, asks for, or closes the connection. NULL:
     * nobody has registered keys. */
    void (*plugin)(struct conn *c, struct slice key, struct slice payload);
};

/* What the sender is told: listeners that are not there. Declared by the caller of handlers, so
 * that deliver/ does not know backends. May be called several times per message. */
typedef void inbox_unknown_fn(void *sender, uint32_t conn_id);

/* Whose message it is. */
struct inbox_sender {
    const char *name; /* for the log */
    inbox_unknown_fn *unknown;
    void *arg;             /* of unknown */
    bool raw_payload, nul; /* see struct push */
};

/* Takes the content of *message, which stays initialised. A malformed message is dropped, counted
 * and logged (with its first bytes, at most once a second); nothing else is delayed by it.
 * Returns false when it was malformed. */
bool inbox_take(struct inbox *in, zmq_msg_t *message, const struct inbox_sender *from);

#endif
