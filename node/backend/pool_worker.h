/* A pool worker as this node sees it, and the handler port that all workers of all pools connect
 * to: one ROUTER socket per node. The port knows frames, routing ids and heartbeats; which request
 * goes to whom is the pool's business (pool.c), which it reaches through struct pool_port_ops.
 *
 * A worker is lost when its connection is gone (ROUTER says so on the next send) or when it has
 * been silent for three heartbeats: within a second in either case. */
#ifndef NODE_BACKEND_POOL_WORKER_H
#define NODE_BACKEND_POOL_WORKER_H

#include "node/backend/backend.h"
#include "proto/base/error.h"
#include "proto/base/list.h"
#include "proto/wire/pool_frame.h"

#include <stdbool.h>
#include <stdint.h>

#define POOL_HEARTBEAT_MS 250
#define POOL_BEATS_LOST   3

struct pool_port;

struct pool_worker {
    struct list link;     /* in the pool's list: those with credit or those without */
    struct list all;      /* in the port's list */
    struct list requests; /* of struct backend_request that it holds */
    struct pool_port *port;
    void *pool;
    uint32_t in_flight;
    uint32_t unconfirmed;                /* one-way messages that it may still hand back */
    uint32_t beats_sent, beats_answered; /* PINGs and PONGs */
    uint32_t capacity;
    uint32_t credit; /* requests it has said it has room for: a hint that others may use up */
    uint32_t wants;  /* reservations that we have left with it */
    uint64_t heard_us, sent_us;
    bool leaving; /* said BYE */
    uint8_t route_len;
    unsigned char route[255];
    char uuid[40];
    char name[64];
    char host[64];
    int64_t pid;
    char key[CURVE_KEY_LEN + 1]; /* its CURVE key; "": a plain connection */
};

struct pool_port_ops {
    /* The pool of this name, or NULL: refused. */
    void *(*find)(struct backends *set, struct slice pool);
    void (*joined)(struct pool_worker *w);
    void (*credit)(struct pool_worker *w, uint32_t count);
    void (*returned)(struct pool_worker *w, struct slice id);
    /* It has read everything up to our `beat`-th PING. */
    void (*beat)(struct pool_worker *w, uint32_t beat);
    void (*bye)(struct pool_worker *w);
    /* It is gone, its requests with it; freed afterwards. */
    void (*lost)(struct pool_worker *w, const char *why);
    void (*tick)(struct backends *set); /* once per heartbeat */
};

/* The node's port, bound on first use (set->handler_spec). NULL with *e. */
struct pool_port *pool_port_get(struct backends *set, const struct pool_port_ops *ops,
                                struct error *e);
void pool_port_close(struct backends *set); /* says BYE to all; fine when there is none */
/* Calls `visit` for every worker of every pool. Fine when there is no port. */
void pool_port_each(const struct backends *set,
                    void (*visit)(void *arg, const struct pool_worker *w), void *arg);
/* The keys have changed: workers whose key is no longer accepted are lost. Fine when there is no
 * port. */
void pool_port_check_keys(struct backends *set);
/* A pool uses the port, or no longer: without any it is closed at the end of the turn, so that a
 * configuration that was only prepared leaves no socket behind. */
void pool_port_ref(struct pool_port *p);
void pool_port_unref(struct backends *set); /* fine when it was closed meanwhile */

/* Sends a message without payload frames of its own beyond `f`. False: the worker can't be reached,
 * and is reported lost from the next tick on. */
bool pool_worker_send(struct pool_worker *w, const struct pool_frame *f);
/* Sends REQUEST with a copy of *message that shares its bytes. False: not taken. */
bool pool_worker_send_request(struct pool_worker *w, uint64_t id, zmq_msg_t *message);
/* The same for a further part of a request that it has: the id begins with '+', which says that it
 * needs no place. */
bool pool_worker_send_part(struct pool_worker *w, uint64_t id, zmq_msg_t *message);

/* Forgets the worker without telling the pool (which goes away itself). */
void pool_worker_dismiss(struct pool_worker *w, const char *why);

#endif
