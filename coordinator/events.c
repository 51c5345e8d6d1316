/* A ring by id: finding "everything after id n" is arithmetic. */

#include "coordinator/events.h"

#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/wire/cluster_reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { WAITERS_MAX = 1000 };

struct waiter {
    struct list link;
    struct client client;
    int64_t since;
    int64_t count;
    uint64_t deadline_ms;
};

int events_init(struct events *ev, struct requests *requests, struct error *e)
{
    *ev = (struct events){.requests = requests, .next_id = clock_wall_ms() * 1000};
    list_init(&ev->waiters);
    ev->ring = calloc(EVENTS_KEPT, sizeof *ev->ring);
    return ev->ring != NULL ? 0 : error_set(e, ERROR_NO_MEMORY, "Out of memory.");
}

void events_fini(struct events *ev)
{
    if (ev->ring == NULL)
        return;
    for (struct list *link; (link = list_pop_front(&ev->waiters)) != NULL;)
        free(container_of(link, struct waiter, link));
    free(ev->ring);
    ev->ring = NULL;
}

static const struct event *find(const struct events *ev, int64_t id)
{
    const struct event *it = &ev->ring[id % EVENTS_KEPT];
    return it->id == id ? it : NULL;
}

/* The first event after `since` that is still kept, or next_id. */
static int64_t first_after(const struct events *ev, int64_t since)
{
    int64_t oldest = ev->next_id - EVENTS_KEPT;
    if (since >= ev->next_id - 1)
        return ev->next_id;
    int64_t id = since + 1 > oldest ? since + 1 : oldest;
    while (id < ev->next_id && find(ev, id) == NULL)
        id++; /* the ring is not full yet */
    return id;
}

static void put_row(struct cluster_table_writer *w, const struct event *it)
{
    cluster_row_begin(w);
    tns_put_int(w->out, it->id);
    tns_put_int(w->out, it->when_ms);
    tns_put_str(w->out, it->kind);
    tns_put_str(w->out, it->node);
    tns_put_int(w->out, it->version);
    tns_put_str(w->out, it->text);
    cluster_row_end(w);
}

static void answer(struct events *ev, const struct client *client, int64_t since, int64_t count)
{
    static const char *const headers[] = {"id", "when_ms", "kind", "node", "version", "text", NULL};
    struct buf b = BUF_INIT;
    struct cluster_table_writer w;
    cluster_table_begin(&w, &b, client->seq, NULL, headers);
    for (int64_t id = first_after(ev, since); id < ev->next_id && count > 0; id++, count--)
        put_row(&w, find(ev, id));
    cluster_table_end(&w);
    if (!b.failed)
        requests_send(ev->requests, client, buf_slice(&b));
    buf_fini(&b);
}

static void release(struct events *ev, struct waiter *w)
{
    list_remove(&w->link);
    answer(ev, &w->client, w->since, w->count);
    free(w);
}

void events_add(struct events *ev, const char *kind, const char *node, int64_t version,
                const char *fmt, ...)
{
    struct event *it = &ev->ring[ev->next_id % EVENTS_KEPT];
    va_list args;
    *it = (struct event){.id = ev->next_id++, .when_ms = clock_wall_ms(), .version = version};
    snprintf(it->kind, sizeof it->kind, "%s", kind);
    snprintf(it->node, sizeof it->node, "%s", node);
    va_start(args, fmt);
    vsnprintf(it->text, sizeof it->text, fmt, args);
    va_end(args);
    log_info(kind, "%s%s%s version=%lld", it->text, node[0] != '\0' ? " node=" : "", node,
             (long long)version);
    list_for_each_safe (link, &ev->waiters)
        release(ev, container_of(link, struct waiter, link));
}

void events_watch(struct events *ev, const struct client *client, const struct cluster_watch *w)
{
    int64_t since = w->since >= 0 ? w->since : ev->next_id - 1;
    struct waiter *waiter = NULL;
    size_t waiting = 0;
    list_for_each (it, &ev->waiters)
        waiting++;
    if (first_after(ev, since) == ev->next_id && w->wait_ms > 0 && waiting < WAITERS_MAX)
        waiter = calloc(1, sizeof *waiter);
    if (waiter == NULL) {
        answer(ev, client, since, w->count);
        return;
    }
    *waiter = (struct waiter){.client = *client,
                              .since = since,
                              .count = w->count,
                              .deadline_ms = clock_monotonic_ms() + (uint64_t)w->wait_ms};
    list_push_back(&ev->waiters, &waiter->link);
}

void events_tick(struct events *ev, uint64_t now_ms)
{
    list_for_each_safe (link, &ev->waiters) {
        struct waiter *w = container_of(link, struct waiter, link);
        if (now_ms >= w->deadline_ms)
            release(ev, w);
    }
}
