/* The control port: a ZeroMQ REP socket that answers tnetstring requests `[verb, {args}]` with
 * tables, one at a time (also when an answer takes a while), byte for byte as Mongrel2 does where
 * Mongrel2 has the verb. Access control is the endpoint's file permission, or the key of an admin.
 * The verbs are a table in verbs.c. */
#ifndef NODE_ADMIN_CONTROL_H
#define NODE_ADMIN_CONTROL_H

#include "node/worker.h"
#include "proto/base/buf.h"
#include "proto/base/error.h"
#include "proto/base/slice.h"
#include "proto/link/endpoint.h"

struct control;

/* How something ended: NULL, or what was wrong. */
typedef void control_done(void *arg, const struct error *e);

/* What the control port may do to the server; declared here, done by server.c. */
struct control_ops {
    /* 0; -1 with *e; 1: it takes a while, `done` (unless NULL) is called at its end. */
    int (*reload)(void *server, control_done *done, void *arg, struct error *e);
    void (*stop)(void *server); /* drain, then exit */
    void (*describe)(void *server, const char **access_log, const char **pid_file, unsigned *port,
                     const char **bind_addr);
};

/* Binds; an endpoint that others can reach with the keys of `security`, if it has any. NULL with
 * *e; an endpoint that is in use by another server is an error. */
struct control *control_open(struct worker *w, const char *spec,
                             const struct link_security *security, const struct control_ops *ops,
                             void *server, struct error *e);
void control_close(struct control *c); /* NULL is fine */

/* Answers one request, wherever it came from (the coordinator forwards some). */
void control_answer(struct control *c, struct slice request, struct buf *reply);

/* The endpoint it is bound to, wildcards resolved. */
const char *control_endpoint(const struct control *c);

#endif
