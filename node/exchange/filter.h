/* Filters: loadable functions that see what happens to connections before it happens, and may end
 * them. The events and what a filter may do are described in node/plugin/mongrel2/plugin.h; which
 * filters there are, and in which order, is a matter of the snapshot: of the exchange's, or of the
 * running one when there is no exchange.
 *
 * Without filters all that happens here is one test of snapshot->filter_events. */
#ifndef NODE_EXCHANGE_FILTER_H
#define NODE_EXCHANGE_FILTER_H

#include "node/conf/snapshot.h"
#include "node/exchange/exchange.h"
#include "node/plugin/mongrel2/plugin.h"

#include <stdbool.h>

/* What filters may know of a message that is no HTTP request: all borrowed, all may be empty. */
struct filter_subject {
    struct slice method; /* "JSON" … */
    struct slice path;
};

static inline bool filter_is_on(const struct snapshot *s)
{
    return __builtin_expect(s->plugins.filter_events != 0, 0);
}

/* ---- for sessions without exchanges: JSON and XML sockets, WebSockets --------------------------
 *
 * A message of a socket is M2_REQ_RECV, M2_MSG_REQ, M2_HANDLER, M2_REQ_SENT; a request for the
 * policy of Flash sockets M2_REQ_RECV, M2_SOCKET_REQ; a frame of a WebSocket M2_REQ_SENT. (M2_OPEN
 * and M2_CLOSE come from the connection, the opening of a WebSocket up to M2_HANDLER from
 * exchange_serve.) */

/* Runs the filters of the running configuration; `about` NULL: nothing is known. False: the
 * connection has been closed, go no further. */
bool filter_conn_event(struct conn *c, enum m2_event event, const struct filter_subject *about);

/* ---- for exchanges and targets; false: the connection has been closed --------------------------
 */

bool filter_event(struct exchange *x, enum m2_event event);
/* The request has come and its route is known: everything up to M2_DIRECTORY, M2_HANDLER, M2_PROXY.
 * `opens`: it opens a WebSocket, unless a filter has it taken for an ordinary request. */
bool filter_arrived(struct exchange *x, bool opens);

enum filter_verdict { FILTER_GO_ON, FILTER_FAIL, FILTER_CLOSED };
/* A proxied server is connected; FILTER_FAIL: it is to be taken for one that cannot be reached.
 * Called again for the same exchange it does nothing. */
enum filter_verdict filter_connected(struct exchange *x);
/* None can be connected. */
bool filter_unreachable(struct exchange *x);
/* The exchange ends with its answer complete: clears x->keep_alive when a filter closes. */
void filter_answered(struct exchange *x);

/* ---- for the server ----------------------------------------------------------------------------
 */

void filter_opened(struct conn *c);
/* The connection is going: tells the filters, lets go of what they keep for it. */
void filter_closed(struct conn *c);

#endif
