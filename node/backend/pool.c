/* A pool as a backend: what its handlers ask of it. Who gets what is pool_dispatch.c, what workers
 * say pool_events.c, their socket pool_worker.c. */

#include "node/backend/pool.h"

#include "node/backend/pool_dispatch.h"
#include "node/backend/pool_events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *pool_name_of(const struct pool_worker *w)
{
    const struct pool *p = w->pool;
    return p->base.name + strlen("pool ");
}

const char *pool_name_of_backend(const struct backend *b)
{
    return strcmp(b->ops->kind, "pool") == 0 ? b->name + strlen("pool ") : NULL;
}

static void pool_send(struct backend *b, struct backend_request *r)
{
    struct pool *p = pool_of(b);
    r->backend = b;
    r->queued_us = b->set->loop->now_us;
    b->figures.requests++;
    pool_wait(p, r);
    if (list_is_empty(&p->idle) || p->is_paused)
        pool_refuse_excess(p);
}

static void pool_done(struct backend *b, struct backend_request *r)
{
    if (r->state == REQUEST_NONE)
        return;
    pool_leave(pool_of(b), r);
    pool_drop_message(r);
}

/* The worker that began an upload gets all of it: a part needs no credit, as its size was granted
 * by that worker. */
static bool pool_part(struct backend *b, struct backend_request *first,
                      struct backend_poster *poster, zmq_msg_t *message)
{
    (void)poster; /* it does not wait */
    struct pool_worker *w = first->worker;
    bool sent = w != NULL && pool_worker_send_part(w, ++pool_of(b)->next_id, message);
    zmq_msg_close(message);
    if (sent) { /* the time for the answer begins with the last part */
        first->sent_us = b->set->loop->now_us;
        list_remove(&first->link);
        list_push_back(&w->requests, &first->link);
    }
    return sent;
}

/* Who hears notices: one with room, else one that stays. */
static struct pool_worker *choose_listener(struct pool *p)
{
    if (!list_is_empty(&p->idle))
        return container_of(p->idle.next, struct pool_worker, link);
    list_for_each (it, &p->busy) {
        struct pool_worker *w = container_of(it, struct pool_worker, link);
        if (!w->leaving)
            return w;
    }
    return NULL;
}

/* A notice goes to one worker as a request that needs no answer. */
static void pool_notice(struct backend *b, zmq_msg_t *message)
{
    struct pool *p = pool_of(b);
    struct pool_worker *w = choose_listener(p);
    if (w != NULL && pool_worker_send_request(w, ++p->next_id, message))
        b->set->counters->disconnect_notices++;
    if (w != NULL && w->credit > 0)
        pool_set_credit(p, w, w->credit - 1);
    zmq_msg_close(message);
}

/* --- the pool --- */

static void dismiss_all(struct list *workers)
{
    list_for_each_safe (it, workers)
        pool_worker_dismiss(container_of(it, struct pool_worker, link),
                            "The pool is no longer configured.");
}

static void pool_limit(struct backend *b, const struct backend_limits *limits)
{
    pool_of(b)->limits = *limits;
    pool_arm_expiry(pool_of(b));
}

static void pool_destroy(struct backend *b)
{
    struct pool *p = pool_of(b);
    while (!list_is_empty(&p->waiting)) /* only posts: whoever waits for an answer holds us */
        pool_give_up(p, pool_request_at(p->waiting.next), 503);
    dismiss_all(&p->idle);
    dismiss_all(&p->busy);
    pool_dispatch_fini(p);
    pool_port_unref(b->set);
    free(p);
}

static const struct backend_ops pool_ops = {
    .kind = "pool",
    .send = pool_send,
    .tells_unknown_once = true,
    .done = pool_done,
    .part = pool_part,
    .notice = pool_notice,
    .limit = pool_limit,
    .destroy = pool_destroy,
};

static bool is_paused(const struct backends *s, const struct backend *b)
{
    return map_get(&s->paused, slice_str(b->name + strlen("pool "))) != NULL;
}

static struct backend *pool_create(struct backends *s, const char *name,
                                   const struct backend_limits *limits, struct error *e)
{
    struct pool_port *port = pool_port_get(s, &pool_events, e);
    if (port == NULL)
        return NULL;
    pool_port_ref(port);
    struct pool *p = calloc(1, sizeof *p);
    if (p == NULL || backend_enter(s, &p->base, &pool_ops, name) != 0) {
        free(p);
        pool_port_unref(s);
        error_set(e, ERROR_NO_MEMORY, "Out of memory.");
        return NULL;
    }
    p->limits = *limits;
    pool_dispatch_init(p);
    pool_set_paused(p, is_paused(s, &p->base));
    return &p->base;
}

struct backend *pool_get(struct backends *s, const struct pool_options *o, struct error *e)
{
    char name[256];
    if (snprintf(name, sizeof name, "pool %s", o->name) >= (int)sizeof name) {
        error_set(e, ERROR_INVALID, "The pool name %s is too long.", o->name);
        return NULL;
    }
    struct backend *b = backend_find(s, name);
    return b != NULL ? b : pool_create(s, name, &o->limits, e);
}

int pools_pause(struct backends *s, const struct slice *names, size_t count, struct error *e)
{
    int result = 0;
    map_fini(&s->paused, NULL);
    s->paused = MAP_INIT;
    for (size_t i = 0; i < count; i++)
        if (map_put(&s->paused, names[i], s, NULL) != 0)
            result = error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    for (struct map_entry *it = map_first(&s->by_name); it != NULL; it = map_next(it)) {
        struct backend *b = map_value(it);
        if (b->ops == &pool_ops)
            pool_set_paused(pool_of(b), is_paused(s, b));
    }
    return result;
}
