/* The spare objects are linked through their own first bytes. */

#include "proto/base/freelist.h"

#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
#define FREELIST_USES_HEAP 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FREELIST_USES_HEAP 1
#endif
#endif
#ifndef FREELIST_USES_HEAP
#define FREELIST_USES_HEAP 0
#endif

struct freelist_item {
    struct freelist_item *next;
};

void freelist_init(struct freelist *f, size_t object_size, size_t max_spare)
{
    f->spare = NULL;
    f->object_size = object_size > sizeof(struct freelist_item) ? object_size
                                                                : sizeof(struct freelist_item);
    f->spare_count = 0;
    f->max_spare = FREELIST_USES_HEAP ? 0 : max_spare;
    f->in_use = 0;
}

void freelist_fini(struct freelist *f)
{
    for (struct freelist_item *it = f->spare, *next; it != NULL; it = next) {
        next = it->next;
        free(it);
    }
    f->spare = NULL;
    f->spare_count = 0;
}

void *freelist_take(struct freelist *f)
{
    struct freelist_item *it = f->spare;
    if (it != NULL) {
        f->spare = it->next;
        f->spare_count--;
    } else if ((it = malloc(f->object_size)) == NULL) {
        return NULL;
    }
    f->in_use++;
    return it;
}

void freelist_give(struct freelist *f, void *object)
{
    if (object == NULL)
        return;
    f->in_use--;
    if (f->spare_count >= f->max_spare) {
        free(object);
        return;
    }
    struct freelist_item *it = object;
    it->next = f->spare;
    f->spare = it;
    f->spare_count++;
}
