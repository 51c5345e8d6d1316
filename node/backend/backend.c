/* The directory of backends holds no references: the last snapshot that uses one ends it. */

#include "node/backend/backend.h"

#include <stdio.h>
#include <string.h>

void backends_init(struct backends *s, struct loop *loop, void *zmq, struct counters *counters,
                   const struct backend_upcall *upcall)
{
    memset(s, 0, sizeof *s);
    s->loop = loop;
    s->zmq = zmq;
    s->counters = counters;
    s->upcall = *upcall;
    s->by_name = MAP_INIT;
    s->sockets = MAP_INIT;
    s->paused = MAP_INIT;
}

void backends_fini(struct backends *s)
{
    BUG_ON(map_count(&s->by_name) != 0 || map_count(&s->sockets) != 0);
    map_fini(&s->by_name, NULL);
    map_fini(&s->sockets, NULL);
    map_fini(&s->paused, NULL);
}

struct backend *backend_find(struct backends *s, const char *name)
{
    struct backend *b = map_get(&s->by_name, slice_str(name));
    return b != NULL ? backend_ref(b) : NULL;
}

int backend_enter(struct backends *s, struct backend *b, const struct backend_ops *ops,
                  const char *name)
{
    b->ops = ops;
    b->refs = 1;
    b->set = s;
    list_init(&b->peers);
    snprintf(b->name, sizeof b->name, "%s", name);
    return map_put(&s->by_name, slice_str(b->name), b, NULL);
}

struct backend *backend_ref(struct backend *b)
{
    b->refs++;
    return b;
}

void backend_unref(struct backend *b)
{
    if (b == NULL || --b->refs > 0)
        return;
    map_remove(&b->set->by_name, slice_str(b->name));
    b->ops->destroy(b);
}

void backend_request_taken(struct backend_request *r)
{
    r->taken = true;
    if (r->on_taken != NULL)
        r->on_taken(r);
}

void backend_request_init(struct backend_request *r,
                          void (*failed)(struct backend_request *r, int status))
{
    memset(r, 0, sizeof *r);
    list_init(&r->link);
    zmq_msg_init(&r->message);
    r->failed = failed;
}
