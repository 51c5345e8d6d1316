/* Events: the ring and its numbers; who waits gets the next one. Answers are counted at a ROUTER
 * that has no such peer. */

#include "coordinator/events.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/wire/cluster_reply.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct scene {
    void *zmq;
    struct ev_loop *loop;
    struct requests requests;
    void *dealer;
    struct client client;
    struct events events;
    /* the last answer */
    int64_t ids[1000];
    size_t count;
    char text[400];
};

/* A client whose routing id we choose. */
static void setup(struct scene *s)
{
    int limit_ms = 5000;
    memset(s, 0, sizeof *s);
    clock_fake(1000000, 1700000000000);
    log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
    s->zmq = zmq_ctx_new();
    s->loop = ev_loop_new(EVFLAG_AUTO);
    assert_int_equal(
        requests_open(&s->requests, s->loop, s->zmq, "inproc://events", NULL, 100000, NULL), 0);
    s->dealer = zmq_socket(s->zmq, ZMQ_DEALER);
    zmq_setsockopt(s->dealer, ZMQ_ROUTING_ID, "me", 2);
    zmq_setsockopt(s->dealer, ZMQ_RCVTIMEO, &limit_ms, sizeof limit_ms);
    assert_int_equal(zmq_connect(s->dealer, "inproc://events"), 0);
    s->client = (struct client){.peer = {{'m', 'e'}, 2}, .seq = 5};
    assert_int_equal(events_init(&s->events, &s->requests, NULL), 0);
}

static void teardown(struct scene *s)
{
    events_fini(&s->events);
    requests_close(&s->requests);
    zmq_close(s->dealer);
    zmq_ctx_term(s->zmq);
    ev_loop_destroy(s->loop);
    clock_fake_stop();
}

static bool is_answered(struct scene *s)
{
    zmq_pollitem_t item = {s->dealer, 0, ZMQ_POLLIN, 0};
    return zmq_poll(&item, 1, 0) == 1;
}

static void read_answer(struct scene *s)
{
    static char bytes[1000000];
    struct cluster_reply r;
    struct arena a;
    arena_init(&a, 0);
    int len = zmq_recv(s->dealer, bytes, sizeof bytes, 0);
    assert_true(len > 0);
    assert_int_equal(cluster_reply_decode(&r, slice_of(bytes, (size_t)len), sizeof bytes, &a, NULL),
                     0);
    assert_int_equal(r.seq, 5);
    s->count = r.table.row_count;
    for (size_t i = 0; i < s->count; i++)
        s->ids[i] = cluster_table_int(&r.table, i, "id");
    if (s->count > 0)
        snprintf(s->text, sizeof s->text, "%.*s",
                 SLICE_ARG(cluster_table_text(&r.table, s->count - 1, "text")));
    arena_fini(&a);
}

static void watch(struct scene *s, int64_t since, int64_t count, int64_t wait_ms)
{
    struct cluster_watch w = {since, count, wait_ms};
    events_watch(&s->events, &s->client, &w);
}

static void test_reading_on(void **state)
{
    (void)state;
    struct scene s;
    setup(&s);
    watch(&s, 0, 100, 0);
    read_answer(&s);
    assert_int_equal(s.count, 0);
    for (int i = 0; i < 5; i++)
        events_add(&s.events, "node", "web-1", 3, "event %d", i);
    watch(&s, 0, 3, 0);
    read_answer(&s);
    assert_int_equal(s.count, 3);
    assert_string_equal(s.text, "event 2");
    assert_int_equal(s.ids[2], s.ids[0] + 2);
    watch(&s, s.ids[2], 100, 0);
    read_answer(&s);
    assert_int_equal(s.count, 2);
    assert_string_equal(s.text, "event 4");
    watch(&s, -1, 100, 0);
    read_answer(&s);
    assert_int_equal(s.count, 0);
    watch(&s, INT64_MAX, 100, 0); /* of a later life */
    read_answer(&s);
    assert_int_equal(s.count, 0);
    teardown(&s);
}

static void test_the_ring_keeps_the_newest(void **state)
{
    (void)state;
    struct scene s;
    setup(&s);
    for (int i = 0; i < EVENTS_KEPT + 50; i++)
        events_add(&s.events, "node", "", 0, "event %d", i);
    watch(&s, 0, 1000, 0);
    read_answer(&s);
    assert_int_equal(s.count, EVENTS_KEPT);
    assert_int_equal(s.ids[EVENTS_KEPT - 1], s.ids[0] + EVENTS_KEPT - 1);
    assert_string_equal(s.text, "event 1049");
    teardown(&s);
}

static void test_waiting(void **state)
{
    (void)state;
    struct scene s;
    setup(&s);
    watch(&s, 0, 100, 3000);
    assert_false(is_answered(&s));
    events_add(&s.events, "push", "", 7, "now");
    read_answer(&s);
    assert_int_equal(s.count, 1);
    assert_string_equal(s.text, "now");
    /* in vain */
    watch(&s, -1, 100, 3000);
    events_tick(&s.events, 1000 + 2999);
    assert_false(is_answered(&s));
    events_tick(&s.events, 1000 + 3000);
    read_answer(&s);
    assert_int_equal(s.count, 0);
    /* and until the end */
    watch(&s, -1, 100, 3000);
    teardown(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reading_on),
        cmocka_unit_test(test_the_ring_keeps_the_newest),
        cmocka_unit_test(test_waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
