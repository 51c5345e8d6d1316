/* Deadlines of connections and exchanges: a timing wheel with ticks of 100 ms, because a heap of
 * one libev timer per connection would cost more than the connections. Setting, moving and clearing
 * are O(1) and allocate nothing; firing is late by at most one tick, never early. */
#ifndef NODE_IO_DEADLINE_H
#define NODE_IO_DEADLINE_H

#include "node/io/loop.h"
#include "proto/base/list.h"

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#define DEADLINE_TICK_MS 100
#define DEADLINE_SLOTS \
    1024 /* one revolution: 102.4 s; longer deadlines are looked at once per revolution */

struct deadline {
    struct list link;
    uint64_t tick;                    /* due when the wheel has reached it */
    void (*fire)(struct deadline *d); /* may set it again, may destroy its owner by deferral */
};

struct deadlines {
    struct loop *loop;
    struct ev_timer timer;
    uint64_t now_tick;
    struct list slots[DEADLINE_SLOTS];
};

void deadlines_init(struct deadlines *w, struct loop *loop);
void deadlines_fini(struct deadlines *w);

void deadline_init(struct deadline *d, void (*fire)(struct deadline *));
void deadline_set(struct deadlines *w, struct deadline *d,
                  uint64_t after_ms); /* from now; replaces */
void deadline_clear(struct deadline *d);
bool deadline_is_set(const struct deadline *d);

/* Moves the wheel to the time of the loop and fires what is due; called by the timer, and by tests.
 */
void deadlines_advance(struct deadlines *w);

#endif
