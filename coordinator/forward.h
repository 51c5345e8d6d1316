/* Requests to the control ports of nodes: remembers who waits while a node answers. */
#ifndef COORDINATOR_FORWARD_H
#define COORDINATOR_FORWARD_H

#include "coordinator/requests.h"
#include "proto/base/list.h"

#include <stdint.h>

/* `reply` is what the node's control port has said, or `e` why there is nothing (the node is not
 * connected, does not answer within five seconds). Both are borrowed. */
typedef void forward_done(void *arg, const char *node, struct slice reply, const struct error *e);

struct forward {
    struct list waiting;
    struct requests *requests;
    int64_t next_seq;
};

void forward_init(struct forward *f, struct requests *requests);
void forward_fini(struct forward *f); /* calls back */

/* Sends the control request to the member. `done` is called exactly once, perhaps before this
 * returns. */
void forward_control(struct forward *f, const struct member *to, struct slice request,
                     forward_done *done, void *arg);

/* A node has answered something. */
void forward_answer(struct forward *f, struct slice message);

void forward_tick(struct forward *f, uint64_t now_ms);

#endif
