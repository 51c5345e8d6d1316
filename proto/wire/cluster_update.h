/* What a coordinator publishes: two frames, the topic and `[kind, {args}]`.
 *
 * Topic `commit` carries prepare, activate and abort; `beat` the coordinator's own heart beat;
 * `pool.NAME` the directory of one pool. Updates are hints that may be lost: the beat says what is
 * true. Decoding is as strict as that of requests, except that fields which a newer coordinator
 * adds are the reason for a new protocol number, not passed over. A decoded update borrows from its
 * bytes and from the arena. */
#ifndef PROTO_WIRE_CLUSTER_UPDATE_H
#define PROTO_WIRE_CLUSTER_UPDATE_H

#include "proto/base/arena.h"
#include "proto/base/buf.h"
#include "proto/base/error.h"
#include "proto/wire/cluster_msg.h"
#include "proto/wire/field.h"

#include <stdint.h>

#define CLUSTER_TOPIC_COMMIT "commit"
#define CLUSTER_TOPIC_BEAT   "beat"
#define CLUSTER_TOPIC_POOL   "pool." /* and the pool's name */

enum cluster_update_kind {
    UPDATE_PREPARE,
    UPDATE_ACTIVATE,
    UPDATE_ABORT,
    UPDATE_BEAT,
    UPDATE_POOL,
    UPDATE_KIND_COUNT
};

struct cluster_prepare {
    int64_t token; /* fencing token of the leader that publishes */
    int64_t version;
    struct slice hash;
    struct slice commit; /* the record, as proto/model/commit.h encodes it */
    struct slice delta;  /* not empty: the record has no configuration, it is the parent's with this
                            (proto/model/delta.h) */
};

struct cluster_decision { /* activate, abort */
    int64_t token;
    int64_t version;
    struct slice hash;
    struct slice reason; /* abort: a sentence */
};

struct cluster_head_beat {
    struct slice cluster; /* its UUID */
    struct slice name;    /* the coordinator's */
    bool leader;
    int64_t token;
    int64_t version; /* the head; 0: no commit yet */
    struct slice hash;
    int64_t pending; /* version of the push being prepared; 0: none */
    struct slice pending_hash;
    int64_t interval_ms; /* until the next beat */
    /* The leader's alone. All orders that stand, for cluster_standing_read. */
    int64_t orders_seq; /* grows with every change; 0: they are not known yet */
    struct slice orders;
    int64_t keys_seq;    /* likewise, of the keys; 0 too when there are none */
    int64_t tickets_seq; /* likewise, of the keys of TLS session tickets */
};

struct cluster_pool_update {
    struct slice pool;
    struct slice headers; /* for cluster_table_decode: pool, node, uuid, endpoint */
    struct slice rows;
};

struct cluster_update {
    enum cluster_update_kind kind;
    union {
        struct cluster_prepare prepare;
        struct cluster_decision decision;
        struct cluster_head_beat beat;
        struct cluster_pool_update pool;
    };
};

const char *cluster_update_name(enum cluster_update_kind kind);
/* Fields of a kind, for the reference page. */
const struct field *cluster_update_fields(enum cluster_update_kind kind, size_t *count);

void cluster_update_init(struct cluster_update *u, enum cluster_update_kind kind);

/* Decodes the second frame. ERROR_INVALID, ERROR_TOO_LARGE, ERROR_UNSUPPORTED (unknown kind),
 * ERROR_NO_MEMORY. */
int cluster_update_decode(struct cluster_update *out, struct slice bytes, size_t max,
                          struct arena *a, struct error *e);
void cluster_update_encode(struct buf *out, const struct cluster_update *u);

#endif
