/* Workers and pools, added up over all nodes for one rendering. */
#ifndef PROTO_VIEW_PAGE_DIGEST_H
#define PROTO_VIEW_PAGE_DIGEST_H

#include "proto/base/arena.h"
#include "proto/base/map.h"
#include "proto/view/page.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct page_worker {                 /* one worker in one pool */
    const struct worker_seen *first; /* of its entries */
    size_t there, known;             /* nodes that have it, and that have had it */
    int64_t capacity, in_flight;
    uint64_t lost_ms; /* since when it is missing on the last of them */
    bool leaving;
};

struct page_pool {
    size_t workers; /* that are there */
    size_t lost;
};

struct page_digest {
    struct map workers; /* of struct page_worker, in the order of first being seen */
    struct map pools;   /* of struct page_pool, by name */
    struct arena *arena;
    bool failed; /* out of memory: something is missing */
};

/* Everything that is found lies in the arena. */
void page_digest_init(struct page_digest *d, const struct page_view *v, struct arena *a);
void page_digest_fini(struct page_digest *d);

#endif
