/* Entries are joined only at the end of the line, so nobody overtakes. */

#include "proto/handler/line.h"

#include <stdlib.h>

struct entry {
    struct list link;
    void *owner;
    uint32_t count; /* at least 1 */
};

static struct entry *entry_at(struct list *link)
{
    return container_of(link, struct entry, link);
}

void line_init(struct line *l)
{
    list_init(&l->entries);
}

static void drop(struct entry *e)
{
    list_remove(&e->link);
    free(e);
}

void line_fini(struct line *l)
{
    list_for_each_safe (it, &l->entries)
        drop(entry_at(it));
}

uint32_t line_add(struct line *l, void *owner, uint32_t count)
{
    struct entry *last = list_is_empty(&l->entries) ? NULL : entry_at(l->entries.prev);
    if (count == 0)
        return 0;
    if (last != NULL && last->owner == owner) {
        last->count += count;
        return count;
    }
    struct entry *e = malloc(sizeof *e);
    if (e == NULL)
        return 0;
    e->owner = owner;
    e->count = count;
    list_push_back(&l->entries, &e->link);
    return count;
}

/* Takes up to `left` off the entry if it is the owner's; returns how many are still to be taken. */
static uint32_t take_from(struct entry *e, const void *owner, uint32_t left)
{
    if (e->owner != owner)
        return left;
    uint32_t gone = left < e->count ? left : e->count;
    e->count -= gone;
    if (e->count == 0)
        drop(e);
    return left - gone;
}

uint32_t line_remove_first(struct line *l, void *owner, uint32_t count)
{
    uint32_t left = count;
    for (struct list *it = l->entries.next, *next; it != &l->entries && left > 0; it = next) {
        next = it->next;
        left = take_from(entry_at(it), owner, left);
    }
    return count - left;
}

uint32_t line_remove_last(struct line *l, void *owner, uint32_t count)
{
    uint32_t left = count;
    for (struct list *it = l->entries.prev, *next; it != &l->entries && left > 0; it = next) {
        next = it->prev;
        left = take_from(entry_at(it), owner, left);
    }
    return count - left;
}

void *line_front(const struct line *l, uint32_t *count)
{
    if (list_is_empty(&l->entries))
        return NULL;
    const struct entry *e = entry_at(l->entries.next);
    *count = e->count;
    return e->owner;
}
