/* A region: many small allocations that all die together (a snapshot's objects, one exchange's
 * strings). No single free; arena_reset() keeps the first block for the next use, so steady-state
 * work allocates nothing. Memory is aligned for any type and not zeroed unless asked. */
#ifndef PROTO_BASE_ARENA_H
#define PROTO_BASE_ARENA_H

#include "proto/base/slice.h"

#include <stddef.h>

struct arena_block;
struct freelist;

struct arena {
    struct arena_block *blocks; /* newest first */
    size_t block_size;          /* bytes of an ordinary block */
    struct freelist *pool;      /* where ordinary blocks come from and go to; NULL: the heap */
};

/* `block_size` bytes per block (0: 4096). Allocates nothing yet. */
void arena_init(struct arena *a, size_t block_size);
/* With ordinary blocks from a freelist whose objects are pool->object_size bytes: for short-lived
 * arenas, which then allocate nothing in steady state. */
void arena_init_pooled(struct arena *a, struct freelist *pool);
void arena_fini(struct arena *a);  /* frees everything */
void arena_reset(struct arena *a); /* forgets everything, keeps one ordinary block */

void *arena_alloc(struct arena *a, size_t size);  /* NULL when out of memory */
void *arena_zalloc(struct arena *a, size_t size); /* zeroed */

/* Copies with a NUL behind; the slice form borrows from the arena. NULL / ptr NULL when out of
 * memory. */
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t len);
struct slice arena_slice(struct arena *a, struct slice s);

#endif
