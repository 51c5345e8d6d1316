/* What requests to handlers go through, whatever the kind: classic PUSH/SUB (classic.h) or a pool
 * of workers (pool.h). Backends outlive configurations: they are found by identity and counted.
 *
 * Declared by its users (target/handler.c, the control port); implemented by classic.c and pool.c.
 */
#ifndef NODE_BACKEND_BACKEND_H
#define NODE_BACKEND_BACKEND_H

#include "node/io/loop.h"
#include "node/stats/counters.h"
#include "proto/base/error.h"
#include "proto/base/list.h"
#include "proto/base/map.h"
#include "proto/base/slice.h"
#include "proto/link/endpoint.h"
#include "proto/link/keyring.h"

#include <stdbool.h>
#include <stdint.h>
#include <zmq.h>

struct backend;
struct backend_poster;

/* One request on its way, embedded in its owner, who outlives it or cancels it. */
struct backend_request {
    struct list link;
    struct backend *backend;
    zmq_msg_t message; /* owned by the backend from send to failed/cancel */
    uint64_t queued_us;
    uint64_t sent_us;         /* pool: when it went to its worker */
    uint64_t id;              /* pool: the request id on the wire */
    void *worker;             /* pool: who has it, or NULL */
    const bool *answer_begun; /* the owner's: has the first byte of an answer come */
    uint32_t conn_id;         /* for the log */
    uint8_t retries_left;     /* pool: how often it may be given to another worker */
    uint32_t sent_beat;       /* pool: the worker's beat when a one-way message went to it */
    bool one_way;             /* nobody waits for an answer: see backend_post.h */
    bool taken;               /* it has left the node, and was not handed back */
    bool open;                /* its owner will send parts: the time for an answer does not run */
    bool may_come_late;       /* pool: a worker that was given up lives and may still answer it */
    uint8_t state;            /* private to the backend; 0 = not in its hands */
    /* It will not be answered: 502, 503 or 504. Called once; the request is no longer the
     * backend's. */
    void (*failed)(struct backend_request *r, int status);
    /* It is `taken`; again when it was handed back and taken once more. May call done. Optional. */
    void (*on_taken)(struct backend_request *r);
};

/* What the configuration says about waiting. A backend may be shared by the running configuration
 * and one that is being prepared: the limits of the one that runs hold (backend_ops.limit is called
 * when a configuration is put in place). */
struct backend_limits {
    unsigned queue; /* requests that may wait */
    unsigned queue_timeout_ms;
    unsigned timeout_ms; /* pools: until the first byte of the answer; 0 = for ever */
};

struct backend_ops {
    const char *kind; /* "classic", "pool" */
    /* Is a connection that is unknown reported once only? Else whoever answers notices too, keeps
     * itself and the node busy for ever. Classic handlers are told each time, as by Mongrel2. */
    bool tells_unknown_once;
    /* Takes r->message. May call r->failed before it returns: touch nothing of the request after
     * it. */
    void (*send)(struct backend *b, struct backend_request *r);
    /* The answer is whole, or the client has gone: forget it. Fine when it is not in its hands. */
    void (*done)(struct backend *b, struct backend_request *r);
    /* A further part of what `first` began (a streamed upload). A pool gives it to the worker that
     * has `first`: false when that one is gone. Otherwise as backend_post, and like it it reports
     * to `poster` (may be NULL). Takes the message. */
    bool (*part)(struct backend *b, struct backend_request *first, struct backend_poster *poster,
                 zmq_msg_t *message);
    /* A notice (disconnect): bounded, dropped when nobody takes it. Takes the message. */
    void (*notice)(struct backend *b, zmq_msg_t *message);
    /* These limits hold from now on. */
    void (*limit)(struct backend *b, const struct backend_limits *limits);
    void (*destroy)(struct backend *b); /* with the last reference */
};

/* What a backend hands up: wired by server.c to deliver/inbox. */
struct backend_upcall {
    /* A reply message; takes the content of *message. `origin` is whom unknown listeners are
     * reported to. */
    void (*reply)(void *arg, struct backend *origin, zmq_msg_t *message);
    void *arg;
};

#define BACKEND_TOLD 64 /* connections that are remembered as reported */

struct backend_figures { /* for status and metrics */
    uint64_t requests, replies, queued_now, in_flight, workers, credit, retried, lost, refused,
        timed_out, paused;
};

struct backend {
    const struct backend_ops *ops;
    unsigned refs;
    struct backends *set;
    struct backend_figures figures;
    struct list peers; /* of struct handler_peer; the first hears of unknown listeners */
    uint32_t told_unknown[BACKEND_TOLD]; /* the latest, with tells_unknown_once; by id */
    bool raw_payload; /* how its replies go to JSON and XML sockets, by the configuration that */
    bool nul;         /* runs: see struct push */
    char name[256];   /* identity: "classic SEND_SPEC RECV_SPEC" or "pool NAME" */
};

/* All backends of one worker. */
struct backends {
    struct loop *loop;
    void *zmq;
    struct counters *counters;
    struct backend_upcall upcall;
    struct map by_name;                           /* of struct backend; holds no references */
    struct map sockets;                           /* of struct handler_socket, likewise */
    char node_uuid[37];                           /* what pool workers address replies to */
    char cluster_uuid[37];                        /* "" on a single server */
    char handler_endpoint[256];                   /* of the pools' ROUTER, once bound; "" before */
    const char *handler_spec;                     /* where to bind it */
    const struct link_security *handler_security; /* and with which keys; NULL: plain */
    const struct keyring *keys;                   /* that workers must have; NULL: they need none */
    void *pool_port;                              /* struct pool_port, made with the first pool */
    struct map paused; /* names of pools that are paused by order, there or not */
};

void backends_init(struct backends *s, struct loop *loop, void *zmq, struct counters *counters,
                   const struct backend_upcall *upcall);
void backends_fini(struct backends *s); /* after the last snapshot has gone */

/* The backend of this name with one more reference; NULL when there is none. */
struct backend *backend_find(struct backends *s, const char *name);
/* For implementations: enters a new backend with one reference. -1 when out of memory. */
int backend_enter(struct backends *s, struct backend *b, const struct backend_ops *ops,
                  const char *name);
struct backend *backend_ref(struct backend *b);
void backend_unref(struct backend *b); /* NULL is fine */

/* For implementations: the request has left the node. The last thing done with it. */
void backend_request_taken(struct backend_request *r);

void backend_request_init(struct backend_request *r,
                          void (*failed)(struct backend_request *r, int status));

#endif
