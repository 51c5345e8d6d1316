/* The caller in a loop against a scripted coordinator. */
// links: m2_evlink

#include "proto/link/caller_ev.h"

#include "tests/unit/proto/link/fake_coordinator.h"

#include <ev.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct scene {
    struct fake_coordinator f;
    void *zmq;
    struct ev_loop *loop;
    ev_timer limit;
    bool timed_out;
    struct caller_ev *c;
    unsigned connected, refused, requested, done;
    char answer[64];
    enum error_code code;
};

static void on_limit(struct ev_loop *loop, ev_timer *w, int revents)
{
    (void)revents;
    ((struct scene *)w->data)->timed_out = true;
    ev_break(loop, EVBREAK_ALL);
}

static void on_connected(void *arg)
{
    ((struct scene *)arg)->connected++;
}

static void on_refused(void *arg, const struct cluster_reply *refusal)
{
    struct scene *s = arg;
    assert_true(slice_eq(refusal->code, SLICE("NOT_FOUND")));
    s->refused++;
}

static void on_request(void *arg, struct slice message)
{
    struct scene *s = arg;
    assert_true(message.len > 0);
    assert_int_equal(caller_ev_answer(s->c, SLICE("3:yes,"), NULL), 0);
    s->requested++;
}

static const struct caller_ev_ops ops = {
    .on_connected = on_connected, .on_refused = on_refused, .on_request = on_request};

static void on_done(void *arg, const struct cluster_reply *reply, const struct error *e)
{
    struct scene *s = arg;
    s->done++;
    if (reply != NULL)
        snprintf(s->answer, sizeof s->answer, "%.*s",
                 SLICE_ARG(cluster_table_text(&reply->table, 0, "name")));
    else
        s->code = e->code;
}

static void setup(struct scene *s)
{
    memset(s, 0, sizeof *s);
    assert_int_equal(fake_start(&s->f, "a"), 0);
    s->zmq = zmq_ctx_new();
    s->loop = ev_loop_new(EVFLAG_AUTO);
    ev_timer_init(&s->limit, on_limit, 20.0, 0.0);
    s->limit.data = s;
    ev_timer_start(s->loop, &s->limit);
    assert_int_equal(caller_ev_create(&s->c, s->loop, s->zmq, s->f.spec, NULL, &ops, s, NULL), 0);
}

static void teardown(struct scene *s)
{
    caller_ev_destroy(&s->c);
    ev_loop_destroy(s->loop);
    zmq_ctx_term(s->zmq);
    fake_stop(&s->f);
}

static void run_until(struct scene *s, const unsigned *what, unsigned count)
{
    while (*what < count && !s->timed_out)
        ev_run(s->loop, EVRUN_ONCE);
    assert_false(s->timed_out);
}

static int call(struct scene *s, enum cluster_verb verb, int timeout_ms, struct error *e)
{
    struct cluster_request r;
    cluster_request_init(&r, verb);
    return caller_ev_call(s->c, &r, timeout_ms, on_done, s, e);
}

static void test_calls_and_timeouts(void **state)
{
    (void)state;
    struct scene s;
    setup(&s);
    run_until(&s, &s.connected, 1);
    assert_int_equal(call(&s, CLUSTER_STATS, 30, NULL), 0); /* never answered */
    assert_int_equal(call(&s, CLUSTER_HEAD, 10000, NULL), 0);
    run_until(&s, &s.done, 1);
    assert_string_equal(s.answer, "a");
    run_until(&s, &s.done, 2);
    assert_int_equal(s.code, ERROR_TIMEOUT);
    teardown(&s);
}

static void test_nobody_there(void **state)
{
    (void)state;
    struct scene s = {.zmq = zmq_ctx_new(), .loop = ev_loop_new(EVFLAG_AUTO)};
    struct error e;
    assert_int_equal(
        caller_ev_create(&s.c, s.loop, s.zmq, "ipc:///nowhere/socket", NULL, &ops, &s, &e), 0);
    assert_int_equal(call(&s, CLUSTER_HEAD, 10, &e), -1);
    assert_int_equal(e.code, ERROR_UNREACHABLE);
    caller_ev_destroy(&s.c);
    ev_loop_destroy(s.loop);
    zmq_ctx_term(s.zmq);
}

static void test_refusals_and_the_coordinators_own_requests(void **state)
{
    (void)state;
    struct scene s;
    struct cluster_request r;
    setup(&s);
    run_until(&s, &s.connected, 1);
    cluster_request_init(&r, CLUSTER_LEAVE);
    r.leave.uuid = r.leave.boot = SLICE("0f6e8a2c-93a1-4a6e-9a53-6d0a3c4c2d11");
    assert_int_equal(caller_ev_post(s.c, &r, NULL), 0);
    run_until(&s, &s.requested, 1);
    assert_int_equal(s.refused, 1);
    assert_int_equal(call(&s, CLUSTER_HEAD, 10000, NULL), 0); /* behind our answer */
    run_until(&s, &s.done, 1);
    assert_int_equal(atomic_load(&s.f.answers), 1);
    teardown(&s);
}

static void test_connects_again(void **state)
{
    (void)state;
    struct scene s;
    struct fake_coordinator again;
    struct error e;
    setup(&s);
    run_until(&s, &s.connected, 1);
    call(&s, CLUSTER_LOG, 50, NULL); /* kills it */
    run_until(&s, &s.done, 1);
    while (call(&s, CLUSTER_STATS, 10, &e) == 0 && !s.timed_out)
        ev_run(s.loop, EVRUN_ONCE);
    assert_int_equal(e.code, ERROR_UNREACHABLE);
    /* another takes its place at the same address */
    again = (struct fake_coordinator){.name = "again", .zmq = zmq_ctx_new()};
    again.router = zmq_socket(again.zmq, ZMQ_ROUTER);
    while (endpoint_bind(again.router, s.f.spec, NULL, again.spec, NULL) != 0)
        continue;
    pthread_create(&again.thread, NULL, fake_run, &again);
    run_until(&s, &s.connected, 2);
    unsigned before = s.done;
    assert_int_equal(call(&s, CLUSTER_HEAD, 10000, NULL), 0);
    run_until(&s, &s.done, before + 1);
    assert_string_equal(s.answer, "again");
    caller_ev_destroy(&s.c);
    fake_stop(&again);
    teardown(&s);
}

static void test_pending_calls_end_with_their_caller(void **state)
{
    (void)state;
    struct scene s;
    setup(&s);
    run_until(&s, &s.connected, 1);
    assert_int_equal(call(&s, CLUSTER_STATS, 10000, NULL), 0);
    caller_ev_destroy(&s.c);
    assert_int_equal(s.done, 0);
    teardown(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_there),
        cmocka_unit_test(test_calls_and_timeouts),
        cmocka_unit_test(test_refusals_and_the_coordinators_own_requests),
        cmocka_unit_test(test_connects_again),
        cmocka_unit_test(test_pending_calls_end_with_their_caller),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
