/* Join-idle-queue with late binding: a request goes at once to a worker that has said it has room,
 * in turn among those; with none, it waits here while a reservation (WANT) stands at every worker.
 * A worker that gets free answers the reservation, and the oldest request goes to it. */

#include "node/backend/pool.h"

#include "node/backend/backend_post.h"
#include "node/backend/pool_worker.h"
#include "proto/base/buf.h"
#include "proto/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum request_state { REQUEST_NONE, REQUEST_WAITING, REQUEST_AT_WORKER };

struct pool {
    struct backend base;
    struct list waiting; /* of struct backend_request, oldest first */
    struct list idle;    /* workers with credit; the first is next */
    struct list busy;    /* workers without */
    unsigned waiting_count;
    bool out_of_order; /* the head of the queue need not be the first whose time is over */
    struct backend_limits limits;
    uint64_t next_id;
    struct loop_task flush;
    struct ev_timer expiry;
};

static struct pool *of(struct backend *b)
{
    return container_of(b, struct pool, base);
}

static struct pool *pool_of(struct pool_worker *w)
{
    return of(w->pool);
}

static struct backend_request *request_at(struct list *link)
{
    return container_of(link, struct backend_request, link);
}

/* --- a request's places --- */

static void drop_message(struct backend_request *r)
{
    zmq_msg_close(&r->message);
    zmq_msg_init(&r->message);
}

static void leave(struct pool *p, struct backend_request *r)
{
    list_remove(&r->link);
    if (r->state == REQUEST_WAITING)
        p->base.figures.queued_now = --p->waiting_count;
    if (r->state == REQUEST_AT_WORKER) {
        struct pool_worker *w = r->worker;
        w->in_flight -= !r->one_way;
        w->unconfirmed -= r->one_way;
        p->base.figures.in_flight -= !r->one_way;
    }
    r->worker = NULL;
    r->taken = false;
    r->state = REQUEST_NONE;
}

static void give_up(struct pool *p, struct backend_request *r, int status)
{
    if (r->state != REQUEST_NONE)
        leave(p, r);
    drop_message(r);
    r->failed(r, status);
}

static void count_waiting(struct pool *p, struct backend_request *r)
{
    r->state = REQUEST_WAITING;
    p->base.figures.queued_now = ++p->waiting_count;
    loop_at_turn_end(p->base.set->loop, &p->flush);
}

static void wait_in_queue(struct pool *p, struct backend_request *r)
{
    list_push_back(&p->waiting, &r->link);
    count_waiting(p, r);
}

/* It has had its turn: it goes before those that came later. The time it may wait begins anew only
 * when it was worked on meanwhile. */
static void wait_again(struct pool *p, struct backend_request *r, bool anew)
{
    list_push_front(&p->waiting, &r->link);
    if (anew)
        r->queued_us = p->base.set->loop->now_us;
    p->out_of_order = true;
    count_waiting(p, r);
}

/* --- dispatch --- */

static void set_credit(struct pool *p, struct pool_worker *w, uint32_t credit)
{
    p->base.figures.credit += credit;
    p->base.figures.credit -= w->credit;
    if ((credit > 0) != (w->credit > 0)) {
        list_remove(&w->link);
        list_push_back(credit > 0 ? &p->idle : &p->busy, &w->link);
    }
    w->credit = credit;
}

static bool hand_over(struct pool *p, struct pool_worker *w, struct backend_request *r)
{
    uint64_t id = ++p->next_id;
    if (!pool_worker_send_request(w, id, &r->message))
        return false;
    leave(p, r);
    r->id = id;
    r->worker = w;
    r->state = REQUEST_AT_WORKER;
    r->sent_us = p->base.set->loop->now_us;
    list_push_back(&w->requests, &r->link);
    w->in_flight += !r->one_way;
    w->unconfirmed += r->one_way;
    p->base.figures.in_flight += !r->one_way;
    if (r->one_way) {
        r->sent_beat = w->beats_sent;
        backend_post_left(r);
    }
    backend_request_taken(r);
    return true;
}

/* Each worker with credit in turn, so that a burst spreads. */
static void dispatch(struct pool *p)
{
    while (!list_is_empty(&p->waiting) && !list_is_empty(&p->idle)) {
        struct pool_worker *w = container_of(p->idle.next, struct pool_worker, link);
        bool taken = hand_over(p, w, request_at(p->waiting.next));
        set_credit(p, w, taken ? w->credit - 1 : 0);
        if (w->credit > 0) {
            list_remove(&w->link);
            list_push_back(&p->idle, &w->link);
        }
    }
}

static void reserve(struct pool *p)
{
    list_for_each (it, &p->busy) {
        struct pool_worker *w = container_of(it, struct pool_worker, link);
        if (w->leaving || w->wants >= p->waiting_count)
            continue;
        struct pool_frame want = {.type = POOL_WANT, .want.count = p->waiting_count};
        if (pool_worker_send(w, &want))
            w->wants = p->waiting_count;
    }
}

/* In order of arrival all wait equally long, so that the head's time is over first. */
static uint64_t oldest_us(const struct pool *p)
{
    uint64_t oldest = request_at(p->waiting.next)->queued_us;
    if (!p->out_of_order)
        return oldest;
    list_for_each (it, &p->waiting)
        if (request_at(it)->queued_us < oldest)
            oldest = request_at(it)->queued_us;
    return oldest;
}

static void arm_expiry(struct pool *p)
{
    struct ev_loop *ev = p->base.set->loop->ev;
    ev_timer_stop(ev, &p->expiry);
    if (list_is_empty(&p->waiting)) {
        p->out_of_order = false;
        return;
    }
    uint64_t due_us = oldest_us(p) + p->limits.queue_timeout_ms * 1000ull;
    uint64_t now_us = p->base.set->loop->now_us;
    ev_timer_set(&p->expiry, due_us > now_us ? (double)(due_us - now_us) / 1e6 + 0.001 : 0.001, 0);
    ev_timer_start(ev, &p->expiry);
}

static void on_expiry(struct ev_loop *ev, struct ev_timer *t, int events)
{
    (void)ev, (void)events;
    struct pool *p = container_of(t, struct pool, expiry);
    uint64_t now_us = p->base.set->loop->now_us;
    list_for_each_safe (it, &p->waiting) {
        struct backend_request *r = request_at(it);
        if (r->queued_us + p->limits.queue_timeout_ms * 1000ull > now_us) {
            if (p->out_of_order)
                continue;
            break;
        }
        p->base.set->counters->pool_queue_timeouts++;
        p->base.figures.timed_out++;
        give_up(p, r, 503);
    }
    arm_expiry(p);
}

/* The bound holds for what found no worker; the latest are refused. */
static void refuse_excess(struct pool *p)
{
    while (p->waiting_count > p->limits.queue) {
        p->base.figures.refused++;
        p->base.set->counters->pool_queue_full++;
        give_up(p, request_at(p->waiting.prev), 503);
    }
}

static void on_flush(struct loop_task *task)
{
    struct pool *p = container_of(task, struct pool, flush);
    dispatch(p);
    refuse_excess(p);
    if (list_is_empty(&p->waiting))
        return;
    reserve(p);
    if (p->out_of_order || !ev_is_active(&p->expiry))
        arm_expiry(p);
}

static void pool_send(struct backend *b, struct backend_request *r)
{
    struct pool *p = of(b);
    r->backend = b;
    r->queued_us = b->set->loop->now_us;
    b->figures.requests++;
    wait_in_queue(p, r);
    if (list_is_empty(&p->idle))
        refuse_excess(p);
}

static void pool_done(struct backend *b, struct backend_request *r)
{
    if (r->state == REQUEST_NONE)
        return;
    leave(of(b), r);
    drop_message(r);
}

/* The worker that began an upload gets all of it: a part needs no credit, as its size was granted
 * by that worker. */
static bool pool_part(struct backend *b, struct backend_request *first,
                      struct backend_poster *poster, zmq_msg_t *message)
{
    (void)poster; /* it does not wait */
    struct pool_worker *w = first->worker;
    bool sent = w != NULL && pool_worker_send_part(w, ++of(b)->next_id, message);
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
    struct pool *p = of(b);
    struct pool_worker *w = choose_listener(p);
    if (w != NULL && pool_worker_send_request(w, ++p->next_id, message))
        b->set->counters->disconnect_notices++;
    if (w != NULL && w->credit > 0)
        set_credit(p, w, w->credit - 1);
    zmq_msg_close(message);
}

/* --- what workers say --- */

static void *port_find(struct backends *set, struct slice pool)
{
    char name[300];
    snprintf(name, sizeof name, "pool %.*s", SLICE_ARG(pool));
    return map_get(&set->by_name, slice_str(name));
}

static void worker_joined(struct pool_worker *w)
{
    struct pool *p = pool_of(w);
    list_push_back(&p->busy, &w->link);
    p->base.figures.workers++;
    log_info("pool", "worker joined pool=%s worker=%s name=%s host=%s pid=%lld capacity=%u",
             p->base.name + 5, w->uuid, w->name, w->host, (long long)w->pid, w->capacity);
    if (p->waiting_count > 0)
        loop_at_turn_end(p->base.set->loop, &p->flush);
}

/* A hint when we left no reservation: then it is what the worker has room for now. In answer to a
 * reservation these places are held for us: used, or given back at once. */
static void worker_credit(struct pool_worker *w, uint32_t count)
{
    struct pool *p = pool_of(w);
    bool held = w->wants > 0;
    if (w->leaving)
        return;
    if (!held) {
        set_credit(p, w, count);
        if (p->waiting_count > 0)
            loop_at_turn_end(p->base.set->loop, &p->flush);
        return;
    }
    w->wants -= count < w->wants ? count : w->wants;
    while (count > 0 && !list_is_empty(&p->waiting) && hand_over(p, w, request_at(p->waiting.next)))
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
        struct backend_request *r = request_at(it);
        int len = snprintf(text, sizeof text, "%llu", (unsigned long long)r->id);
        if (slice_eq(id, slice_of(text, (size_t)len)))
            return r;
    }
    return NULL;
}

static void worker_returned(struct pool_worker *w, struct slice id)
{
    struct pool *p = pool_of(w);
    struct backend_request *r = find_request(w, id);
    set_credit(p, w, 0);
    if (r == NULL)
        return;
    leave(p, r);
    wait_again(p, r, false);
}

/* What it was sent before the beat that it answers now is with it: had it no room, it would have
 * said so before. */
static void worker_beat(struct pool_worker *w, uint32_t beat)
{
    if (w->unconfirmed == 0)
        return;
    list_for_each_safe (it, &w->requests) {
        struct backend_request *r = request_at(it);
        if (!r->one_way || (int32_t)(beat - r->sent_beat) <= 0)
            continue;
        leave(pool_of(w), r);
        backend_post_delivered(r);
    }
}

static void worker_bye(struct pool_worker *w)
{
    w->leaving = true;
    set_credit(pool_of(w), w, 0);
    log_info("pool", "worker leaves pool=%s worker=%s in_flight=%u", pool_of(w)->base.name + 5,
             w->uuid, w->in_flight);
}

/* Requests that got no byte of an answer go to another worker if they may be repeated; the others
 * are answered 502, or cut off where an answer had begun. The log names each. */
static const char *resettle(struct pool *p, struct backend_request *r)
{
    struct counters *counters = p->base.set->counters;
    bool begun = *r->answer_begun, one_way = r->one_way;
    r->may_come_late |= ((struct pool_worker *)r->worker)->heard_us != 0; /* silent, not gone */
    leave(p, r);
    if (!begun && r->retries_left > 0) {
        r->retries_left--;
        counters->pool_retries++;
        p->base.figures.retried++;
        wait_again(p, r, true);
        return "retried";
    }
    counters->pool_losses++;
    p->base.figures.lost++;
    drop_message(r);
    r->failed(r, 502);
    return begun ? "cut off" : one_way ? "lost" : "502";
}

static void worker_lost(struct pool_worker *w, const char *why)
{
    struct pool *p = pool_of(w);
    struct buf fates = BUF_INIT;
    set_credit(p, w, 0);
    p->base.figures.workers--;
    if (w->leaving && list_is_empty(&w->requests)) {
        log_info("pool", "worker left pool=%s worker=%s", p->base.name + 5, w->uuid);
        return;
    }
    for (struct list *it; (it = w->requests.next) != &w->requests;) {
        struct backend_request *r = request_at(it);
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
        struct backend_request *r = request_at(it);
        if (now_us - r->sent_us < p->limits.timeout_ms * 1000ull)
            return;
        if (*r->answer_begun || r->one_way || r->open)
            continue;
        p->base.figures.timed_out++;
        p->base.set->counters->timeouts++;
        r->may_come_late = true;
        give_up(p, r, 504);
    }
}

static void port_tick(struct backends *set)
{
    for (struct map_entry *it = map_first(&set->by_name); it != NULL; it = map_next(it)) {
        struct backend *b = map_value(it);
        if (strncmp(b->name, "pool ", 5) != 0 || of(b)->limits.timeout_ms == 0)
            continue;
        struct list *lists[] = {&of(b)->idle, &of(b)->busy};
        for (int i = 0; i < 2; i++)
            list_for_each (w, lists[i])
                time_out_at(of(b), container_of(w, struct pool_worker, link));
    }
}

static const struct pool_port_ops port_ops = {
    .find = port_find,
    .joined = worker_joined,
    .credit = worker_credit,
    .returned = worker_returned,
    .beat = worker_beat,
    .bye = worker_bye,
    .lost = worker_lost,
    .tick = port_tick,
};

/* --- the pool --- */

static void dismiss_all(struct list *workers)
{
    list_for_each_safe (it, workers)
        pool_worker_dismiss(container_of(it, struct pool_worker, link),
                            "The pool is no longer configured.");
}

static void pool_limit(struct backend *b, const struct backend_limits *limits)
{
    of(b)->limits = *limits;
    arm_expiry(of(b));
}

static void pool_destroy(struct backend *b)
{
    struct pool *p = of(b);
    while (!list_is_empty(&p->waiting)) /* only posts: whoever waits for an answer holds us */
        give_up(p, request_at(p->waiting.next), 503);
    dismiss_all(&p->idle);
    dismiss_all(&p->busy);
    loop_task_cancel(&p->flush);
    ev_timer_stop(b->set->loop->ev, &p->expiry);
    pool_port_unref(b->set);
    free(p);
}

static const struct backend_ops pool_ops = {
    .kind = "pool",
    .send = pool_send,
    .done = pool_done,
    .part = pool_part,
    .notice = pool_notice,
    .limit = pool_limit,
    .destroy = pool_destroy,
};

static struct backend *pool_create(struct backends *s, const char *name,
                                   const struct backend_limits *limits, struct error *e)
{
    struct pool_port *port = pool_port_get(s, &port_ops, e);
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
    list_init(&p->waiting);
    list_init(&p->idle);
    list_init(&p->busy);
    loop_task_init(&p->flush, on_flush);
    ev_timer_init(&p->expiry, on_expiry, 0, 0);
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
