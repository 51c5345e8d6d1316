/* The payload of an extended reply: a tnetstring list `[key, value]`.
 *
 *     "ctl"       {"keep-alive": any, "credits": N, "cancel": any}
 *     "sendfile"  PATH
 *     "ws"        {"text": DATA} | {"binary": DATA} | {"close": CODE, "reason": TEXT}
 *     "channel"   {"join": NAME} | {"leave": NAME}
 *                 | {"send": NAME, "data": DATA, "frame": "text"|"binary", "chunk": 1}
 *
 * Any other key belongs to a plug-in, which gets the whole list. Unknown keys of the dicts are
 * ignored. Borrowed bytes, no allocation. */
#ifndef PROTO_WIRE_HANDLER_XREPLY_H
#define PROTO_WIRE_HANDLER_XREPLY_H

#include "proto/base/buf.h"
#include "proto/base/slice.h"
#include "proto/wire/tnetstring.h"

#include <stdbool.h>
#include <stdint.h>

#define XREPLY_CHANNEL_NAME_MAX 255
#define XREPLY_CLOSE_REASON_MAX 123 /* RFC 6455 section 5.5: 125 bytes with the code */

enum xreply_kind { XREPLY_CTL, XREPLY_SENDFILE, XREPLY_WS, XREPLY_CHANNEL, XREPLY_OTHER };

enum xreply_status {
    XREPLY_OK,
    XREPLY_MALFORMED, /* no list of a string and a value: the reply is dropped */
    XREPLY_BAD_VALUE, /* a known key with a value of the wrong kind: its targets are closed */
};

enum xreply_ws { XREPLY_WS_TEXT, XREPLY_WS_BINARY, XREPLY_WS_CLOSE };
enum xreply_channel { XREPLY_JOIN, XREPLY_LEAVE, XREPLY_SEND };
enum xreply_frame { XREPLY_FRAME_NONE, XREPLY_FRAME_TEXT, XREPLY_FRAME_BINARY };

struct xreply {
    enum xreply_kind kind;
    struct slice key;
    struct tns_item value; /* as read; its inside is checked for the known kinds only */
    union {
        struct {
            bool keep_alive;
            bool cancel;
            bool has_credits;
            int64_t credits; /* bytes */
        } ctl;
        struct {
            struct slice path;
        } sendfile;
        struct {
            enum xreply_ws what;
            struct slice data; /* or the reason of a close */
            uint16_t code;     /* of a close, 1000 to 4999 */
        } ws;
        struct {
            enum xreply_channel what;
            struct slice name;       /* 1 to XREPLY_CHANNEL_NAME_MAX bytes */
            struct slice data;       /* of a send */
            enum xreply_frame frame; /* for WebSocket members */
            bool chunk;              /* for chunked responses */
        } channel;
    };
};

/* With XREPLY_BAD_VALUE, kind and key are set. */
enum xreply_status xreply_parse(struct slice payload, struct xreply *out);

/* Appends the payload; `value` and the key are taken from the kind, which is not XREPLY_OTHER. */
void xreply_encode(struct buf *out, const struct xreply *x);

#endif
