/* Requests to nodes on behalf of clients (`control`): remembers who asked while the node answers.
 */
#ifndef COORDINATOR_FORWARD_H
#define COORDINATOR_FORWARD_H

#include "coordinator/requests.h"
#include "proto/base/list.h"

#include <stdint.h>

struct forward {
    struct list waiting;
    struct requests *requests;
    int64_t next_seq;
};

void forward_init(struct forward *f, struct requests *requests);
void forward_fini(struct forward *f);

/* Sends the control request to the member; the client gets its answer, or an error when the node is
 * not connected, or after five seconds. */
void forward_control(struct forward *f, const struct client *client, const struct member *to,
                     struct slice request);

/* A node has answered something. */
void forward_answer(struct forward *f, struct slice message);

void forward_tick(struct forward *f, uint64_t now_ms);

#endif
