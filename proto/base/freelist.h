/* A cache of freed objects of one size: hot paths take and give without malloc(3). Keeps at most
 * `max_spare` objects; the rest go back to the heap. Under AddressSanitizer it always uses the
 * heap, so that a use after free is seen. Objects are not zeroed. Not thread-safe: one per loop. */
#ifndef PROTO_BASE_FREELIST_H
#define PROTO_BASE_FREELIST_H

#include <stddef.h>

struct freelist_item;

struct freelist {
    struct freelist_item *spare;
    size_t object_size;
    size_t spare_count;
    size_t max_spare;
    size_t in_use; /* taken and not given back: for metrics and leak checks */
};

void freelist_init(struct freelist *f, size_t object_size, size_t max_spare);
void freelist_fini(struct freelist *f); /* frees the spare ones; those in use stay valid */

void *freelist_take(struct freelist *f); /* NULL when out of memory */
void freelist_give(struct freelist *f, void *object);

#endif
