#include "proto/view/page_digest.h"

#include <stdio.h>

/* The value under `key`, made of zeroes if it is not there. NULL: out of memory. */
static void *entry(struct page_digest *d, struct map *m, struct slice key, size_t size)
{
    void *value = map_get(m, key);
    if (value == NULL && (value = arena_zalloc(d->arena, size)) != NULL &&
        map_put(m, key, value, NULL) != 0)
        value = NULL;
    d->failed |= value == NULL;
    return value;
}

static struct page_pool *pool_of(struct page_digest *d, struct slice name)
{
    return entry(d, &d->pools, name, sizeof(struct page_pool));
}

static void add(struct page_digest *d, const struct worker_seen *s)
{
    char key[2 * WORKER_WORD_MAX];
    int len = snprintf(key, sizeof key, "%s\n%s", s->pool, s->uuid);
    struct page_worker *w = entry(d, &d->workers, slice_of(key, (size_t)len), sizeof *w);
    if (w == NULL)
        return;
    if (w->first == NULL)
        w->first = s;
    w->known++;
    w->leaving |= s->leaving;
    if (s->lost_ms > 0) {
        w->lost_ms = s->lost_ms > w->lost_ms ? s->lost_ms : w->lost_ms;
        return;
    }
    w->there++;
    w->capacity += s->capacity;
    w->in_flight += s->in_flight;
}

void page_digest_init(struct page_digest *d, const struct page_view *v, struct arena *a)
{
    *d = (struct page_digest){.workers = MAP_INIT, .pools = MAP_INIT, .arena = a};
    if (v->workers == NULL)
        return;
    for (struct map_entry *it = map_first(&v->workers->by_key); it != NULL; it = map_next(it))
        add(d, worker_seen_of(it));
    for (size_t row = 0; v->pools != NULL && row < v->pools->row_count; row++)
        pool_of(d, cluster_table_text(v->pools, row, "pool"));
    for (struct map_entry *it = map_first(&d->workers); it != NULL; it = map_next(it)) {
        const struct page_worker *w = map_value(it);
        struct page_pool *pool = pool_of(d, slice_str(w->first->pool));
        if (pool != NULL && w->there > 0)
            pool->workers++;
        else if (pool != NULL)
            pool->lost++;
    }
}

void page_digest_fini(struct page_digest *d)
{
    map_fini(&d->workers, NULL);
    map_fini(&d->pools, NULL);
}
