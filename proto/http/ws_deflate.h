/* Compression of WebSocket messages: permessage-deflate (RFC 7692).
 *
 * Each message is compressed by itself, in both directions: the server always answers with
 * server_no_context_takeover and client_no_context_takeover, which every client has to take
 * (sections 7.1.1.1 and 7.1.1.2). So a connection keeps no compression state at all, all of them
 * share one deflater and one inflater, and a message for many listeners is compressed once.
 *
 * A smaller window for what the server sends (server_max_window_bits) is granted. The deflater
 * stays as it is: a message that is no longer than the window cannot reach behind it; longer ones
 * go out uncompressed on such a connection. */
#ifndef PROTO_HTTP_WS_DEFLATE_H
#define PROTO_HTTP_WS_DEFLATE_H

#include "proto/base/buf.h"
#include "proto/base/slice.h"
#include "proto/http/field_lines.h"

#include <stdbool.h>
#include <stdint.h>

#define WS_DEFLATE_ANSWER 112 /* bytes of an answer with its NUL */
#define WS_DEFLATE_LEAST  64  /* shorter messages are sent as they are */

/* What was agreed on. */
struct ws_deflate_terms {
    uint8_t server_bits;    /* window of what the server compresses: 8 to 15 */
    bool names_server_bits; /* the client asked for that */
};

/* The first of the client's offers (Sec-WebSocket-Extensions) that can be kept; false: none. */
bool ws_deflate_negotiate(const struct field_list *l, struct ws_deflate_terms *terms);

/* Writes the value of Sec-WebSocket-Extensions. */
void ws_deflate_answer(const struct ws_deflate_terms *terms, char out[WS_DEFLATE_ANSWER]);

/* May a message of `len` bytes be compressed on a connection with these terms? */
static inline bool ws_deflate_fits(const struct ws_deflate_terms *terms, size_t len)
{
    return terms->server_bits == 15 || len <= (size_t)1 << terms->server_bits;
}

/* A deflater and an inflater: about 300 KiB once both have been used. */
struct ws_deflate;
struct ws_deflate *ws_deflate_create(void);    /* NULL when out of memory */
void ws_deflate_destroy(struct ws_deflate *d); /* NULL is fine */

/* Appends the compressed message, without the four bytes that its end stands for (section 7.2.1).
 * False when that is not shorter than the message (nothing is appended then). */
bool ws_deflate_message(struct ws_deflate *d, struct slice message, struct buf *out);

enum ws_inflate {
    WS_INFLATE_DONE,
    WS_INFLATE_BAD,       /* no such message */
    WS_INFLATE_TOO_LARGE, /* it has more than `most` bytes */
    WS_INFLATE_NO_MEMORY,
};

/* Appends the message of which `bytes` are the payload of all its frames: at most `most` bytes,
 * whatever is claimed. */
enum ws_inflate ws_inflate_message(struct ws_deflate *d, struct slice bytes, size_t most,
                                   struct buf *out);

#endif
