/* One libev loop with what every user of it needs: the time of this turn, work to be done once at
 * the end of the turn, and destruction that waits until no callback is on the stack.
 *
 * A turn is: wait for events, run their callbacks, run the tasks queued by loop_at_turn_end
 * (sockets are flushed there, messages handed to ZeroMQ, logs written), free what was deferred.
 * Batching everything per turn is where the speed comes from: one write for all that was said to a
 * connection, one wake-up of ZeroMQ's I/O thread for all requests. */
#ifndef NODE_IO_LOOP_H
#define NODE_IO_LOOP_H

#include "proto/base/list.h"

#include <ev.h>
#include <stdint.h>

struct loop {
    struct ev_loop *ev;
    uint64_t now_us; /* monotonic, refreshed once per turn; use it for deadlines, ages, latencies */
    int64_t wall_s;  /* seconds since the epoch, refreshed once per turn */
    struct list tasks;
    struct list dying;
    struct ev_prepare before_wait;
    struct ev_check after_wait;
};

/* Work for the end of this turn; embed it in the object concerned. */
struct loop_task {
    struct list link;
    void (*run)(struct loop_task *task);
};

/* An object to be destroyed at the end of the turn; embed it. */
struct loop_dying {
    struct list link;
    void (*destroy)(struct loop_dying *dying);
};

/* Uses (and owns) a new libev loop. -1 when libev gives none. */
int loop_init(struct loop *l);
void loop_fini(struct loop *l); /* runs what is still deferred, then destroys the loop */

void loop_run(struct loop *l);  /* until loop_stop */
void loop_step(struct loop *l); /* one turn without waiting, end-of-turn work included; for tests */
void loop_stop(struct loop *l);

/* Monotonic milliseconds of this turn. */
static inline uint64_t loop_now_ms(const struct loop *l)
{
    return l->now_us / 1000u;
}

void loop_task_init(struct loop_task *t, void (*run)(struct loop_task *));
/* Queues the task for the end of this turn; queueing it again is free. A task queued while tasks
 * run is run in the same turn. */
static inline void loop_at_turn_end(struct loop *l, struct loop_task *t)
{
    if (list_is_empty(&t->link))
        list_push_back(&l->tasks, &t->link);
}
static inline void loop_task_cancel(struct loop_task *t)
{
    list_remove(&t->link);
}

/* Calls `destroy` when the callbacks and tasks of this turn are over. Once per object. */
void loop_defer_destroy(struct loop *l, struct loop_dying *d, void (*destroy)(struct loop_dying *));

#endif
