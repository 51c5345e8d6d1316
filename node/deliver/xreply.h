/* Extended replies: what a handler asks the server to do with a listener instead of writing bytes.
 */
#ifndef NODE_DELIVER_XREPLY_H
#define NODE_DELIVER_XREPLY_H

#include "node/io/conn.h"
#include "proto/wire/handler_xreply.h"

/* What is pushed to each listener of the reply, when it is one that says something to clients. */
struct push xreply_push(const struct xreply *x);

/* Does it; NULL stands for one with a bad value: closes, as upstream. Keys that nobody has
 * registered close too, and so do messages for a WebSocket to a connection that is none, or whose
 * frames are the handler's. `push` is that of xreply_push, for all listeners. */
void xreply_apply(struct conn *c, const struct xreply *x, struct push *push);

#endif
