/* What a worker's coming, going, credit and silence mean for the requests of its pool. */

#include "node/backend/pool_events.h"

#include "node/backend/backend_post.h"
#include "node/backend/pool_dispatch.h"
#include "proto/base/buf.h"
#include "proto/base/log.h"

#include <stdio.h>
#include <string.h>

static void *port_find(struct backends *set, struct slice pool)
{
    char name[300];
    snprintf(name, sizeof name, "pool %.*s", SLICE_ARG(pool));
    return map_get(&set->by_name, slice_str(name));
}

static void worker_joined(struct pool_worker *w)
{
    struct pool *p = pool_of(w->pool);
    list_push_back(&p->busy, &w->link);
    p->base.figures.workers++;
    log_info("pool", "worker joined pool=%s worker=%s name=%s host=%s pid=%lld capacity=%u",
             p->base.name + 5, w->uuid, w->name, w->host, (long long)w->pid, w->capacity);
    if (p->waiting_count > 0)
        pool_look_soon(p);
}

/* A hint when we left no reservation: then it is what the worker has room for now. In answer to a
 * reservation these places are held for us: used, or given back at once. */
static void worker_credit(struct pool_worker *w, uint32_t count)
{
    struct pool *p = pool_of(w->pool);
    bool held = w->wants > 0;
    if (w->leaving)
        return;
    if (!held) {
        pool_set_credit(p, w, count);
        if (p->waiting_count > 0)
            pool_look_soon(p);
        return;
    }
    w->wants -= count < w->wants ? count : w->wants;
    while (count > 0 && !p->is_paused && !list_is_empty(&p->waiting) &&
           pool_hand_over(p, w, pool_request_at(p->waiting.next)))
        count--;
    if (count > 0) {
        struct pool_frame want = {.type = POOL_WANT, .want.count = 0};
        pool_worker_send(w, &want);
        w->wants = 0;
    }
}

static struct backend_request *find_request(struct pool_worker *w, struct slice id)
{
    char text[24];
    list_for_each (it, &w->requests) {
        struct backend_request *r = pool_request_at(it);
        int len = snprintf(text, sizeof text, "%llu", (unsigned long long)r->id);
        if (slice_eq(id, slice_of(text, (size_t)len)))
            return r;
    }
    return NULL;
}

static void worker_returned(struct pool_worker *w, struct slice id)
{
    struct pool *p = pool_of(w->pool);
    struct backend_request *r = find_request(w, id);
    pool_set_credit(p, w, 0);
    if (r == NULL)
        return;
    pool_leave(p, r);
    pool_wait_again(p, r, false);
}

/* What it was sent before the beat that it answers now is with it: had it no room, it would have
 * said so before. */
static void worker_beat(struct pool_worker *w, uint32_t beat)
{
    if (w->unconfirmed == 0)
        return;
    list_for_each_safe (it, &w->requests) {
        struct backend_request *r = pool_request_at(it);
        if (!r->one_way || (int32_t)(beat - r->sent_beat) <= 0)
            continue;
        pool_leave(pool_of(w->pool), r);
        backend_post_delivered(r);
    }
}

static void worker_bye(struct pool_worker *w)
{
    w->leaving = true;
    pool_set_credit(pool_of(w->pool), w, 0);
    log_info("pool", "worker leaves pool=%s worker=%s in_flight=%u",
             pool_of(w->pool)->base.name + 5, w->uuid, w->in_flight);
}

/* Requests that got no byte of an answer go to another worker if they may be repeated; the others
 * are answered 502, or cut off where an answer had begun. The log names each. */
static const char *resettle(struct pool *p, struct backend_request *r)
{
    struct counters *counters = p->base.set->counters;
    bool begun = *r->answer_begun, one_way = r->one_way;
    r->may_come_late |= ((struct pool_worker *)r->worker)->heard_us != 0; /* silent, not gone */
    pool_leave(p, r);
    if (!begun && r->retries_left > 0) {
        r->retries_left--;
        counters->pool_retries++;
        p->base.figures.retried++;
        pool_wait_again(p, r, true);
        return "retried";
    }
    counters->pool_losses++;
    p->base.figures.lost++;
    pool_drop_message(r);
    r->failed(r, 502);
    return begun ? "cut off" : one_way ? "lost" : "502";
}

static void worker_lost(struct pool_worker *w, const char *why)
{
    struct pool *p = pool_of(w->pool);
    struct buf fates = BUF_INIT;
    pool_set_credit(p, w, 0);
    p->base.figures.workers--;
    if (w->leaving && list_is_empty(&w->requests)) {
        log_info("pool", "worker left pool=%s worker=%s", p->base.name + 5, w->uuid);
        return;
    }
    for (struct list *it; (it = w->requests.next) != &w->requests;) {
        struct backend_request *r = pool_request_at(it);
        uint64_t id = r->id;
        uint32_t conn_id = r->conn_id;
        const char *fate = resettle(p, r);
        buf_printf(&fates, " %llu(conn %u):%s", (unsigned long long)id, conn_id, fate);
    }
    log_warn("pool", "worker lost: %s pool=%s worker=%s name=%s requests:%s", why, p->base.name + 5,
             w->uuid, w->name, fates.len > 0 ? buf_str(&fates) : " none");
    buf_fini(&fates);
}

static void time_out_at(struct pool *p, struct pool_worker *w)
{
    uint64_t now_us = p->base.set->loop->now_us;
    list_for_each_safe (it, &w->requests) {
        struct backend_request *r = pool_request_at(it);
        if (now_us - r->sent_us < p->limits.timeout_ms * 1000ull)
            return;
        if (*r->answer_begun || r->one_way || r->open)
            continue;
        p->base.figures.timed_out++;
        p->base.set->counters->timeouts++;
        r->may_come_late = true;
        pool_give_up(p, r, 504);
    }
}

static void port_tick(struct backends *set)
{
    for (struct map_entry *it = map_first(&set->by_name); it != NULL; it = map_next(it)) {
        struct backend *b = map_value(it);
        if (strncmp(b->name, "pool ", 5) != 0 || pool_of(b)->limits.timeout_ms == 0)
            continue;
        struct list *lists[] = {&pool_of(b)->idle, &pool_of(b)->busy};
        for (int i = 0; i < 2; i++)
            list_for_each (w, lists[i])
                time_out_at(pool_of(b), container_of(w, struct pool_worker, link));
    }
}

const struct pool_port_ops pool_events = {
    .find = port_find,
    .joined = worker_joined,
    .credit = worker_credit,
    .returned = worker_returned,
    .beat = worker_beat,
    .bye = worker_bye,
    .lost = worker_lost,
    .tick = port_tick,
};
