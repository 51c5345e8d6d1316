#include "proto/view/worker_watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_MAX = 3 * WORKER_WORD_MAX };

void worker_watch_init(struct worker_watch *w)
{
    *w = (struct worker_watch){.by_key = MAP_INIT};
}

void worker_watch_fini(struct worker_watch *w)
{
    map_fini(&w->by_key, free);
}

/* A worker that has a line end in its id may hide another; it harms nobody else. */
static struct slice key_of(const struct worker_seen *s, char key[KEY_MAX])
{
    int len = snprintf(key, KEY_MAX, "%s\n%s\n%s", s->node, s->pool, s->uuid);
    return slice_of(key, (size_t)len);
}

void worker_watch_see(struct worker_watch *w, const struct worker_seen *what, uint64_t now_ms)
{
    char key[KEY_MAX];
    struct worker_seen *seen = map_get(&w->by_key, key_of(what, key));
    if (seen == NULL) {
        seen = malloc(sizeof *seen);
        if (seen == NULL || map_put(&w->by_key, key_of(what, key), seen, NULL) != 0) {
            free(seen);
            w->is_partial = true;
            return;
        }
    }
    *seen = *what;
    seen->seen_ms = now_ms;
    seen->lost_ms = 0;
}

static void forget(struct worker_watch *w, struct worker_seen *s)
{
    char key[KEY_MAX];
    map_remove(&w->by_key, key_of(s, key));
    free(s);
}

void worker_watch_node_done(struct worker_watch *w, struct slice node, uint64_t now_ms)
{
    for (struct map_entry *it = map_first(&w->by_key), *next; it != NULL; it = next) {
        struct worker_seen *s = worker_seen_of(it);
        next = map_next(it);
        if (!slice_eq(slice_str(s->node), node) || s->seen_ms == now_ms)
            continue;
        if (s->lost_ms == 0)
            s->lost_ms = now_ms;
        if (s->leaving || now_ms - s->lost_ms >= WORKER_LOST_KEPT_MS)
            forget(w, s);
    }
}

void worker_watch_keep(struct worker_watch *w, bool (*is_there)(void *arg, struct slice node),
                       void *arg)
{
    for (struct map_entry *it = map_first(&w->by_key), *next; it != NULL; it = next) {
        struct worker_seen *s = worker_seen_of(it);
        next = map_next(it);
        if (!is_there(arg, slice_str(s->node)))
            forget(w, s);
    }
}
