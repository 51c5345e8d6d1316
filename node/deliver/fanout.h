/* One message to all members of a channel: to each in the form that its protocol needs, each form
 * made once. */
#ifndef NODE_DELIVER_FANOUT_H
#define NODE_DELIVER_FANOUT_H

#include "node/deliver/channels.h"
#include "node/deliver/inbox.h"
#include "proto/wire/handler_xreply.h"

/* `x` is a send. `plain` has its data and how the handler speaks with sockets; its payload may be
 * shared. Members that can take nothing now (see session_ops.form) get nothing. Returns how many
 * got it. */
size_t fanout(struct inbox *in, const struct xreply *x, const struct push *plain);

#endif
