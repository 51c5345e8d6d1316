/* WebSockets whose route leads to a handler, from the opening handshake to the end of the
 * connection (RFC 6455), in two modes that a Handler chooses:
 *
 * raw       as Mongrel2: the handler gets the handshake and answers it itself; every message and
 *           every control frame of the client becomes one message to the handler; what the handler
 *           replies goes out as it is, frames included (websocket_raw.c).
 * messages  the node answers the handshake, pings and closes, and checks all that the RFC asks for;
 *           the handler gets and sends whole messages (websocket_messages.c).
 *
 * While a message for the handler waits at its backend, or output for the client, reading pauses:
 * nothing is dropped, and nothing grows without bound. */
#ifndef NODE_SESSION_WEBSOCKET_H
#define NODE_SESSION_WEBSOCKET_H

#include "node/exchange/exchange.h"
#include "node/io/session.h"

struct websocket;

/* For the session that has read the handshake `x`, whose route leads to a handler: NULL when it was
 * refused, which ends the exchange. Else the session detaches the exchange, lets go of its own
 * state, and calls websocket_start, which takes the connection over. */
struct websocket *websocket_create(struct exchange *x);
void websocket_start(struct websocket *ws);

#endif
