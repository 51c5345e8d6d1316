/* Join-idle-queue with late binding: a request goes at once to a worker that has said it has room,
 * in turn among those; with none, it waits here while a reservation (WANT) stands at every worker.
 * A worker that gets free answers the reservation, and the oldest request goes to it. */

#include "node/backend/pool_dispatch.h"

#include "node/backend/backend_post.h"
#include "proto/base/log.h"

/* While a pool is paused, and until what has come then is handed out, so many times as much may
 * wait: it is nobody's fault but ours. */
enum { PAUSED_QUEUES = 10 };

/* --- a request's places --- */

void pool_drop_message(struct backend_request *r)
{
    zmq_msg_close(&r->message);
    zmq_msg_init(&r->message);
}

void pool_leave(struct pool *p, struct backend_request *r)
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

void pool_give_up(struct pool *p, struct backend_request *r, int status)
{
    if (r->state != REQUEST_NONE)
        pool_leave(p, r);
    pool_drop_message(r);
    r->failed(r, status);
}

static void count_waiting(struct pool *p, struct backend_request *r)
{
    r->state = REQUEST_WAITING;
    p->base.figures.queued_now = ++p->waiting_count;
    pool_look_soon(p);
}

void pool_wait(struct pool *p, struct backend_request *r)
{
    list_push_back(&p->waiting, &r->link);
    count_waiting(p, r);
}

/* It has had its turn: it goes before those that came later. The time it may wait begins anew only
 * when it was worked on meanwhile. */
void pool_wait_again(struct pool *p, struct backend_request *r, bool anew)
{
    list_push_front(&p->waiting, &r->link);
    if (anew)
        r->queued_us = p->base.set->loop->now_us;
    p->out_of_order = true;
    count_waiting(p, r);
}

/* --- dispatch --- */

void pool_set_credit(struct pool *p, struct pool_worker *w, uint32_t credit)
{
    p->base.figures.credit += credit;
    p->base.figures.credit -= w->credit;
    if ((credit > 0) != (w->credit > 0)) {
        list_remove(&w->link);
        list_push_back(credit > 0 ? &p->idle : &p->busy, &w->link);
    }
    w->credit = credit;
}

bool pool_hand_over(struct pool *p, struct pool_worker *w, struct backend_request *r)
{
    uint64_t id = ++p->next_id;
    if (!pool_worker_send_request(w, id, &r->message))
        return false;
    pool_leave(p, r);
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
    if (p->is_paused)
        return;
    while (!list_is_empty(&p->waiting) && !list_is_empty(&p->idle)) {
        struct pool_worker *w = container_of(p->idle.next, struct pool_worker, link);
        bool taken = pool_hand_over(p, w, pool_request_at(p->waiting.next));
        pool_set_credit(p, w, taken ? w->credit - 1 : 0);
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
    uint64_t oldest = pool_request_at(p->waiting.next)->queued_us;
    if (!p->out_of_order)
        return oldest;
    list_for_each (it, &p->waiting)
        if (pool_request_at(it)->queued_us < oldest)
            oldest = pool_request_at(it)->queued_us;
    return oldest;
}

void pool_arm_expiry(struct pool *p)
{
    struct ev_loop *ev = p->base.set->loop->ev;
    ev_timer_stop(ev, &p->expiry);
    if (list_is_empty(&p->waiting)) {
        p->out_of_order = false;
        return;
    }
    if (p->is_paused)
        return;
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
        struct backend_request *r = pool_request_at(it);
        if (r->queued_us + p->limits.queue_timeout_ms * 1000ull > now_us) {
            if (p->out_of_order)
                continue;
            break;
        }
        p->base.set->counters->pool_queue_timeouts++;
        p->base.figures.timed_out++;
        pool_give_up(p, r, 503);
    }
    pool_arm_expiry(p);
}

/* The bound holds for what found no worker; the latest are refused. */
void pool_refuse_excess(struct pool *p)
{
    if (p->waiting_count <= p->limits.queue)
        p->is_crowded = p->is_paused;
    uint64_t most = (uint64_t)p->limits.queue * (p->is_crowded ? PAUSED_QUEUES : 1);
    while (p->waiting_count > most) {
        p->base.figures.refused++;
        p->base.set->counters->pool_queue_full++;
        pool_give_up(p, pool_request_at(p->waiting.prev), 503);
    }
}

static void on_flush(struct loop_task *task)
{
    struct pool *p = container_of(task, struct pool, flush);
    dispatch(p);
    pool_refuse_excess(p);
    if (list_is_empty(&p->waiting) || p->is_paused)
        return;
    reserve(p);
    if (p->out_of_order || !ev_is_active(&p->expiry))
        pool_arm_expiry(p);
}

void pool_set_paused(struct pool *p, bool is_paused)
{
    if (p->is_paused == is_paused)
        return;
    p->is_paused = is_paused;
    p->base.figures.paused = is_paused;
    log_info("pool", "%s pool=%s waiting=%u", is_paused ? "paused by order" : "resumed",
             p->base.name + 5, p->waiting_count);
    p->is_crowded = true;
    if (!is_paused)
        list_for_each (it, &p->waiting)
            pool_request_at(it)->queued_us = p->base.set->loop->now_us;
    pool_arm_expiry(p);
    pool_look_soon(p);
}

void pool_look_soon(struct pool *p)
{
    loop_at_turn_end(p->base.set->loop, &p->flush);
}

void pool_dispatch_init(struct pool *p)
{
    list_init(&p->waiting);
    list_init(&p->idle);
    list_init(&p->busy);
    loop_task_init(&p->flush, on_flush);
    ev_timer_init(&p->expiry, on_expiry, 0, 0);
}

void pool_dispatch_fini(struct pool *p)
{
    loop_task_cancel(&p->flush);
    ev_timer_stop(p->base.set->loop->ev, &p->expiry);
}
