/* Mongrel2's own handler protocol: a PUSH socket for requests and a SUB socket for replies, both
 * bound, reference manual "Handler ZeroMQ format". Handlers connect to them and never notice the
 * server's configuration changing.
 *
 * A PUSH handler cannot say that it has room ("blind"): requests are dealt round robin by ZeroMQ to
 * whoever is connected. While nobody takes them they wait here, bounded in number and time, then
 * 503; what waits for a client that has left is never sent. */
#ifndef NODE_BACKEND_CLASSIC_H
#define NODE_BACKEND_CLASSIC_H

#include "node/backend/backend.h"
#include "proto/base/error.h"

struct classic_options {
    const char *send_spec;
    const char *recv_spec;
    const char *identity;         /* routing id of the PUSH socket; may be "" */
    struct backend_limits limits; /* of a new pair; an old one's change by backend_ops.limit */
};

/* The pair for these endpoints with one more reference: the one that is bound already, or a new one
 * (then binding can fail), which shares with others the end that is bound. NULL with *e. */
struct backend *classic_get(struct backends *s, const struct classic_options *o, struct error *e);

/* Takes replies that begin with this ident ("" = all); counted, undone by classic_unsubscribe. */
int classic_subscribe(struct backend *b, const char *ident, struct error *e);
void classic_unsubscribe(struct backend *b, const char *ident);

/* The node is now one of this cluster: what is addressed to it is taken by all pairs, those that
 * come later too. */
void classic_join_cluster(struct backends *s, const char *uuid);

#endif
