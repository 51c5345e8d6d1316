/* Jobs run in order on the side thread, their ends come on the loop. */
// links: m2_evzmq

#include "proto/link/evwork.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct job {
    struct evwork_job work;
    int number;
    pthread_t ran_on;
    struct evwork *again; /* submitted once more from done */
    int *log;
    int *count;
};

static void run(struct evwork_job *work)
{
    struct job *j = container_of(work, struct job, work);
    j->ran_on = pthread_self();
}

static void done(struct evwork_job *work)
{
    struct job *j = container_of(work, struct job, work);
    j->log[(*j->count)++] = j->number;
    struct evwork *w = j->again;
    j->again = NULL;
    if (w != NULL)
        evwork_submit(w, work);
}

static void test_in_order_and_on_the_right_thread(void **state)
{
    (void)state;
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    struct evwork *w;
    struct job jobs[10];
    int log[11], count = 0;
    assert_int_equal(evwork_create(&w, loop, NULL), 0);
    for (int i = 0; i < 10; i++) {
        jobs[i] = (struct job){{run, done, {NULL, NULL}}, i, pthread_self(), NULL, log, &count};
        if (i == 3)
            jobs[i].again = w;
        evwork_submit(w, &jobs[i].work);
    }
    while (count < 11)
        ev_run(loop, EVRUN_ONCE);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(log[i], i);
        assert_false(pthread_equal(jobs[i].ran_on, pthread_self()));
    }
    assert_int_equal(log[10], 3);
    evwork_destroy(&w);
    assert_null(w);
    ev_loop_destroy(loop);
}

static void test_destroy_finishes_what_was_submitted(void **state)
{
    (void)state;
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    struct evwork *w;
    struct job jobs[5];
    int log[6], count = 0;
    assert_int_equal(evwork_create(&w, loop, NULL), 0);
    for (int i = 0; i < 5; i++) {
        jobs[i] = (struct job){{run, done, {NULL, NULL}}, i, pthread_self(), NULL, log, &count};
        if (i == 2)
            jobs[i].again = w;
        evwork_submit(w, &jobs[i].work);
    }
    evwork_destroy(&w);
    assert_int_equal(count, 6);
    assert_null(w);
    ev_loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order_and_on_the_right_thread),
        cmocka_unit_test(test_destroy_finishes_what_was_submitted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
