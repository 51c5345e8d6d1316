/* JSON and XML sockets: each message of the client goes to the handler that its route leads to, in
 * the default host; what the handler replies goes out in base64, or as it is. The node answers
 * pings and Flash's question for a policy itself.
 *
 * A message has no answer of its own. While messages wait at their backend, reading pauses; when
 * no handler takes them in time, the connection is closed: nothing is lost in silence. */
#ifndef NODE_SESSION_JSSOCKET_H
#define NODE_SESSION_JSSOCKET_H

#include "node/io/session.h"
#include "proto/base/freelist.h"

extern const struct session_ops session_jssocket;

/* Initialises the freelist worker->jssockets. */
void jssocket_pool_init(struct freelist *pool);

#endif
