/* A pool worker's part of the dispatch protocol: which node gets which place. See docs/reference/
 * pool-protocol.md.
 *
 * Neither sockets nor a clock: messages come in by member_on_frame, go out through struct
 * member_ops, and calls that need it are told the time (monotonic milliseconds). One member belongs
 * to one pool and speaks with any number of nodes. */
#ifndef PROTO_HANDLER_MEMBER_H
#define PROTO_HANDLER_MEMBER_H

#include "proto/base/list.h"
#include "proto/base/map.h"
#include "proto/base/slice.h"
#include "proto/base/uuid.h"
#include "proto/handler/line.h"
#include "proto/wire/pool_frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEMBER_BEATS_LOST      3     /* heartbeats without a word after which a node is lost */
#define MEMBER_JOIN_TIMEOUT_MS 2000  /* until an unanswered READY is sent on a new connection */
#define MEMBER_LEAVE_MS        1000  /* longest wait until nodes have heard that we leave */
#define MEMBER_RETRY_MS        500   /* first wait after a refusal; it doubles up to … */
#define MEMBER_RETRY_MAX_MS    10000 /* … this */

enum member_state {
    MEMBER_AWAY,    /* no connection; tried again at retry_at_ms */
    MEMBER_JOINING, /* READY sent */
    MEMBER_JOINED,
    MEMBER_LEFT_BY_NODE, /* it said BYE: it takes replies, and gives no requests */
};
const char *member_state_name(enum member_state state);

struct member_node {
    struct list link; /* in member.nodes */
    struct list places;
    struct member *member;
    char *endpoint;
    bool is_fixed; /* added by the caller, whatever the directory says */
    bool is_named; /* by the directory */
    enum member_state state;
    char uuid[UUID_LEN + 1];
    uint32_t heartbeat_ms;
    uint32_t reserved; /* requests that wait there (WANT) and were not answered yet */
    uint32_t held;     /* places that were given away to it and not used yet */
    uint32_t believed; /* credit that it thinks it has */
    uint32_t granted;  /* while places are given away */
    uint32_t pings;    /* not answered yet */
    uint64_t opened_ms, heard_ms, sent_ms, retry_at_ms;
    uint64_t held_ms; /* when `held` last changed */
    uint32_t retry_ms;
    void *link_data; /* the transport's */
};

/* What one request occupies. Part of the request; zero it before. */
struct member_place {
    struct list link;         /* in node->places */
    struct member_node *node; /* NULL: it was lost, and has settled the request otherwise */
    bool is_counted;          /* occupies one of the worker's places (a notice does not) */
    uint8_t id_len;
    char id[POOL_REQUEST_ID_MAX];
};

struct member_ops {
    /* A fresh connection to the node; nothing of an earlier one may be sent on it. -1: no way. */
    int (*open)(struct member_node *node);
    /* Drops it with all that was not sent. Also called when open failed or was never called. */
    void (*close)(struct member_node *node);
    /* False when the connection does not take it. */
    bool (*send)(struct member_node *node, const struct pool_frame *f);
    /* A request for the handler; the callee takes it by member_occupy. False when it is malformed:
     * then it is dropped. */
    bool (*deliver)(struct member_node *node, const struct pool_frame *f, bool is_counted);
    /* For people. */
    void (*event)(struct member *m, const char *text);
};

struct member {
    const struct member_ops *ops;
    void *arg; /* the transport's */
    char pool[POOL_NAME_MAX + 1];
    char name[POOL_NAME_MAX + 1];
    char host[256];
    char worker[UUID_LEN + 1];
    char cluster[UUID_LEN + 1]; /* "" until a node has told */
    uint32_t capacity;
    uint32_t running; /* places occupied */
    uint32_t held;    /* places held for nodes, in all */
    uint64_t returned, malformed;
    bool is_leaving;
    uint64_t left_ms; /* when that began */
    struct list nodes;
    struct map by_uuid; /* joined nodes */
    struct line line;   /* reservations of nodes */
};

/* `worker` is a UUID. Texts that are too long are cut. */
void member_init(struct member *m, const struct member_ops *ops, void *arg, const char *pool,
                 const char *name, const char *worker, uint32_t capacity);
void member_fini(struct member *m); /* closes all connections */

/* Joins the node, now and whenever it comes back. -1 when out of memory. */
int member_add(struct member *m, struct slice endpoint, uint64_t now_ms);
void member_remove(struct member *m, struct slice endpoint, uint64_t now_ms);

/* The nodes there are, by the directory's word. New ones are joined; those not named are let go of
 * once they are silent: one that still talks is not lost, whatever a coordinator that has just
 * started knows. */
void member_keep(struct member *m, const struct slice *endpoints, size_t count, uint64_t now_ms);

size_t member_joined(const struct member *m);

/* A message of the node. */
void member_on_frame(struct member_node *node, const struct pool_frame *f, uint64_t now_ms);
/* One that could not be read. */
void member_on_malformed(struct member_node *node, uint64_t now_ms);

/* ---- places ------------------------------------------------------------------------------- */

/* The request `id` of the node occupies `place` until member_done or member_give_back. */
void member_occupy(struct member_node *node, struct member_place *place, struct slice id,
                   bool is_counted);
void member_done(struct member *m, struct member_place *place);
void member_give_back(struct member *m, struct member_place *place, uint64_t now_ms);
bool member_is_current(const struct member_place *place);

/* Once per turn, after all that was received and finished: gives free places away. */
void member_flush(struct member *m, uint64_t now_ms);

/* ---- the rest ----------------------------------------------------------------------------- */

/* The joined node of this UUID; NULL when it is not there. */
struct member_node *member_find(const struct member *m, struct slice uuid);
/* Sends to the node; notes that it was spoken to. */
bool member_send(struct member_node *node, const struct pool_frame *f, uint64_t now_ms);

/* What time brings. To be called at member_deadline, after reading what has come: a worker that was
 * itself stopped for a while must not blame its nodes. */
void member_tick(struct member *m, uint64_t now_ms);
uint64_t member_deadline(const struct member *m, uint64_t now_ms);

/* No new requests from now on: says so to the nodes, and hands back what is still on its way. */
void member_leave(struct member *m, uint64_t now_ms);

/* After member_leave: have all nodes heard it? Then nothing more will come. */
bool member_has_left(const struct member *m);

#endif
