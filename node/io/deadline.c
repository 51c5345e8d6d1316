/* Slot = due tick modulo the number of slots. A slot also holds deadlines of later revolutions;
 * they are skipped when the wheel comes by, so a deadline of an hour is looked at 36 times and no
 * more. */

#include "node/io/deadline.h"

static void on_tick(struct ev_loop *ev, struct ev_timer *t, int events)
{
    (void)ev, (void)events;
    deadlines_advance(container_of(t, struct deadlines, timer));
}

void deadlines_init(struct deadlines *w, struct loop *loop)
{
    w->loop = loop;
    w->now_tick = loop_now_ms(loop) / DEADLINE_TICK_MS;
    for (int i = 0; i < DEADLINE_SLOTS; i++)
        list_init(&w->slots[i]);
    ev_timer_init(&w->timer, on_tick, DEADLINE_TICK_MS / 1000.0, DEADLINE_TICK_MS / 1000.0);
    ev_timer_start(loop->ev, &w->timer);
    ev_unref(loop->ev); /* the wheel alone does not keep the loop running */
}

void deadlines_fini(struct deadlines *w)
{
    ev_ref(w->loop->ev);
    ev_timer_stop(w->loop->ev, &w->timer);
}

void deadline_init(struct deadline *d, void (*fire)(struct deadline *))
{
    list_init(&d->link);
    d->tick = 0;
    d->fire = fire;
}

void deadline_set(struct deadlines *w, struct deadline *d, uint64_t after_ms)
{
    uint64_t due_ms = loop_now_ms(w->loop) + after_ms;
    d->tick = (due_ms + DEADLINE_TICK_MS - 1) / DEADLINE_TICK_MS;
    /* What is due comes with the next tick, whenever that is looked at: rounding up from now would
     * put it off again each time it is set between a tick and its timer. */
    if (after_ms == 0 || d->tick <= w->now_tick)
        d->tick = w->now_tick + 1;
    list_remove(&d->link);
    list_push_back(&w->slots[d->tick % DEADLINE_SLOTS], &d->link);
}

void deadline_clear(struct deadline *d)
{
    list_remove(&d->link);
}

bool deadline_is_set(const struct deadline *d)
{
    return !list_is_empty(&d->link);
}

static void fire_slot(struct deadlines *w, struct list *slot)
{
    struct list due; /* taken off first: firing may set deadlines in this very slot */
    list_init(&due);
    list_for_each_safe (it, slot) {
        if (container_of(it, struct deadline, link)->tick <= w->now_tick) {
            list_remove(it);
            list_push_back(&due, it);
        }
    }
    for (struct list *it; (it = list_pop_front(&due)) != NULL;) {
        struct deadline *d = container_of(it, struct deadline, link);
        d->fire(d);
    }
}

void deadlines_advance(struct deadlines *w)
{
    uint64_t target = loop_now_ms(w->loop) / DEADLINE_TICK_MS;
    if (target > w->now_tick + DEADLINE_SLOTS) /* stopped for long: one revolution meets them all */
        w->now_tick = target - DEADLINE_SLOTS;
    while (w->now_tick < target) {
        w->now_tick++;
        fire_slot(w, &w->slots[w->now_tick % DEADLINE_SLOTS]);
    }
}
