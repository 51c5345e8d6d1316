/* The messages between a node's handler port (ROUTER) and a pool worker (DEALER): docs/reference/
 * pool-protocol.md. A message is one or more frames; the first is a word, and what follows depends
 * on it. Frames are slices here, so that this file needs no messaging library.
 *
 * Reading borrows from the frames; writing borrows the long payloads (requests, replies, ids) and
 * renders only numbers and dicts into a scratch buf. Unknown words, unknown keys and further frames
 * are for later versions of the protocol: a receiver skips them. */
#ifndef PROTO_WIRE_POOL_FRAME_H
#define PROTO_WIRE_POOL_FRAME_H

#include "proto/base/buf.h"
#include "proto/base/slice.h"

#include <stddef.h>
#include <stdint.h>

#define POOL_FRAMES_MAX       3 /* that a message has, as written here */
#define POOL_NAME_MAX         255
#define POOL_REQUEST_ID_MAX   64
#define POOL_CAPACITY_MAX     1000000
#define POOL_HEARTBEAT_MS_MAX 3600000

enum pool_frame_type {
    POOL_READY,   /* worker: takes requests of a pool */
    POOL_WELCOME, /* node: accepted */
    POOL_REFUSED, /* node: not accepted, with a sentence */
    POOL_REQUEST, /* node: a request */
    POOL_CREDIT,  /* worker: there is room, or your place is held */
    POOL_REPLY,   /* worker: a reply message */
    POOL_WANT,    /* node: requests are waiting; 0 takes it back */
    POOL_RETURN,  /* worker: this request was not started */
    POOL_PING,    /* both */
    POOL_PONG,    /* both */
    POOL_BYE,     /* both: no new requests from now on */
    POOL_FRAME_TYPES
};

/* The word on the wire. */
const char *pool_frame_name(enum pool_frame_type type);

struct pool_frame {
    enum pool_frame_type type;
    union {
        struct {
            struct slice pool;   /* 1 to POOL_NAME_MAX bytes */
            struct slice worker; /* UUID */
            uint32_t capacity;   /* requests at a time over all nodes, 1 to POOL_CAPACITY_MAX */
            struct slice name;   /* for people; may be empty */
            struct slice host;   /* for people; may be empty */
            int64_t pid;         /* for people; 0 unknown */
        } ready;
        struct {
            struct slice node;     /* UUID: what replies name */
            struct slice cluster;  /* UUID; empty on a single server */
            uint32_t heartbeat_ms; /* 1 to POOL_HEARTBEAT_MS_MAX */
        } welcome;
        struct {
            struct slice error; /* a sentence */
        } refused;
        struct {
            struct slice id;      /* 1 to POOL_REQUEST_ID_MAX bytes, chosen by the node */
            struct slice message; /* handler_message.h */
        } request;
        struct {
            uint32_t count;
        } credit; /* at least 1 */
        struct {
            uint32_t count;
        } want;
        struct {
            struct slice message; /* handler_reply.h */
        } reply;
        struct {
            struct slice id;
        } returned;
    };
};

enum pool_frame_status {
    POOL_FRAME_OK,
    POOL_FRAME_UNKNOWN,   /* an unknown word: skip */
    POOL_FRAME_MALFORMED, /* a known word with something else than it needs behind it */
};

enum pool_frame_status pool_frame_decode(const struct slice *frames, size_t count,
                                         struct pool_frame *out);

/* Fills `frames` and returns how many there are (at most POOL_FRAMES_MAX). What had to be rendered
 * is in `scratch`, which is cleared first: the frames are good until it changes. */
size_t pool_frame_encode(const struct pool_frame *f, struct slice frames[POOL_FRAMES_MAX],
                         struct buf *scratch);

#endif
