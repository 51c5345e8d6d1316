/* Which protocol a message speaks: its first byte decides, for each message anew, so that one
 * connection may interleave HTTP with messages of JSON and XML sockets. */
#ifndef NODE_SESSION_IDENTIFY_H
#define NODE_SESSION_IDENTIFY_H

#include "node/io/conn.h"

#include <stdbool.h>

/* For sessions without state on this connection, at the beginning of a message, of which there is
 * at least a byte: true when it is another session's, which has the connection now and has had its
 * input. Return at once then. */
bool identify(struct conn *c);

#endif
