/* Heads as an intermediary passes them on (RFC 9110 section 7.6): what is meant for this hop alone
 * is left out (Connection and what it names, Keep-Alive, TE, Trailer, Transfer-Encoding, Upgrade,
 * Proxy-Connection), framing is said anew, lines end in CRLF whatever they ended in. Lines are
 * copied in runs, not one by one. */
#ifndef PROTO_HTTP_FORWARD_H
#define PROTO_HTTP_FORWARD_H

#include "proto/http/request_head.h"
#include "proto/http/response_head.h"

#include <stdbool.h>
#include <stddef.h>

struct forward_request {
    const struct request_head *head;
    struct slice peer;     /* the client's address, for X-Forwarded-For */
    struct slice scheme;   /* "http" or "https", for X-Forwarded-Proto */
    struct slice fallback; /* Host when the client sent none (HTTP/1.0) */
    bool websocket;        /* the handshake is passed on, with Connection and Upgrade */
    bool keeps_forwarded;  /* believe the client's X-Forwarded-* and Forwarded and add to them;
                              else they are replaced */
};

/* Bytes that are enough for the head below. */
size_t forward_request_room(const struct forward_request *f);

/* Writes the head of the request for an upstream: HTTP/1.1, persistent, with Via, X-Forwarded-*
 * and Forwarded (RFC 7239),
 * Content-Length or chunked as received, Expect as received. Returns the length; 0 when Connection
 * names more fields than anybody needs (400). */
size_t forward_request_write(const struct forward_request *f, char *out, size_t room);

size_t forward_response_room(const struct response_head *h);

/* Writes the field lines of a response for a client, without framing and Connection, without the
 * empty line. Returns the length. */
size_t forward_response_fields(const struct response_head *h, char *out, size_t room);

#endif
