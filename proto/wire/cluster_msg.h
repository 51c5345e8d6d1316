/* Requests of the cluster protocol: `[verb, {args}]`, one struct per verb.
 *
 * Sent by m2sh, nodes and handler libraries to a coordinator, and (only `control` and `order`) by a
 * coordinator to a node. Answers are in cluster_reply.h, what a coordinator publishes is in
 * cluster_update.h. The table in cluster_verbs.c is the protocol: names, fields, bounds, roles.
 *
 * Decoding is strict and total: whatever the bytes, it fills the struct or says in one sentence
 * what is wrong. Strings in a decoded request borrow from the input, lists live in the arena.
 * Specification: docs/reference/cluster-protocol.md. */
#ifndef PROTO_WIRE_CLUSTER_MSG_H
#define PROTO_WIRE_CLUSTER_MSG_H

#include "proto/base/arena.h"
#include "proto/base/buf.h"
#include "proto/base/error.h"
#include "proto/base/slice.h"
#include "proto/wire/cluster_role.h"
#include "proto/wire/field.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLUSTER_PROTOCOL    1
#define CLUSTER_MESSAGE_MAX ((size_t)64 << 20) /* default bound of one message, bytes */

/* Versions count from 1; 0 stands for "none yet" or "the newest", as each field says. */

enum cluster_verb {
    CLUSTER_HELLO,
    CLUSTER_JOIN,
    CLUSTER_BEAT,
    CLUSTER_LEAVE,
    CLUSTER_HEAD,
    CLUSTER_GET,
    CLUSTER_LOG,
    CLUSTER_DIFF,
    CLUSTER_CHECK,
    CLUSTER_PUSH,
    CLUSTER_ROLLBACK,
    CLUSTER_PREPARED,
    CLUSTER_APPLIED,
    CLUSTER_NODES,
    CLUSTER_POOLS,
    CLUSTER_WORKERS,
    CLUSTER_WATCH,
    CLUSTER_PROMOTE,
    CLUSTER_ABORT,
    CLUSTER_ORDER,
    CLUSTER_ORDERS,
    CLUSTER_NOTE,
    CLUSTER_CONTROL,
    CLUSTER_STATS,
    CLUSTER_KEYS,
    CLUSTER_KEY,
    CLUSTER_TICKETS,
    CLUSTER_PAGE,
    CLUSTER_RECORDS,
    CLUSTER_VERB_COUNT
};

enum cluster_verb_flag {
    VERB_READ = 1,    /* changes nothing: may be asked again of another coordinator */
    VERB_ONE_WAY = 2, /* answered only when refused; needs no seq */
};

/* How many of the nodes concerned must be ready for a push to go on. */
enum cluster_policy { POLICY_ALL, POLICY_MAJORITY, POLICY_ANY };

/* What a node says of itself in its beats. */
enum cluster_condition {
    CONDITION_READY,
    CONDITION_DRAINING,
    CONDITION_NACKED,   /* the head cannot be applied here: the sentence is in `error` */
    CONDITION_DIVERGED, /* the coordinator's history is not the one this node has seen */
};

enum cluster_order_kind { ORDER_DRAIN, ORDER_UNDRAIN, ORDER_PAUSE, ORDER_RESUME };
enum cluster_key_action { KEY_ADD, KEY_REVOKE };

struct cluster_author {
    struct slice who;   /* user */
    struct slice where; /* host */
    struct slice how;   /* command line */
    struct slice why;   /* the reason given */
};

struct cluster_hello {
    int64_t protocol;
    struct slice program; /* "m2sh 2.0.0" */
};

struct cluster_join {
    struct slice uuid;
    struct slice boot; /* a UUID made when the process started */
    struct slice name;
    struct slice server; /* name of the server row that the node runs */
    struct slice host;
    int64_t pid;
    struct slice program;
    struct field_strings addresses; /* where clients reach it */
    struct slice handler;           /* endpoint of its handler port; empty without pools */
    struct slice control;           /* endpoint of its control port */
    struct field_strings pools;     /* names of the pools it has */
    struct slice cluster;           /* UUID of the cluster that it belongs to; empty when new */
    int64_t version;                /* the commit it holds; 0 none */
    struct slice hash;
};

struct cluster_beat {
    struct slice uuid;
    struct slice boot;
    int64_t version;
    struct slice hash;
    int condition; /* enum cluster_condition */
    struct slice error;
    int64_t connections;       /* open now */
    int64_t in_flight;         /* requests being answered now */
    int64_t requests;          /* since the node started */
    int64_t errors;            /* of those, answered 5xx */
    struct field_ints latency; /* since the last beat: histogram bucket, count, bucket, count … */
    int64_t orders;            /* orders_seq of the beat whose orders it follows; 0 none yet */
};

struct cluster_leave {
    struct slice uuid;
    struct slice boot;
    struct slice reason;
};

struct cluster_get {
    int64_t version; /* 0: the head */
    int64_t have;    /* the asking node's version: its hash must be in the same history */
    struct slice have_hash;
    struct slice hash; /* also find the push that is being decided, if it has this hash */
    bool without_config;
};

struct cluster_log {
    int64_t count;
    int64_t before; /* versions below this; 0: from the head */
};

struct cluster_diff {
    int64_t from;        /* 0: the head */
    int64_t to;          /* 0: the head; not with config */
    struct slice config; /* canonical configuration to compare with instead of `to` */
};

struct cluster_check {
    struct slice config;
    bool nodes; /* the nodes try it too */
    int64_t timeout_ms;
};

struct cluster_push {
    struct slice config; /* canonical form; rollback: empty */
    int64_t version;     /* rollback: the commit whose content it takes */
    struct cluster_author author;
    int64_t base;        /* the head that the author saw; -1: whatever it is */
    int policy;          /* enum cluster_policy */
    struct slice canary; /* count, percent or names; empty: none */
    int64_t hold_s;
    bool dry;           /* stop after DECIDE and take it back */
    int64_t timeout_ms; /* for each of PREPARE and ACTIVATE */
};

/* `prepared` and `applied`: what became of a commit on a node. */
struct cluster_ack {
    struct slice uuid;
    int64_t version;
    struct slice hash;
    bool ok;
    struct slice code; /* of the error: "INVALID" … */
    struct slice object;
    struct slice error;
};

struct cluster_nodes {
    struct slice node; /* name or UUID; empty: all */
};

struct cluster_pools {
    struct slice pool; /* empty: all */
};

struct cluster_watch {
    int64_t since;   /* the last event known; 0: from the oldest that is kept; -1: only new ones */
    int64_t count;   /* at most so many */
    int64_t wait_ms; /* how long to wait for the first */
};

struct cluster_decide { /* promote, abort */
    int64_t version;    /* 0: the push that is running, or the canary that is held */
    struct cluster_author author;
};

struct cluster_order {
    int kind; /* enum cluster_order_kind */
    struct slice node;
    struct slice pool;
    struct cluster_author author;
    int64_t expires_s; /* 0: never */
};

struct cluster_note {
    struct slice what;
    struct cluster_author author;
};

struct cluster_control {
    struct slice node;    /* name or UUID */
    struct slice request; /* a control port request, as the node's own port takes it */
};

struct cluster_key {
    int action;         /* enum cluster_key_action */
    struct slice key;   /* public key, Z85 */
    struct slice role;  /* add: see cluster_role.h */
    struct slice owner; /* add: whose key it is */
    struct cluster_author author;
};

struct cluster_records {
    struct slice kind; /* note, outcome, order, key */
    struct slice before;
    int64_t count;
};

struct cluster_request {
    enum cluster_verb verb;
    int64_t seq; /* repeated by every answer; 0 in one-way requests */
    union {
        struct cluster_hello hello;
        struct cluster_join join;
        struct cluster_beat beat;
        struct cluster_leave leave;
        struct cluster_get get;
        struct cluster_log log;
        struct cluster_diff diff;
        struct cluster_check check;
        struct cluster_push push; /* rollback too */
        struct cluster_ack ack;   /* prepared, applied */
        struct cluster_nodes nodes;
        struct cluster_pools pools; /* workers too */
        struct cluster_watch watch;
        struct cluster_decide decide; /* promote, abort */
        struct cluster_order order;
        struct cluster_note note;
        struct cluster_control control;
        struct cluster_key key;
        struct cluster_records records;
    };
};

struct cluster_verb_info {
    const char *name;
    unsigned roles; /* enum cluster_role, or-ed */
    unsigned flags; /* enum cluster_verb_flag, or-ed */
    const struct field *fields;
    size_t field_count;
    const char *help; /* one sentence */
};

/* The row of a verb; never NULL. */
const struct cluster_verb_info *cluster_verb(enum cluster_verb verb);
const char *cluster_verb_name(enum cluster_verb verb);

/* An empty request with every field at its default. */
void cluster_request_init(struct cluster_request *r, enum cluster_verb verb);

/* Decodes one message of at most `max` bytes. Also after failure, out->seq is the message's if one
 * could be read, so that the refusal can carry it. ERROR_INVALID, ERROR_TOO_LARGE,
 * ERROR_UNSUPPORTED (unknown verb), ERROR_NO_MEMORY. */
int cluster_request_decode(struct cluster_request *out, struct slice bytes, size_t max,
                           struct arena *a, struct error *e);

/* Splits `[word, {args}]` into the word and the payload of the dict: what requests and updates have
 * in common. */
int cluster_envelope_open(struct slice bytes, size_t max, struct slice *name, struct slice *args,
                          struct error *e);

/* Appends the message; fields at their default are left out. */
void cluster_request_encode(struct buf *out, const struct cluster_request *r);

/* The words of the enums above, as on the wire. */
extern const char *const cluster_policy_words[];
extern const char *const cluster_condition_words[];
extern const char *const cluster_order_words[];

#endif
