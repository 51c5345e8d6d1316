/* What header fields say about the length of the body and the life of the connection, for requests
 * and responses alike (RFC 9112 sections 6 and 9.3). Whatever two parties could read differently is
 * a fault: several lengths, length with coding, codings that do not end in one chunked. */
#ifndef PROTO_HTTP_FRAMING_H
#define PROTO_HTTP_FRAMING_H

#include "proto/http/field_lines.h"
#include "proto/http/parse.h"

#include <stdbool.h>
#include <stdint.h>

/* Content-Length and Transfer-Encoding: *length is -1 when there is none. */
enum parse_fault framing_read(const struct field_list *l, int version_minor, int64_t *length,
                              bool *chunked);

/* The tokens of Connection that this program acts on. */
struct framing_connection {
    bool close, keep_alive, upgrade;
};
struct framing_connection framing_connection(const struct field_list *l);

/* Does the connection persist after this message? */
static inline bool framing_keeps_alive(struct framing_connection c, int version_minor)
{
    return !c.close && (version_minor >= 1 || c.keep_alive);
}

#endif
