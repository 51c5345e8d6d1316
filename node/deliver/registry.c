/* Open addressing with linear probing, the low bits of the id as the hash: ids are handed out in
 * order, so neighbours in time are neighbours in memory. Deletion shifts back, there are no
 * tombstones. */

#include "node/deliver/registry.h"

#include "proto/base/uuid.h"

#include <stdlib.h>

struct registry {
    struct conn **slots;
    uint32_t mask; /* number of slots - 1 */
    uint32_t count;
    uint32_t next_id;
};

enum { FIRST_SLOTS = 1024 };

struct registry *registry_create(uint32_t first_id, struct error *e)
{
    if (first_id == 0 && uuid_random_bytes(&first_id, sizeof first_id, e) != 0)
        return NULL;
    struct registry *r = calloc(1, sizeof *r);
    if (r != NULL)
        r->slots = calloc(FIRST_SLOTS, sizeof(struct conn *));
    if (r == NULL || r->slots == NULL) {
        registry_destroy(r);
        error_set(e, ERROR_NO_MEMORY, "Out of memory.");
        return NULL;
    }
    r->mask = FIRST_SLOTS - 1;
    r->next_id = first_id;
    return r;
}

void registry_destroy(struct registry *r)
{
    if (r == NULL)
        return;
    free(r->slots);
    free(r);
}

static void place(struct registry *r, struct conn *c)
{
    uint32_t at = c->id & r->mask;
    while (r->slots[at] != NULL)
        at = (at + 1) & r->mask;
    r->slots[at] = c;
}

static int grow(struct registry *r)
{
    struct conn **old = r->slots;
    uint32_t old_mask = r->mask;
    struct conn **slots = calloc(((size_t)old_mask + 1) * 2, sizeof *slots);
    if (slots == NULL)
        return -1;
    r->slots = slots;
    r->mask = old_mask * 2 + 1;
    for (uint32_t i = 0; i <= old_mask; i++)
        if (old[i] != NULL)
            place(r, old[i]);
    free(old);
    return 0;
}

int registry_add(struct registry *r, struct conn *c)
{
    if (c->id != 0)
        return 0;
    if (r->count > r->mask / 2 && grow(r) != 0)
        return -1;
    do {
        c->id = r->next_id++;
    } while (c->id == 0 || c->id == UINT32_MAX || registry_find(r, c->id) != NULL);
    place(r, c);
    r->count++;
    return 0;
}

struct conn *registry_find(const struct registry *r, uint32_t id)
{
    for (uint32_t at = id & r->mask; r->slots[at] != NULL; at = (at + 1) & r->mask)
        if (r->slots[at]->id == id)
            return r->slots[at];
    return NULL;
}

void registry_remove(struct registry *r, struct conn *c)
{
    if (c->id == 0)
        return;
    uint32_t hole = c->id & r->mask;
    while (r->slots[hole] != c)
        hole = (hole + 1) & r->mask;
    for (uint32_t at = (hole + 1) & r->mask; r->slots[at] != NULL; at = (at + 1) & r->mask) {
        uint32_t home = r->slots[at]->id & r->mask;
        if (((at - home) & r->mask) >= ((at - hole) & r->mask)) { /* may move back into the hole */
            r->slots[hole] = r->slots[at];
            hole = at;
        }
    }
    r->slots[hole] = NULL;
    r->count--;
    c->id = 0;
}

size_t registry_count(const struct registry *r)
{
    return r->count;
}
