/* The message from a handler to a node:
 *
 *     SENDER SP LENGTH:[X SP]ID[ SP ID...], SP PAYLOAD
 *
 * SENDER is the UUID of the node (or of the cluster), the ids name the connections that get the
 * payload; an empty payload closes them. With `X` the payload is an extended reply, see
 * handler_xreply.h; only then the ids may be missing, for what concerns no connection in
 * particular ("1:X,").
 *
 * Reading allocates nothing and copies nothing; ids are checked once and then iterated as text. */
#ifndef PROTO_WIRE_HANDLER_REPLY_H
#define PROTO_WIRE_HANDLER_REPLY_H

#include "proto/base/buf.h"
#include "proto/base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum handler_reply_status {
    HANDLER_REPLY_OK,
    HANDLER_REPLY_BAD_SENDER,  /* empty, or other than letters, digits and `-` */
    HANDLER_REPLY_BAD_LENGTH,  /* the list of targets is no netstring */
    HANDLER_REPLY_BAD_TARGETS, /* its inside is no list of ids with single spaces */
    HANDLER_REPLY_ID_RANGE,    /* an id does not fit 32 bits */
    HANDLER_REPLY_NO_TARGETS,
    HANDLER_REPLY_TOO_MANY_TARGETS,
    HANDLER_REPLY_NO_SPACE, /* none behind the targets */
};

/* A sentence for the log. */
const char *handler_reply_status_text(enum handler_reply_status status);

/* Borrowed from the message. */
struct handler_reply {
    struct slice sender;
    bool extended;
    struct slice ids; /* for handler_reply_next */
    size_t id_count;  /* repeated ids are counted each time */
    struct slice payload;
};

/* `targets_max` is limits.handler_targets. *out is set only with HANDLER_REPLY_OK. */
enum handler_reply_status handler_reply_parse(struct slice bytes, size_t targets_max,
                                              struct handler_reply *out);

/* Takes the next id off *ids (a copy of handler_reply.ids); false when there is none. */
bool handler_reply_next(struct slice *ids, uint32_t *id);

/* Appends the whole message. */
void handler_reply_encode(struct buf *out, struct slice sender, const uint32_t *ids,
                          size_t id_count, bool extended, struct slice payload);

/* Appends everything before the payload. */
void handler_reply_encode_head(struct buf *out, struct slice sender, const uint32_t *ids,
                               size_t id_count, bool extended);

#endif
