/* It sleeps on a condition and not in epoll, so that it never takes an event away from a thread
 * that waits for one. */

#include "proto/handler/keeper.h"

#include "proto/base/clock.h"

#include <signal.h>
#include <string.h>
#include <time.h>

#define LATE_MS 20 /* how long after a turn was due the keeper takes it */

/* The lock is held, and given up while it sleeps. */
static void sleep_until(struct keeper *k, uint64_t due_ms)
{
    struct timespec until = {(time_t)(due_ms / 1000), (long)(due_ms % 1000) * 1000000};
    pthread_cond_timedwait(&k->wake, &k->handler->lock, &until);
}

static void *keep(void *arg)
{
    struct keeper *k = arg;
    struct m2_handler *h = k->handler;
    pthread_mutex_lock(&h->lock);
    while (!k->is_stopping) {
        uint64_t due_ms = h->due_ms + LATE_MS;
        if (clock_monotonic_ms() < due_ms) {
            sleep_until(k, due_ms);
            continue;
        }
        struct pollset_events events;
        pollset_wait(&h->poll, 0, &events);
        pollset_take(&h->poll, &events);
        handler_turn(h);
        handler_hand_over(h);
    }
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

int keeper_start(struct keeper *k, struct m2_handler *h, struct m2_error *e)
{
    pthread_condattr_t monotonic;
    k->handler = h;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&k->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    sigset_t all, before; /* signals are for the program's own threads */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&k->thread, NULL, keep, k);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        pthread_cond_destroy(&k->wake);
        return handler_fail(e, M2_ERROR_IO, "Can't start a thread: %s.", strerror(rc));
    }
    k->is_running = true;
    return 0;
}

void keeper_stop(struct keeper *k)
{
    if (!k->is_running)
        return;
    pthread_mutex_lock(&k->handler->lock);
    k->is_stopping = true;
    pthread_cond_signal(&k->wake);
    pthread_mutex_unlock(&k->handler->lock);
    pthread_join(k->thread, NULL);
    pthread_cond_destroy(&k->wake);
    k->is_running = false;
}
