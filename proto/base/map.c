/* uthash is a header of macros; this file keeps them in one place and turns its out-of-memory exit
 * into an error return. */

#include "proto/base/map.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM          1
#define uthash_nonfatal_oom(entry) ((entry)->lost = true)
struct map_entry;
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <uthash.h>

struct map_entry {
    void *value;
    size_t key_len;
    bool lost;
    UT_hash_handle hh;
    char key[];
};

static struct map_entry *find(const struct map *m, struct slice key)
{
    struct map_entry *it = NULL;
    HASH_FIND(hh, m->head, key.ptr, key.len, it);
    return it;
}

void map_fini(struct map *m, void (*value_free)(void *value))
{
    struct map_entry *it, *next;
    HASH_ITER (hh, m->head, it, next) {
        HASH_DEL(m->head, it);
        if (value_free != NULL)
            value_free(it->value);
        free(it);
    }
    m->head = NULL;
}

void *map_get(const struct map *m, struct slice key)
{
    struct map_entry *it = find(m, key);
    return it != NULL ? it->value : NULL;
}

int map_put(struct map *m, struct slice key, void *value, void **old)
{
    struct map_entry *it = find(m, key);
    if (old != NULL)
        *old = it != NULL ? it->value : NULL;
    if (it != NULL) {
        it->value = value;
        return 0;
    }
    it = calloc(1, sizeof *it + key.len + 1);
    if (it == NULL)
        return -1;
    it->value = value;
    it->key_len = key.len;
    if (key.len > 0)
        memcpy(it->key, key.ptr, key.len);
    HASH_ADD(hh, m->head, key, key.len, it);
    if (it->lost) {
        free(it);
        return -1;
    }
    return 0;
}

void *map_remove(struct map *m, struct slice key)
{
    struct map_entry *it = find(m, key);
    if (it == NULL)
        return NULL;
    void *value = it->value;
    HASH_DEL(m->head, it);
    free(it);
    return value;
}

size_t map_count(const struct map *m)
{
    return HASH_COUNT(m->head);
}

struct map_entry *map_first(const struct map *m)
{
    return m->head;
}

struct map_entry *map_next(const struct map_entry *it)
{
    return it->hh.next;
}

struct slice map_key(const struct map_entry *it)
{
    return slice_of(it->key, it->key_len);
}

void *map_value(const struct map_entry *it)
{
    return it->value;
}
