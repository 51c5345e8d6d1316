/* Extended replies: what a handler asks the server to do with a listener instead of writing bytes.
 */
#ifndef NODE_DELIVER_XREPLY_H
#define NODE_DELIVER_XREPLY_H

#include "node/io/conn.h"
#include "proto/wire/handler_xreply.h"

/* Does it; NULL stands for one with a bad value: closes, as upstream. Keys that nobody has
 * registered close too. */
void xreply_apply(struct conn *c, const struct xreply *x);

#endif
