/* Messages to handlers that nobody waits for an answer to: WebSocket frames, messages of JSON and
 * XML sockets, parts of uploads. They go the way of requests, in order behind what was sent before,
 * and within the same bounds (limits.queue, queue_timeout); a pool gives each to a worker that has
 * room.
 *
 * A poster is one connection's account: how many of its messages wait. A session stops reading
 * while that is too many, so that a handler that is slow slows its clients instead of losing their
 * messages. What a connection has posted is delivered also when it has gone meanwhile. */
#ifndef NODE_BACKEND_BACKEND_POST_H
#define NODE_BACKEND_BACKEND_POST_H

#include "node/backend/backend.h"

struct backend_poster {
    struct list waiting; /* of its messages that have not left the node */
    unsigned count;
    /* One of them has left (0), or will not: 503 no handler took it in time, or too many wait. May
     * be called from inside backend_post; must not post. */
    void (*settled)(struct backend_poster *p, int status);
};

void backend_poster_init(struct backend_poster *p,
                         void (*settled)(struct backend_poster *p, int status));
/* The connection goes: nothing is reported to it any more. Fine twice, and on zeroes. */
void backend_poster_fini(struct backend_poster *p);

/* Posts. Takes *message, also on failure. `conn_id` is for the log, `poster` may be NULL. -1 when
 * out of memory. */
int backend_post(struct backend *b, struct backend_poster *poster, uint32_t conn_id,
                 zmq_msg_t *message);

/* For backends, on a request that is one_way. It has left the node; it may still come back. */
void backend_post_left(struct backend_request *r);
/* It is delivered and forgotten: r is gone. */
void backend_post_delivered(struct backend_request *r);

#endif
