/* A worker of a pool on one side, a classic Mongrel2 on the other: handlers that know nothing of a
 * cluster serve all of its nodes through one pair of endpoints.
 *
 * It is in the pool only while at least one handler is connected, so that nodes know when nobody is
 * there. A request holds one of its places until the first reply to it, or the end of its
 * connection; so at most `capacity` requests wait in the sockets of handlers, and the others in the
 * nodes, from where another gateway can have them. It keeps nothing: of one that is killed, nodes
 * give the unanswered requests to another. */
#ifndef DEPLOY_GATEWAY_GATEWAY_H
#define DEPLOY_GATEWAY_GATEWAY_H

#include "proto/base/error.h"

struct gateway;

struct gateway_options {
    const char *pool;
    const char *coordinators; /* "SPEC,SPEC"; NULL: only `nodes` */
    const char *nodes;        /* endpoints of handler ports, "SPEC,SPEC"; NULL: none */
    const char *keys;         /* see struct m2_worker_options; NULL: none */
    const char *send_spec;    /* where handlers take requests (PUSH) */
    const char *recv_spec;    /* where they publish replies (SUB) */
    unsigned capacity;
    unsigned drain_s; /* how long to wait at the end for what is with handlers */
};

/* Binds both endpoints. ERROR_USAGE, ERROR_IO. */
int gateway_create(struct gateway **out, const struct gateway_options *o, struct error *e);
/* Runs until gateway_stop, then hands back what no handler has, waits for the rest, and leaves.
 * 0; -1 with *e when it cannot go on. */
int gateway_run(struct gateway *g, struct error *e);
/* May be called in a signal handler. */
void gateway_stop(struct gateway *g);
void gateway_destroy(struct gateway *g); /* NULL is fine */

#endif
