/* Where a message body ends (RFC 9112 sections 6 and 7): by length, chunked, or at the end of the
 * connection. Takes bytes as they come and hands out the content in borrowed pieces, without
 * copying and without waiting for whole chunks. For requests and for responses.
 *
 * Strict in chunks: digits without white space around them, CRLF only, sizes up to 63 bits. Chunk
 * extensions are stepped over; trailer fields are checked and dropped; both are bounded.
 *
 *     while ((r = body_feed(&b, in, &used, &piece)) == PARSE_PIECE)
 *         take(piece), in = slice_from(in, used);
 *
 * PARSE_DONE: the body is over, the bytes behind `used` are the next message's. PARSE_MORE: all of
 * `in` was used. PARSE_BAD: b.fault; the connection cannot be used any further. */
#ifndef PROTO_HTTP_BODY_H
#define PROTO_HTTP_BODY_H

#include "proto/base/slice.h"
#include "proto/http/parse.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BODY_EXTENSION_MAX 1024  /* bytes of one chunk's extensions */
#define BODY_EXCESS_MAX    16384 /* bytes of extensions beyond twice the data they came with */
#define BODY_TRAILER_MAX   8192  /* bytes of the trailer section */

struct body {
    uint64_t received; /* bytes of content so far */
    uint64_t left;     /* of the length, or of the chunk at hand */
    uint32_t line;     /* bytes of the extension or trailer section at hand */
    uint32_t excess;   /* bytes of extensions that were not paid for by data */
    uint8_t digits;    /* of the chunk size at hand */
    uint8_t state;     /* private */
    enum parse_fault fault;
};

/* A body of `length` bytes, chunked, or none: as the head says (length -1: none). */
void body_init(struct body *b, bool chunked, int64_t length);
/* A response body that ends with the connection: never PARSE_DONE. */
void body_init_until_close(struct body *b);

/* The next piece of content in `in`; *used bytes of it are over, the piece's included. */
enum parse_result body_feed(struct body *b, struct slice in, size_t *used, struct slice *piece);

/* Steps over framing and content alike: where in `in` does the message end? For those who relay or
 * watch the bytes as they are. */
enum parse_result body_skip(struct body *b, struct slice in, size_t *used);

/* Is what was handed out last the end of a chunk? */
bool body_chunk_ended(const struct body *b);

/* Steps over `len` bytes of content without seeing them; false, with nothing done, when that many
 * are not due here (the rest of the length, or of the chunk at hand). */
bool body_content(struct body *b, uint64_t len);

/* Has the end been reached? True at once for a body of no bytes. */
bool body_is_done(const struct body *b);

#endif
