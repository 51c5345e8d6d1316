/* The workers of pools, as nodes list them again and again: who is there, and who was there and has
 * vanished without saying goodbye. A worker is remembered per node and pool; one that is lost is
 * forgotten after ten minutes. No clock: time is given. */
#ifndef PROTO_VIEW_WORKER_WATCH_H
#define PROTO_VIEW_WORKER_WATCH_H

#include "proto/base/map.h"
#include "proto/base/slice.h"

#include <stdbool.h>
#include <stdint.h>

#define WORKER_LOST_KEPT_MS 600000
#define WORKER_WORD_MAX     65

struct worker_seen {
    char pool[WORKER_WORD_MAX], node[WORKER_WORD_MAX], uuid[WORKER_WORD_MAX];
    char name[WORKER_WORD_MAX], host[WORKER_WORD_MAX]; /* longer ones are cut */
    int64_t pid, capacity, in_flight;
    bool leaving;
    uint64_t seen_ms;
    uint64_t lost_ms; /* since when it is missing; 0: it is there */
};

struct worker_watch {
    struct map by_key; /* of struct worker_seen */
    bool is_partial;   /* out of memory: somebody is missing */
};

void worker_watch_init(struct worker_watch *w);
void worker_watch_fini(struct worker_watch *w);

/* A node has listed a worker. The strings of *what are complete, its times are set here. */
void worker_watch_see(struct worker_watch *w, const struct worker_seen *what, uint64_t now_ms);

/* The node has listed all that it has, in calls of worker_watch_see with this time: the others that
 * it had are lost, or gone when they had said so. */
void worker_watch_node_done(struct worker_watch *w, struct slice node, uint64_t now_ms);

/* Forgets the workers of nodes that are not there (any more). */
void worker_watch_keep(struct worker_watch *w, bool (*is_there)(void *arg, struct slice node),
                       void *arg);

/* for (struct map_entry *it = map_first(&w->by_key); …) with this. */
static inline struct worker_seen *worker_seen_of(const struct map_entry *it)
{
    return (struct worker_seen *)map_value(it);
}

#endif
