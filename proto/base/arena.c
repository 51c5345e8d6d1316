/* A list of blocks, bump allocation in the newest; what does not fit an ordinary block gets one of
 * its own behind it, so that a large string does not end the current block. */

#include "proto/base/arena.h"

#include "proto/base/freelist.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct arena_block {
    struct arena_block *next;
    size_t size; /* of data */
    size_t used;
    alignas(max_align_t) char data[];
};

void arena_init(struct arena *a, size_t block_size)
{
    a->blocks = NULL;
    a->block_size = block_size > 0 ? block_size : 4096;
    a->pool = NULL;
}

void arena_init_pooled(struct arena *a, struct freelist *pool)
{
    a->blocks = NULL;
    a->block_size = pool->object_size - sizeof(struct arena_block);
    a->pool = pool;
}

static void block_free(struct arena *a, struct arena_block *b)
{
    if (a->pool != NULL && b->size == a->block_size)
        freelist_give(a->pool, b);
    else
        free(b);
}

void arena_fini(struct arena *a)
{
    for (struct arena_block *b = a->blocks, *next; b != NULL; b = next) {
        next = b->next;
        block_free(a, b);
    }
    a->blocks = NULL;
}

void arena_reset(struct arena *a)
{
    struct arena_block *keep = NULL;
    for (struct arena_block *b = a->blocks, *next; b != NULL; b = next) {
        next = b->next;
        if (keep == NULL && b->size == a->block_size)
            keep = b;
        else
            block_free(a, b);
    }
    if (keep != NULL) {
        keep->next = NULL;
        keep->used = 0;
    }
    a->blocks = keep;
}

static struct arena_block *block_create(struct arena *a, size_t size)
{
    if (size > SIZE_MAX - sizeof(struct arena_block))
        return NULL;
    bool pooled = a->pool != NULL && size == a->block_size;
    struct arena_block *b = pooled ? freelist_take(a->pool) : malloc(sizeof *b + size);
    if (b != NULL) {
        b->next = NULL;
        b->size = size;
        b->used = 0;
    }
    return b;
}

void *arena_alloc(struct arena *a, size_t size)
{
    size_t need = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (need < size)
        return NULL;
    struct arena_block *b = a->blocks;
    if (b == NULL || b->size - b->used < need) {
        bool large = need > a->block_size / 2;
        struct arena_block *fresh = block_create(a, large ? need : a->block_size);
        if (fresh == NULL)
            return NULL;
        if (large && b != NULL) { /* behind the current block, which stays in use */
            fresh->next = b->next;
            b->next = fresh;
        } else {
            fresh->next = b;
            a->blocks = fresh;
        }
        b = fresh;
    }
    void *p = b->data + b->used;
    b->used += need;
    return p;
}

void *arena_zalloc(struct arena *a, size_t size)
{
    void *p = arena_alloc(a, size);
    return p != NULL ? memset(p, 0, size) : NULL;
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
    char *copy = arena_alloc(a, len + 1);
    if (copy == NULL)
        return NULL;
    if (len > 0)
        memcpy(copy, s, len);
    copy[len] = '\0';
    return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
    return arena_strndup(a, s, strlen(s));
}

struct slice arena_slice(struct arena *a, struct slice s)
{
    char *copy = arena_strndup(a, s.ptr, s.len);
    return slice_of(copy, copy != NULL ? s.len : 0);
}
