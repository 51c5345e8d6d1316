/* Writes the message from a node to a handler:
 *
 *     SENDER SP CONN_ID SP PATH SP HEADERS BODY
 *
 * HEADERS is a netstring of a JSON object or a tnetstring dict, BODY a netstring: byte for byte as
 * Mongrel2 writes it, in one pass and without allocating anything but the growth of the output.
 * handler_message.h is the reading side.
 *
 * Names in upper case belong to the server and can be trusted by handlers, because client names
 * are written in lower case. Which client headers a handler may see (x-forwarded-for,
 * x-mongrel2-*) is decided by the caller. */
#ifndef PROTO_WIRE_HANDLER_REQUEST_H
#define PROTO_WIRE_HANDLER_REQUEST_H

#include "proto/base/buf.h"
#include "proto/base/slice.h"

#include <stddef.h>
#include <stdint.h>

enum handler_format { HANDLER_JSON, HANDLER_TNETSTRING };

/* The word of the configuration: exactly "tnetstring" selects that, anything else JSON. */
enum handler_format handler_format_from_name(struct slice protocol);

struct handler_field {
    struct slice name;
    struct slice value;
};

/* The server's own keys that describe the request, in the order of the JSON form. */
enum handler_key {
    HANDLER_KEY_PATH,
    HANDLER_KEY_METHOD,
    HANDLER_KEY_VERSION,
    HANDLER_KEY_URI,
    HANDLER_KEY_QUERY,
    HANDLER_KEY_FRAGMENT,
    HANDLER_KEY_PATTERN,
    HANDLER_KEY_URL_SCHEME,
    HANDLER_KEY_REMOTE_ADDR,
    HANDLER_KEY_COUNT
};

/* Values of one repeated header that are shown; the rest are left out, as Mongrel2 does. */
#define HANDLER_VALUES_MAX 5
/* Client fields that are shown; the rest are left out. Above any sensible limits.header_count. */
#define HANDLER_FIELDS_MAX 2048

/* Everything is borrowed. Zero-initialise, then set what there is. */
struct handler_request {
    struct slice sender; /* send_ident, or the node's UUID in a cluster; no spaces */
    uint32_t conn_id;
    struct slice path;                    /* no spaces */
    struct slice keys[HANDLER_KEY_COUNT]; /* ptr NULL: absent; an empty QUERY is present */
    const struct handler_field *fields;   /* the client's, in arrival order, names in any case and
                                             lower-cased here; repeated ones become a list at the
                                             place of the first; name.ptr NULL: left out */
    size_t field_count;
    const struct handler_field *extras; /* the server's others, after the client's, names as they
                                           are: "x-forwarded-for", "FLAGS", "UPLOAD_STREAM" … */
    size_t extra_count;
    struct slice body;
};

/* Appends the whole message. Check out->failed. */
void handler_request_encode(struct buf *out, const struct handler_request *r,
                            enum handler_format format);

/* Appends the message up to the first byte of a body of `body_len` bytes, so that the caller can
 * put the body itself (r->body is ignored) and the closing `,` behind it without a copy. */
void handler_request_encode_head(struct buf *out, const struct handler_request *r,
                                 enum handler_format format, size_t body_len);

/* Tells a handler that the connection is gone. */
void handler_request_disconnect(struct buf *out, struct slice sender, uint32_t conn_id,
                                enum handler_format format);

/* Tells a handler that `credits` bytes of its replies were written to the client. */
void handler_request_credits(struct buf *out, struct slice sender, uint32_t conn_id,
                             enum handler_format format, uint64_t credits);

#endif
