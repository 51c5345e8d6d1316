/* Requests to one coordinator from within a libev loop: for nodes and everything else that has more
 * to do than wait.
 *
 * Holds one DEALER that reconnects by itself. Sends nothing while there is no connection (beats
 * must not pile up for a coordinator that is away), says when there is one again. What the
 * coordinator sends that is no answer (its own requests: control, order) is handed on. Callbacks
 * may call and post, but not destroy. Fail-over is its user's: one caller_ev per coordinator. */
#ifndef PROTO_LINK_CALLER_EV_H
#define PROTO_LINK_CALLER_EV_H

#include "proto/base/error.h"
#include "proto/link/endpoint.h"
#include "proto/wire/cluster_msg.h"
#include "proto/wire/cluster_reply.h"

struct caller_ev;
struct ev_loop;

struct caller_ev_ops {
    /* The first connection stands, or stands again after a send had failed. */
    void (*on_connected)(void *arg);
    /* The coordinator does not take our key, or we lack one: `why` is a phrase. It will be tried
     * again. May be NULL. */
    void (*on_denied)(void *arg, const char *why);
    /* A one-way request was refused. Borrowed. */
    void (*on_refused)(void *arg, const struct cluster_reply *refusal);
    /* The coordinator asks something; answer with caller_ev_answer. Borrowed. */
    void (*on_request)(void *arg, struct slice message);
};

/* Exactly once per call: the last answer (a table or an error), or NULL with *e (ERROR_TIMEOUT,
 * ERROR_INVALID). Borrowed until it returns. Not called any more once the caller is destroyed. */
typedef void caller_ev_done(void *arg, const struct cluster_reply *reply, const struct error *e);

/* `security` and `ops` are borrowed for its life. ERROR_USAGE, ERROR_DENIED, ERROR_IO,
 * ERROR_NO_MEMORY. */
int caller_ev_create(struct caller_ev **out, struct ev_loop *loop, void *zmq, const char *spec,
                     const struct link_security *security, const struct caller_ev_ops *ops,
                     void *arg, struct error *e);
void caller_ev_destroy(struct caller_ev **c); /* NULL is fine */

/* Sends a request; its seq is set here. -1 (ERROR_UNREACHABLE, no connection) means `done` will not
 * be called. */
int caller_ev_call(struct caller_ev *c, struct cluster_request *request, int timeout_ms,
                   caller_ev_done *done, void *arg, struct error *e);

/* Sends a one-way request. ERROR_UNREACHABLE when there is no connection. */
int caller_ev_post(struct caller_ev *c, struct cluster_request *request, struct error *e);

/* Sends an answer to a coordinator's request. */
int caller_ev_answer(struct caller_ev *c, struct slice message, struct error *e);

const char *caller_ev_spec(const struct caller_ev *c);

#endif
