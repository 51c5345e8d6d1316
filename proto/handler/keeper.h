/* A thread that takes a turn of a handler when nobody else has taken one in time, because whoever
 * uses the handler is busy with a request: it answers pings, hands back what finds no place, and
 * lets connections be known as alive. While the handler receives, it only looks at the clock a few
 * times a second. */
#ifndef PROTO_HANDLER_KEEPER_H
#define PROTO_HANDLER_KEEPER_H

#include "proto/handler/handler.h"

#include <pthread.h>
#include <stdbool.h>

struct keeper {
    struct m2_handler *handler;
    pthread_t thread;
    pthread_cond_t wake;
    bool is_running;
    bool is_stopping; /* guarded by the handler's lock */
};

int keeper_start(struct keeper *k, struct m2_handler *h, struct m2_error *e);
void keeper_stop(struct keeper *k); /* without the lock; fine when it never ran */

#endif
