/* The queue of a pool and its workers: who gets the next request, who is asked for a place, what
 * waits too long. Shared by the files of the pool; nobody else includes it. */
#ifndef NODE_BACKEND_POOL_DISPATCH_H
#define NODE_BACKEND_POOL_DISPATCH_H

#include "node/backend/backend.h"
#include "node/backend/pool_worker.h"
#include "proto/base/list.h"

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

enum request_state { REQUEST_NONE, REQUEST_WAITING, REQUEST_AT_WORKER };

struct pool {
    struct backend base;
    struct list waiting; /* of struct backend_request, oldest first */
    struct list idle;    /* workers with credit; the first is next */
    struct list busy;    /* workers without */
    unsigned waiting_count;
    bool is_crowded;   /* what has come while it was paused is not all handed out yet */
    bool is_paused;    /* by order: all requests wait, and none of them too long */
    bool out_of_order; /* the head of the queue need not be the first whose time is over */
    struct backend_limits limits;
    uint64_t next_id;
    struct loop_task flush;
    struct ev_timer expiry;
};

static inline struct pool *pool_of(struct backend *b)
{
    return container_of(b, struct pool, base);
}

static inline struct backend_request *pool_request_at(struct list *link)
{
    return container_of(link, struct backend_request, link);
}

void pool_dispatch_init(struct pool *p);
void pool_dispatch_fini(struct pool *p);

/* A request comes to the end of the queue, or back to its front; the end of the turn sees to it.
 * The time that it may wait begins `anew` only when it was worked on meanwhile. */
void pool_wait(struct pool *p, struct backend_request *r);
void pool_wait_again(struct pool *p, struct backend_request *r, bool anew);
/* It is neither waiting nor at a worker any more. */
void pool_leave(struct pool *p, struct backend_request *r);
/* It leaves, and fails with this status. */
void pool_give_up(struct pool *p, struct backend_request *r, int status);
void pool_drop_message(struct backend_request *r);

/* Sends it to the worker; false when that takes nothing, and the request is where it was. */
bool pool_hand_over(struct pool *p, struct pool_worker *w, struct backend_request *r);
/* From now on the worker has room for so many. */
void pool_set_credit(struct pool *p, struct pool_worker *w, uint32_t credit);

/* Requests wait until it is resumed, whoever has room; the time that they may wait begins then. */
void pool_set_paused(struct pool *p, bool is_paused);

/* The bound holds for what found no worker; the latest are refused. */
void pool_refuse_excess(struct pool *p);
/* Looks at the queue at the end of this turn. */
void pool_look_soon(struct pool *p);
/* When something may have to be given up has changed. */
void pool_arm_expiry(struct pool *p);

#endif
