/* The node's part in the cluster: joins the coordinators, prepares, activates and acknowledges
 * their commits, fetches what it missed, keeps the last known good on its own disk.
 *
 * It does not know how a node applies a configuration: that is struct agent_ops, implemented by
 * server.c. It owns nothing of the data plane, and the data plane never waits for it. With no
 * coordinator at all the node serves what its state directory holds.
 *
 * One agent per process, on the worker's loop, from agent_create to agent_destroy.
 * Specification: docs/reference/commits.md, docs/reference/cluster-protocol.md. */
#ifndef NODE_CLUSTER_AGENT_H
#define NODE_CLUSTER_AGENT_H

#include "node/cluster/page_fetch.h"
#include "proto/base/error.h"
#include "proto/base/histogram.h"
#include "proto/base/slice.h"
#include "proto/link/endpoint.h"
#include "proto/link/keyring.h"
#include "proto/model/model.h"

#include <stdbool.h>
#include <stdint.h>

struct agent;
struct buf;
struct ev_loop;

/* What goes into a beat. The counts are since the process started. */
struct beat_counters {
    int64_t connections; /* open now */
    int64_t in_flight;   /* requests being answered now */
    int64_t requests;
    int64_t errors;                  /* of those, answered 5xx */
    const struct histogram *latency; /* of all requests; borrowed for the call; may be NULL */
    bool is_draining;
};

/* Where the node can be reached. Strings are borrowed until the next call of describe. */
struct agent_description {
    const char *handler;   /* bound endpoint of the handler port; "" when there is none */
    const char *control;   /* bound endpoint of the control port; "" when there is none */
    const char *addresses; /* where clients reach it, "0.0.0.0:6767 …", separated by blanks */
};

/* A key of TLS session tickets. Borrowed for the call. */
struct agent_ticket {
    struct slice name, secret; /* of any length: checked by who takes them */
    int64_t age_s;
};

/* What the agent needs of the node. All are called on the loop, with `arg` first, and may not call
 * the agent back. None may be NULL except where it says so. */
struct agent_ops {
    /* Builds the whole configuration beside the running one, everything that may fail: -1 with the
     * object and a sentence, and nothing has changed. *prepared is handed to exactly one of
     * activate or discard. `m` is frozen; keep a reference if it is needed after the return.
     * `hash` has 64 characters; a seed that was never committed has version 0 and hash "". */
    int (*prepare)(void *arg, struct model *m, int64_t version, const char *hash, void **prepared,
                   struct error *e);
    /* Makes it the running configuration. Cannot fail. */
    void (*activate)(void *arg, void *prepared);
    /* Throws it away; sockets, files and the running configuration are as before prepare. */
    void (*discard)(void *arg, void *prepared);
    /* Fills what goes into the next beat. */
    void (*counters)(void *arg, struct beat_counters *out);
    /* Where the node can be reached now; asked after each activate and before each join. */
    void (*describe)(void *arg, struct agent_description *out);
    /* The cluster's UUID is known or has changed (36 characters). May be NULL. */
    void (*cluster)(void *arg, const char *uuid);
    /* Answers a request of the control port (tnetstring in, tnetstring out) that came through the
     * coordinator. May be NULL: refused. */
    void (*control)(void *arg, struct slice request, struct buf *reply);
    /* What persons have ordered, all of it, each time that anything of it changes: whether this
     * node is to drain, which pools are to be paused. */
    void (*orders)(void *arg, bool drain, const struct slice *paused, size_t paused_count);
    /* These keys are accepted from now on; the ring lives as long as the agent. Called only with
     * keys of our own. */
    void (*keys)(void *arg, const struct keyring *ring);
    /* Session tickets are sealed with the last of these from now on. May be NULL: not asked for. */
    void (*tickets)(void *arg, const struct agent_ticket *tickets, size_t count);
};

/* Strings are borrowed for the agent's life. */
struct agent_config {
    const char *coordinators;      /* "SPEC,SPEC" */
    struct link_security security; /* its keys must outlive the agent */
    const char *state_dir;         /* made if missing */
    const char *uuid;              /* NULL: the state directory's, made on first use */
    const char *node;              /* its name */
    const char *server;            /* name of the server row that it runs */
};

/* Opens and locks the state directory, reads the UUID and the last known good. Starts nothing: this
 * is the part that must come before a chroot. ERROR_USAGE (names, endpoints), ERROR_EXISTS (another
 * process uses the directory), ERROR_IO. */
int agent_create(struct agent **out, struct ev_loop *loop, const struct agent_config *config,
                 const struct agent_ops *ops, void *arg, struct error *e);

/* Prepares and activates the last known good, if there is one, then begins to talk to the
 * coordinators (with the ZeroMQ context `zmq`, which must outlive the agent). A last known good
 * that cannot be prepared is no failure: it is logged, told to the coordinators and tried again. -1
 * only when sockets cannot be made. */
int agent_start(struct agent *a, void *zmq, struct error *e);

/* Says goodbye to the coordinators and stops all activity; the configuration stays. */
void agent_stop(struct agent *a, const char *reason);
void agent_destroy(struct agent **a); /* stops first; NULL is fine */

const char *agent_uuid(const struct agent *a); /* the node's, 36 characters */

/* The cluster's page, from a coordinator. One at a time: -1 with ERROR_EXISTS, ERROR_UNREACHABLE,
 * and `done` is not called, nor after agent_stop. */
int agent_fetch_page(struct agent *a, page_fetched *done, void *arg, struct error *e);

/* What describe would say has changed: join again. */
void agent_described(struct agent *a);

#endif
