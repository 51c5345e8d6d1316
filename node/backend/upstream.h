/* Other HTTP servers that requests are proxied to: per address the kept-alive connections, shared
 * by all clients and found by identity, so that a new configuration keeps them. Speaks no HTTP:
 * whoever uses a connection does (target/proxy.c).
 *
 * A use takes an idle connection or has one made, holds it alone for one request and gives it back.
 * Names are resolved on a side thread and asked for again when they have grown old. */
#ifndef NODE_BACKEND_UPSTREAM_H
#define NODE_BACKEND_UPSTREAM_H

#include "node/io/conn.h"
#include "node/io/dial.h"
#include "node/io/resolve.h"
#include "node/stats/counters.h"
#include "proto/base/error.h"
#include "proto/base/map.h"

#include <stdbool.h>
#include <stdint.h>

/* All upstreams of one worker. */
struct upstreams {
    struct loop *loop;
    struct deadlines *deadlines;
    struct counters *counters;
    struct conns conns;    /* to upstreams: their own set, clients are not among them */
    struct map by_name;    /* of struct upstream; holds no references */
    struct freelist links; /* of struct upstream_link */
    struct resolver resolver;
    uint64_t picks;      /* counts choices, for round robin */
    uint64_t generation; /* of the running configuration: its checks run, see upstream_check.h */
    uint32_t random;
};

/* `buffer_size`: bytes of a response that may be buffered, its head at least. */
void upstreams_init(struct upstreams *s, struct loop *loop, struct deadlines *deadlines,
                    struct counters *counters, size_t buffer_size);
void upstreams_fini(struct upstreams *s); /* after the last snapshot has gone */

/* Numbers that differ from node to node, for spreading; not secret. */
uint32_t upstreams_random(struct upstreams *s);

/* Another configuration becomes the running one: checks that it does not ask for pause. */
void upstreams_renew(struct upstreams *s);

struct upstream {
    struct upstreams *set;
    unsigned refs;
    struct list idle; /* of struct upstream_link, last used first */
    unsigned idle_count;
    unsigned active;                     /* uses in progress: its load */
    unsigned failures;                   /* attempts to connect that failed one after the other */
    uint64_t avoided_until_us;           /* others are preferred until then */
    uint64_t last_pick;                  /* when it was chosen, in picks of the set */
    uint64_t requests, connects, errors; /* for the status */
    uint64_t checks_made, checks_failed; /* likewise */
    struct list checks;                  /* of struct upstream_check */
    struct dial_address addresses[RESOLVE_MOST];
    int address_count;
    int address_next;  /* where the next attempt begins */
    bool is_named;     /* has to be resolved */
    uint64_t asked_us; /* when the name was last asked for */
    struct resolve *resolving;
    struct list waiting; /* of struct upstream_use: for the name */
    char name[256];      /* identity: "host:port" or "unix:/path" */
};

struct upstream_figures { /* for status and metrics */
    uint64_t requests, connects, errors, active, idle, avoided, checks, checks_failed, down;
};
struct upstream_figures upstream_figures(const struct upstream *u);

/* The upstream of this address, made when there is none yet, with one more reference. NULL when the
 * address is not valid or memory is out. */
struct upstream *upstream_get(struct upstreams *s, const char *address, struct error *e);
struct upstream *upstream_ref(struct upstream *u);
void upstream_unref(struct upstream *u); /* NULL is fine */

/* What Host says where a request has none: the address, or localhost for a Unix socket. */
struct slice upstream_authority(const struct upstream *u);

struct upstream_use;

/* What a use needs of its owner. None is called from inside upstream_begin. */
struct upstream_use_ops {
    void (*ready)(struct upstream_use *use); /* use->conn can be written to */
    /* There will be no connection (connected false) or it broke. The use is over. */
    void (*failed)(struct upstream_use *use, bool connected, const char *why);
    void (*input)(struct upstream_use *use);     /* see conn_input(use->conn) */
    void (*input_end)(struct upstream_use *use); /* the upstream has ended its direction */
    void (*drained)(struct upstream_use *use);   /* after conn_is_full(use->conn) said so */
    void (*timeout)(struct upstream_use *use);   /* the deadline of use->conn has passed */
};

/* One request's hold on an upstream; embedded in its owner, who ends it before the upstream goes.
 */
struct upstream_use {
    const struct upstream_use_ops *ops;
    struct upstream *upstream; /* NULL: not in use */
    struct conn *conn;         /* NULL while there is no connection yet */
    struct dial dial;
    struct deadline deadline; /* for the name */
    struct list link;         /* in upstream->waiting */
    unsigned connect_ms;
    int attempts;   /* addresses that are left to try */
    bool is_reused; /* the connection has served others: it may turn out closed */
    bool is_probe;
};

enum upstream_freshness {
    UPSTREAM_ANY,    /* a kept-alive connection if there is one */
    UPSTREAM_TESTED, /* likewise, but make sure first that it is not closed: costs a system call */
    UPSTREAM_FRESH,  /* a new connection */
    UPSTREAM_PROBE,  /* likewise, for a health check: neither load nor request */
};

/* Begins a use. True: there is a connection at once, go on as in ready(). False: ready() or
 * failed() will be called. */
bool upstream_begin(struct upstream *u, struct upstream_use *use,
                    const struct upstream_use_ops *ops, enum upstream_freshness freshness,
                    unsigned connect_ms);

/* Ends it, whatever state it is in; fine when it is not in use. With `keep` the connection may
 * serve others: nothing of request or response is outstanding. */
void upstream_end(struct upstream_use *use, bool keep);

#endif
