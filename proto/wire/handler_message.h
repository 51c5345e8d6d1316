/* Reads the message from a node to a handler (written by handler_request.h), for the handler
 * library. Everything is borrowed from the message; only the array of headers, and text whose JSON
 * escapes had to be resolved, live in an arena. */
#ifndef PROTO_WIRE_HANDLER_MESSAGE_H
#define PROTO_WIRE_HANDLER_MESSAGE_H

#include "proto/base/arena.h"
#include "proto/base/error.h"
#include "proto/base/slice.h"
#include "proto/wire/handler_request.h"

#include <stddef.h>
#include <stdint.h>

/* A message taken apart. */
struct handler_message {
    struct slice sender;
    uint32_t conn_id;
    struct slice path;
    enum handler_format format;
    struct slice headers; /* inside of the JSON netstring or of the dict, not yet looked at */
    struct slice body;
};

/* ERROR_INVALID with what was expected. */
int handler_message_parse(struct slice bytes, struct handler_message *m, struct error *e);

/* The headers as a flat array in the arena, in message order; a list gives one entry per value.
 * Names and values are borrowed from the message, or, where JSON escapes had to be resolved, from
 * the arena. Numbers and booleans appear as their text. ERROR_INVALID, ERROR_NO_MEMORY. */
int handler_message_headers(const struct handler_message *m, struct arena *a,
                            struct handler_field **fields, size_t *count, struct error *e);

/* What the node says on its own account, on the path "@*". */
enum handler_notice {
    HANDLER_NOTICE_NONE, /* a request of a client */
    HANDLER_NOTICE_DISCONNECT,
    HANDLER_NOTICE_CREDITS,
};

/* Tells a notice by its headers too, because a client may send such a path and body itself.
 * *credits is set with HANDLER_NOTICE_CREDITS only. */
enum handler_notice handler_message_notice(const struct handler_message *m,
                                           const struct handler_field *fields, size_t count,
                                           uint64_t *credits);

#endif
