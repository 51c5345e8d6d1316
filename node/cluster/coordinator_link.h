/* The connection to one coordinator: hello, subscription, join; hands updates to the agent and
 * carries its beats and acknowledgements. Reconnects for ever; a node has one link per coordinator
 * it was given. */
#ifndef NODE_CLUSTER_COORDINATOR_LINK_H
#define NODE_CLUSTER_COORDINATOR_LINK_H

#include "proto/base/error.h"
#include "proto/base/uuid.h"
#include "proto/link/caller_ev.h"
#include "proto/wire/cluster_update.h"

#include <stdbool.h>

struct coordinator_link;

/* The answer to a join. */
struct coordinator_joined {
    char cluster[UUID_LEN + 1];
    char hash[65]; /* of the head; "" at version 0 */
    int64_t version;
    int64_t interval_ms; /* of beats */
};

/* What the agent does for its links. */
struct coordinator_link_ops {
    /* Fills what the node says of itself; strings live until it returns to the loop. */
    void (*fill_join)(void *arg, struct cluster_join *join);
    void (*joined)(void *arg, struct coordinator_link *l, const struct coordinator_joined *j);
    void (*update)(void *arg, struct coordinator_link *l, const struct cluster_update *u);
    /* A request of the coordinator (control, order). */
    void (*request)(void *arg, struct coordinator_link *l, struct slice message);
};

/* Strings, security and ops are borrowed for its life. */
int coordinator_link_create(struct coordinator_link **out, struct ev_loop *loop, void *zmq,
                            const char *spec, const struct link_security *security,
                            const struct coordinator_link_ops *ops, void *arg, struct error *e);
void coordinator_link_destroy(struct coordinator_link **l); /* NULL is fine */

/* Joins (again); fine when there is no connection. */
void coordinator_link_join(struct coordinator_link *l);
/* Sends when joined, else drops: beats and acknowledgements are worthless later. */
void coordinator_link_post(struct coordinator_link *l, struct cluster_request *r);
int coordinator_link_call(struct coordinator_link *l, struct cluster_request *r, int timeout_ms,
                          caller_ev_done *done, void *arg, struct error *e);
void coordinator_link_answer(struct coordinator_link *l, struct slice message);
const char *coordinator_link_spec(const struct coordinator_link *l);

#endif
