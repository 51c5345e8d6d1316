/* Two lists under one mutex. The loop is woken by ev_async, the one libev call that another thread
 * may make. */

#include "proto/link/evwork.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

struct evwork {
    struct ev_loop *loop;
    ev_async wake;
    pthread_t thread;
    pthread_mutex_t lock; /* for all below */
    pthread_cond_t changed;
    struct list waiting;
    struct list finished;
    bool running; /* a job is out of both lists */
    bool stop;
};

static void *run_jobs(void *arg)
{
    struct evwork *w = arg;
    pthread_mutex_lock(&w->lock);
    for (;;) {
        struct list *link = list_pop_front(&w->waiting);
        if (link == NULL) {
            if (w->stop)
                break;
            pthread_cond_wait(&w->changed, &w->lock);
            continue;
        }
        struct evwork_job *job = container_of(link, struct evwork_job, link);
        w->running = true;
        pthread_mutex_unlock(&w->lock);
        job->run(job);
        pthread_mutex_lock(&w->lock);
        w->running = false;
        list_push_back(&w->finished, &job->link);
        pthread_cond_broadcast(&w->changed);
        ev_async_send(w->loop, &w->wake);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static void finish(struct evwork *w)
{
    for (;;) {
        pthread_mutex_lock(&w->lock);
        struct list *link = list_pop_front(&w->finished);
        pthread_mutex_unlock(&w->lock);
        if (link == NULL)
            return;
        struct evwork_job *job = container_of(link, struct evwork_job, link);
        job->done(job);
    }
}

static void on_wake(struct ev_loop *loop, ev_async *watcher, int revents)
{
    (void)loop, (void)revents;
    finish(container_of(watcher, struct evwork, wake));
}

/* The thread takes no signals: they are the loop's. */
static int start_thread(struct evwork *w)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&w->thread, NULL, run_jobs, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

int evwork_create(struct evwork **out, struct ev_loop *loop, struct error *e)
{
    struct evwork *w = calloc(1, sizeof *w);
    if (w == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    w->loop = loop;
    list_init(&w->waiting);
    list_init(&w->finished);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->changed, NULL);
    ev_async_init(&w->wake, on_wake);
    ev_async_start(loop, &w->wake);
    if (start_thread(w) != 0) {
        ev_async_stop(loop, &w->wake);
        free(w);
        return error_set(e, ERROR_NO_MEMORY, "Cannot start a thread.");
    }
    *out = w;
    return 0;
}

void evwork_submit(struct evwork *w, struct evwork_job *job)
{
    pthread_mutex_lock(&w->lock);
    list_push_back(&w->waiting, &job->link);
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

void evwork_drain(struct evwork *w)
{
    for (;;) {
        pthread_mutex_lock(&w->lock);
        while (list_is_empty(&w->finished) && (w->running || !list_is_empty(&w->waiting)))
            pthread_cond_wait(&w->changed, &w->lock);
        bool idle = list_is_empty(&w->finished);
        pthread_mutex_unlock(&w->lock);
        if (idle)
            return;
        finish(w);
    }
}

void evwork_destroy(struct evwork **w)
{
    struct evwork *it = *w;
    if (it == NULL)
        return;
    evwork_drain(it); /* `done` may submit more, through *w */
    *w = NULL;
    pthread_mutex_lock(&it->lock);
    it->stop = true;
    pthread_cond_broadcast(&it->changed);
    pthread_mutex_unlock(&it->lock);
    pthread_join(it->thread, NULL);
    ev_async_stop(it->loop, &it->wake);
    pthread_cond_destroy(&it->changed);
    pthread_mutex_destroy(&it->lock);
    free(it);
}
