/* The opening handshake of WebSockets (RFC 6455 section 4): what is one, what is wrong with it, the
 * answer. */
#ifndef PROTO_HTTP_WS_HANDSHAKE_H
#define PROTO_HTTP_WS_HANDSHAKE_H

#include "proto/base/slice.h"
#include "proto/http/ws_deflate.h"

#include <stdbool.h>
#include <stddef.h>

struct request_head;

#define WS_ACCEPT_LENGTH 28 /* base64 of a SHA-1 */

/* Does the request ask for a WebSocket by Mongrel2's rule: Sec-WebSocket-Key,
 * Sec-WebSocket-Version and Host are there, Upgrade is "websocket", Connection has "upgrade" in it?
 * Says nothing about whether it does so properly. */
bool ws_handshake_is_asked(const struct request_head *h);

/* What answer it gets if it is not a handshake to the letter (section 4.2.1): 400, or 426 for
 * another version than 13; 0 when nothing is wrong with it. */
int ws_handshake_status(const struct request_head *h);

/* Sec-WebSocket-Accept for a Sec-WebSocket-Key of any content. */
void ws_handshake_accept(struct slice key, char out[WS_ACCEPT_LENGTH]);

/* The subprotocol that the client likes best, the first that it offers; empty when it offers none.
 */
struct slice ws_handshake_protocol(const struct request_head *h);

/* Writes the answer 101 to a handshake without fault: its length, or 0 when it does not fit.
 * `terms` of permessage-deflate, or NULL. */
size_t ws_handshake_answer(const struct request_head *h, const struct ws_deflate_terms *terms,
                           char *out, size_t room);

#endif
