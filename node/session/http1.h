/* HTTP/1.0 and 1.1 on one connection: keep-alive, pipelining answered in order, request bodies,
 * deadlines.
 *
 * Requests are served strictly one after the other; what a client sends ahead waits in the input
 * buffer. An idle connection has no state here (conn->session_state is NULL). RFC 9112. */
#ifndef NODE_SESSION_HTTP1_H
#define NODE_SESSION_HTTP1_H

#include "node/io/session.h"
#include "proto/base/freelist.h"

extern const struct session_ops session_http1;

/* Initialises the freelist worker->http1s. */
void http1_pool_init(struct freelist *pool);

#endif
