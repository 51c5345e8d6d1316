/* ev_prepare runs last before the wait and ev_check first after it: the two ends of a turn. Tasks
 * may queue tasks; destruction comes after all of them, so nobody touches a freed object in its own
 * turn. */

#include "node/io/loop.h"

#include "proto/base/clock.h"

static void refresh_time(struct loop *l)
{
    l->now_us = clock_monotonic_us();
    l->wall_s = clock_wall_s();
}

static void run_tasks(struct loop *l)
{
    for (struct list *it; (it = list_pop_front(&l->tasks)) != NULL;) {
        struct loop_task *task = container_of(it, struct loop_task, link);
        task->run(task);
    }
}

static void run_destroys(struct loop *l)
{
    for (struct list *it; (it = list_pop_front(&l->dying)) != NULL;) {
        struct loop_dying *dying = container_of(it, struct loop_dying, link);
        dying->destroy(dying);
    }
}

static void end_turn(struct loop *l)
{
    do {
        run_tasks(l);
        run_destroys(l);
    } while (!list_is_empty(&l->tasks));
}

static void on_before_wait(struct ev_loop *ev, struct ev_prepare *w, int events)
{
    (void)ev, (void)events;
    end_turn(container_of(w, struct loop, before_wait));
}

static void on_after_wait(struct ev_loop *ev, struct ev_check *w, int events)
{
    (void)ev, (void)events;
    refresh_time(container_of(w, struct loop, after_wait));
}

int loop_init(struct loop *l)
{
    list_init(&l->tasks);
    list_init(&l->dying);
    l->ev = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
    if (l->ev == NULL)
        return -1;
    ev_prepare_init(&l->before_wait, on_before_wait);
    ev_set_priority(&l->before_wait,
                    EV_MINPRI + 1); /* evzmq looks at its sockets once more after */
    ev_prepare_start(l->ev, &l->before_wait);
    ev_check_init(&l->after_wait, on_after_wait);
    ev_set_priority(&l->after_wait, EV_MAXPRI);
    ev_check_start(l->ev, &l->after_wait);
    refresh_time(l);
    return 0;
}

void loop_fini(struct loop *l)
{
    if (l->ev == NULL)
        return;
    end_turn(l);
    ev_prepare_stop(l->ev, &l->before_wait);
    ev_check_stop(l->ev, &l->after_wait);
    ev_loop_destroy(l->ev);
    l->ev = NULL;
}

void loop_run(struct loop *l)
{
    ev_run(l->ev, 0);
    end_turn(l);
}

void loop_step(struct loop *l)
{
    ev_run(l->ev, EVRUN_NOWAIT);
    end_turn(l);
}

void loop_stop(struct loop *l)
{
    ev_break(l->ev, EVBREAK_ALL);
}

void loop_task_init(struct loop_task *t, void (*run)(struct loop_task *))
{
    list_init(&t->link);
    t->run = run;
}

void loop_defer_destroy(struct loop *l, struct loop_dying *d, void (*destroy)(struct loop_dying *))
{
    d->destroy = destroy;
    list_push_back(&l->dying, &d->link);
}
