/* What the node says to a handler about a connection: requests, WebSocket frames, messages of JSON
 * and XML sockets, parts of uploads. Decides which of the client's header fields a handler sees and
 * which the server adds; the bytes are written by proto/wire/handler_request.h.
 *
 * Everything in a message is borrowed. */
#ifndef NODE_EXCHANGE_HANDLER_MESSAGE_H
#define NODE_EXCHANGE_HANDLER_MESSAGE_H

#include "node/backend/handler_peer.h"
#include "node/exchange/exchange.h"
#include "node/io/conn.h"
#include "proto/base/buf.h"
#include "proto/http/field_lines.h"

#include <stddef.h>

#define HANDLER_EXTRAS_MAX 8 /* further headers of the server's, besides x-forwarded-for */

struct handler_message {
    const struct handler_peer *peer;
    const struct conn *conn; /* has an id: handler_enlist */
    struct slice path;       /* the third word; no spaces */
    /* Of these PATH, URL_SCHEME and REMOTE_ADDR are filled in when `is_whole`. */
    struct slice keys[HANDLER_KEY_COUNT];
    const struct field_list *fields; /* the client's; NULL: none */
    struct handler_field extras[HANDLER_EXTRAS_MAX];
    size_t extra_count;
    bool keep_xff;          /* no_clobber_xff: the client's X-Forwarded-For stays as it is */
    bool shows_certificate; /* that the client has shown: PEER_CERT_*; not for JSON and XML sockets
                             */
    bool is_whole; /* false: nothing but `keys` and `extras` as they are (parts of an upload) */
};

/* Begins a message about this connection, whole, with nothing but its path and pattern. */
void handler_message_init(struct handler_message *m, const struct handler_peer *peer,
                          const struct conn *c, const struct settings *s, struct slice path,
                          struct slice pattern);

/* The message of an HTTP request, WebSocket handshakes among them: all keys and fields of its head.
 * Borrows from x->head. */
void handler_message_of_request(struct handler_message *m, const struct exchange *x,
                                const struct handler_peer *peer);

/* Adds a header of the server's; at most HANDLER_EXTRAS_MAX. `name` and `value` are borrowed. */
void handler_message_add(struct handler_message *m, struct slice name, struct slice value);

/* Appends the message up to the first byte of a body of `body_len` bytes; the body and a ',' come
 * behind. Check out->failed. */
void handler_message_encode(struct buf *out, const struct handler_message *m, size_t body_len);

/* Gives the connection an id unless it has one, and makes `peer` the one that hears of its end. 0,
 * or -1 when out of memory. */
int handler_enlist(struct conn *c, struct handler_peer *peer);

#endif
