/* A map from byte strings to pointers, over uthash. The map owns copies of its keys and nothing of
 * the values. Iteration is in insertion order. */
#ifndef PROTO_BASE_MAP_H
#define PROTO_BASE_MAP_H

#include "proto/base/slice.h"

#include <stdbool.h>
#include <stddef.h>

struct map_entry;
struct map {
    struct map_entry *head;
};

#define MAP_INIT ((struct map){NULL})

/* Frees the keys; for each value first calls `value_free` unless NULL. */
void map_fini(struct map *m, void (*value_free)(void *value));

void *map_get(const struct map *m, struct slice key); /* NULL when absent */

/* Sets key to value. Returns 0; -1 when out of memory. *old (unless NULL) gets the value replaced.
 */
int map_put(struct map *m, struct slice key, void *value, void **old);

void *map_remove(struct map *m, struct slice key); /* the value that was there, or NULL */
size_t map_count(const struct map *m);

/* for (struct map_entry *it = map_first(m); it; it = map_next(it)). The entry shown may be removed
 * only after map_next() was called on it. */
struct map_entry *map_first(const struct map *m);
struct map_entry *map_next(const struct map_entry *it);
struct slice map_key(const struct map_entry *it);
void *map_value(const struct map_entry *it);

#endif
