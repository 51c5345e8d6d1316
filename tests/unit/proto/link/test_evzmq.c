/* evzmq over inproc sockets and a loop that is stepped by hand. */
// links: m2_evzmq

#include "proto/link/evzmq.h"

#include "proto/base/list.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct pair {
    void *zmq;
    void *near; /* watched */
    void *far;
    struct ev_loop *loop;
    struct evzmq z;
    ev_timer limit;
    bool timed_out;
    unsigned received, calls, most_per_call, writable_calls;
    unsigned send_in_callback; /* messages the readable callback sends */
    bool stop_in_callback;
    bool flush_swallows;
};

static void on_limit(struct ev_loop *loop, ev_timer *w, int revents)
{
    (void)revents;
    struct pair *p = container_of(w, struct pair, limit);
    p->timed_out = true;
    ev_break(loop, EVBREAK_ALL);
}

static void on_readable(struct evzmq *z)
{
    struct pair *p = z->arg;
    unsigned got = 0;
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    while (evzmq_recv(z, &msg))
        if (!zmq_msg_more(&msg))
            got++;
    zmq_msg_close(&msg);
    p->calls++;
    p->received += got;
    if (got > p->most_per_call)
        p->most_per_call = got;
    for (; p->send_in_callback > 0; p->send_in_callback--) {
        zmq_msg_t out;
        zmq_msg_init_size(&out, 1);
        assert_int_equal(evzmq_send(z, &out, 0), 0);
    }
    if (p->stop_in_callback)
        evzmq_stop(z);
}

static void on_writable(struct evzmq *z)
{
    struct pair *p = z->arg;
    p->writable_calls++;
}

static void setup(struct pair *p, int near_type, int far_type, const char *name)
{
    int two = 2;
    memset(p, 0, sizeof *p);
    p->zmq = zmq_ctx_new();
    p->near = zmq_socket(p->zmq, near_type);
    p->far = zmq_socket(p->zmq, far_type);
    if (near_type == ZMQ_PUSH) {
        zmq_setsockopt(p->near, ZMQ_SNDHWM, &two, sizeof two);
        zmq_setsockopt(p->far, ZMQ_RCVHWM, &two, sizeof two);
    }
    assert_int_equal(zmq_bind(p->near, name), 0);
    assert_int_equal(zmq_connect(p->far, name), 0);
    p->loop = ev_loop_new(EVFLAG_AUTO);
    ev_timer_init(&p->limit, on_limit, 10.0, 0.0);
    ev_timer_start(p->loop, &p->limit);
    evzmq_init(&p->z, p->loop, p->near, on_readable, on_writable, p);
}

static void teardown(struct pair *p)
{
    evzmq_stop(&p->z);
    ev_loop_destroy(p->loop);
    zmq_close(p->near);
    zmq_close(p->far);
    zmq_ctx_term(p->zmq);
}

static void send_far(struct pair *p, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(zmq_send(p->far, "x", 1, 0), 1);
}

static void test_receives_what_came_before_and_after_start(void **state)
{
    (void)state;
    struct pair p;
    setup(&p, ZMQ_PAIR, ZMQ_PAIR, "inproc://before");
    send_far(&p, 3);
    assert_int_equal(evzmq_start(&p.z, EVZMQ_READABLE, NULL), 0);
    while (p.received < 3 && !p.timed_out)
        ev_run(p.loop, EVRUN_ONCE);
    assert_int_equal(p.received, 3);
    for (unsigned round = 1; round <= 50 && !p.timed_out; round++) {
        send_far(&p, 1);
        while (p.received < 3 + round && !p.timed_out)
            ev_run(p.loop, EVRUN_ONCE); /* would hang if an edge were lost */
    }
    assert_false(p.timed_out);
    teardown(&p);
}

static void test_hands_on_bounded_batches(void **state)
{
    (void)state;
    struct pair p;
    setup(&p, ZMQ_PAIR, ZMQ_PAIR, "inproc://batch");
    p.z.batch = 10;
    send_far(&p, 95);
    evzmq_start(&p.z, EVZMQ_READABLE, NULL);
    while (p.received < 95 && !p.timed_out)
        ev_run(p.loop, EVRUN_ONCE);
    assert_false(p.timed_out);
    assert_int_equal(p.most_per_call, 10);
    assert_in_range(p.calls, 10, 11);
    teardown(&p);
}

static void test_a_multipart_message_is_one_of_the_batch(void **state)
{
    (void)state;
    struct pair p;
    setup(&p, ZMQ_PAIR, ZMQ_PAIR, "inproc://parts");
    p.z.batch = 1;
    for (int i = 0; i < 2; i++) {
        zmq_send(p.far, "a", 1, ZMQ_SNDMORE);
        zmq_send(p.far, "b", 1, ZMQ_SNDMORE);
        zmq_send(p.far, "c", 1, 0);
    }
    evzmq_start(&p.z, EVZMQ_READABLE, NULL);
    while (p.received < 2 && !p.timed_out)
        ev_run(p.loop, EVRUN_ONCE);
    assert_int_equal(p.received, 2);
    assert_int_equal(p.most_per_call, 1);
    teardown(&p);
}

/* A send from outside a callback swallows the news of a message that came meanwhile. */
static void test_a_send_does_not_lose_a_message(void **state)
{
    (void)state;
    struct pair p;
    setup(&p, ZMQ_PAIR, ZMQ_PAIR, "inproc://swallow");
    evzmq_start(&p.z, EVZMQ_READABLE, NULL);
    ev_run(p.loop, EVRUN_NOWAIT);
    for (unsigned round = 1; round <= 50 && !p.timed_out; round++) {
        send_far(&p, 1);
        zmq_msg_t out;
        zmq_msg_init_size(&out, 1);
        assert_int_equal(evzmq_send(&p.z, &out, 0), 0);
        int events = 0;
        size_t size = sizeof events; /* certainly swallows it */
        zmq_getsockopt(p.near, ZMQ_EVENTS, &events, &size);
        evzmq_recheck(&p.z);
        while (p.received < round && !p.timed_out)
            ev_run(p.loop, EVRUN_ONCE);
    }
    assert_false(p.timed_out);
    teardown(&p);
}

static void test_sends_within_the_callback(void **state)
{
    (void)state;
    struct pair p;
    setup(&p, ZMQ_PAIR, ZMQ_PAIR, "inproc://inside");
    p.send_in_callback = 5;
    evzmq_start(&p.z, EVZMQ_READABLE, NULL);
    send_far(&p, 1);
    while (p.received < 1 && !p.timed_out)
        ev_run(p.loop, EVRUN_ONCE);
    char byte;
    for (int i = 0; i < 5; i++)
        assert_int_equal(zmq_recv(p.far, &byte, 1, ZMQ_DONTWAIT), 1);
    assert_int_equal(zmq_recv(p.far, &byte, 1, ZMQ_DONTWAIT), -1);
    teardown(&p);
}

static void test_writable_only_when_wanted(void **state)
{
    (void)state;
    struct pair p;
    setup(&p, ZMQ_PUSH, ZMQ_PULL, "inproc://writable");
    evzmq_start(&p.z, 0, NULL);
    unsigned sent = 0;
    zmq_msg_t out;
    zmq_msg_init_size(&out, 1);
    while (evzmq_send(&p.z, &out, 0) == 0) {
        zmq_msg_init_size(&out, 1);
        assert_in_range(++sent, 1, 100);
    }
    assert_int_equal(errno, EAGAIN);
    zmq_msg_close(&out);
    evzmq_set_interest(&p.z, EVZMQ_WRITABLE);
    ev_run(p.loop, EVRUN_NOWAIT);
    ev_run(p.loop, EVRUN_NOWAIT);
    assert_int_equal(p.writable_calls, 0); /* full */
    char byte;
    for (; sent > 0; sent--)
        assert_int_equal(zmq_recv(p.far, &byte, 1, 0), 1);
    while (p.writable_calls == 0 && !p.timed_out)
        ev_run(p.loop, EVRUN_ONCE);
    assert_false(p.timed_out);
    evzmq_set_interest(&p.z, 0);
    unsigned calls = p.writable_calls;
    ev_run(p.loop, EVRUN_NOWAIT);
    ev_run(p.loop, EVRUN_NOWAIT);
    assert_int_equal(p.writable_calls, calls);
    teardown(&p);
}

static void on_flush(struct ev_loop *loop, ev_prepare *w, int revents)
{
    (void)loop, (void)revents;
    struct pair *p = w->data;
    int events = 0;
    size_t size = sizeof events; /* certainly swallows the news, as a send may */
    if (p->flush_swallows && zmq_poll(&(zmq_pollitem_t){p->near, 0, ZMQ_POLLIN, 0}, 1, 1000) == 1) {
        zmq_getsockopt(p->near, ZMQ_EVENTS, &events, &size);
        evzmq_recheck(&p->z);
        p->flush_swallows = false;
    }
}

/* The node flushes its sockets in a prepare watcher, right before the loop sleeps. */
static void test_a_flush_before_sleep_does_not_lose_a_message(void **state)
{
    (void)state;
    struct pair p;
    ev_prepare flush;
    setup(&p, ZMQ_PAIR, ZMQ_PAIR, "inproc://flush");
    ev_prepare_init(&flush, on_flush);
    ev_set_priority(&flush, EV_MINPRI + 1);
    flush.data = &p;
    ev_prepare_start(p.loop, &flush);
    evzmq_start(&p.z, EVZMQ_READABLE, NULL);
    for (unsigned round = 1; round <= 20 && !p.timed_out; round++) {
        ev_run(p.loop, EVRUN_NOWAIT); /* clean now */
        send_far(&p, 1);
        p.flush_swallows = true;
        while (p.received < round && !p.timed_out)
            ev_run(p.loop, EVRUN_ONCE);
    }
    assert_false(p.timed_out);
    ev_prepare_stop(p.loop, &flush);
    teardown(&p);
}

static void test_may_be_stopped_in_its_callback(void **state)
{
    (void)state;
    struct pair p;
    setup(&p, ZMQ_PAIR, ZMQ_PAIR, "inproc://stop");
    p.stop_in_callback = true;
    evzmq_start(&p.z, EVZMQ_READABLE, NULL);
    send_far(&p, 1);
    while (p.received < 1 && !p.timed_out)
        ev_run(p.loop, EVRUN_ONCE);
    send_far(&p, 1);
    ev_run(p.loop, EVRUN_NOWAIT);
    ev_run(p.loop, EVRUN_NOWAIT);
    assert_int_equal(p.received, 1);
    teardown(&p);
}

/* A clean socket must not keep the loop from sleeping. */
static void test_an_idle_socket_lets_the_loop_sleep(void **state)
{
    (void)state;
    struct pair p;
    setup(&p, ZMQ_PAIR, ZMQ_PAIR, "inproc://idle");
    evzmq_start(&p.z, EVZMQ_READABLE, NULL);
    send_far(&p, 1);
    while (p.received < 1 && !p.timed_out)
        ev_run(p.loop, EVRUN_ONCE);
    ev_run(p.loop, EVRUN_NOWAIT);
    ev_run(p.loop, EVRUN_NOWAIT);
    ev_timer_stop(p.loop, &p.limit);
    ev_timer_set(&p.limit, 0.05, 0.0);
    ev_timer_start(p.loop, &p.limit);
    unsigned before = ev_iteration(p.loop);
    ev_run(p.loop, 0);
    assert_true(p.timed_out);
    assert_in_range(ev_iteration(p.loop) - before, 1, 4);
    teardown(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_receives_what_came_before_and_after_start),
        cmocka_unit_test(test_hands_on_bounded_batches),
        cmocka_unit_test(test_a_multipart_message_is_one_of_the_batch),
        cmocka_unit_test(test_a_send_does_not_lose_a_message),
        cmocka_unit_test(test_sends_within_the_callback),
        cmocka_unit_test(test_writable_only_when_wanted),
        cmocka_unit_test(test_a_flush_before_sleep_does_not_lose_a_message),
        cmocka_unit_test(test_may_be_stopped_in_its_callback),
        cmocka_unit_test(test_an_idle_socket_lets_the_loop_sleep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
