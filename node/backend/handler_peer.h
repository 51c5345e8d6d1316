/* One Handler row as its requests are written: the ident they begin with, the format of the
 * headers, and the backend they go through. Counted, because connections keep the one they last
 * used for the disconnect notice, longer than the configuration it came from. */
#ifndef NODE_BACKEND_HANDLER_PEER_H
#define NODE_BACKEND_HANDLER_PEER_H

#include "node/backend/backend.h"
#include "proto/wire/handler_request.h"

#include <stdbool.h>
#include <stdint.h>

struct handler_peer {
    unsigned refs;
    struct list link;        /* in backend->peers */
    struct backend *backend; /* a reference */
    enum handler_format format;
    char *ident;             /* "" possible */
    char *recv_ident;        /* subscribed at the backend; NULL for pools */
    bool websocket_messages; /* the node speaks the protocol, the handler gets messages */
};

/* Takes over the caller's reference to `backend`, also on failure. NULL when out of memory. */
struct handler_peer *handler_peer_create(struct backend *backend, const char *ident,
                                         enum handler_format format, struct error *e);
struct handler_peer *handler_peer_ref(struct handler_peer *p);
void handler_peer_unref(struct handler_peer *p); /* NULL is fine */

/* Tells the handler that this connection is gone. */
void handler_peer_disconnected(struct handler_peer *p, uint32_t conn_id);

/* Tells the handler that a reply of so many bytes has been written to this connection. */
void handler_peer_credit(struct handler_peer *p, uint32_t conn_id, uint64_t bytes);

/* Tells whoever is behind this backend that a reply named a connection that is not there; nobody
 * when no configured row uses the backend any more. */
void handler_peer_report_unknown(struct backend *backend, uint32_t conn_id);

#endif
