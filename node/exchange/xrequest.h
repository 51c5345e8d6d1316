/* Extended replies that belong to plug-ins. */
#ifndef NODE_EXCHANGE_XREQUEST_H
#define NODE_EXCHANGE_XREQUEST_H

#include "node/io/conn.h"
#include "proto/base/slice.h"

/* Hands the reply's list (`payload`, a tnetstring whose first element is `key`) to the plug-in of
 * the running configuration that has asked for the key. Closes the connection when there is none,
 * when the payload is malformed inside, or when the plug-in says so. */
void xrequest_dispatch(struct conn *c, struct slice key, struct slice payload);

#endif
