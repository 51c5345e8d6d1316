/* Classic handlers over real sockets: what they get, in which order, and what does not reach them.
 */
#include "node/backend/classic.h"
#include "node/backend/handler_peer.h"
#include "tests/unit/node/backend/backend_world.h"

static struct backend *backend;
static void *pull, *pub;
static char send_spec[64], recv_spec[64];

static struct backend *open_pair(unsigned queue, unsigned queue_timeout_ms)
{
    struct error e;
    struct classic_options o = {.send_spec = send_spec,
                                .recv_spec = recv_spec,
                                .identity = "ident",
                                .limits = {queue, queue_timeout_ms, 0}};
    struct backend *b = classic_get(&world.backends, &o, &e);
    if (b == NULL)
        fail_msg("%s", e.text);
    return b;
}

/* The sockets of a handler, on the endpoints that the node has bound. */
static void connect_handler(void)
{
    int linger_ms = 0;
    pull = zmq_socket(world.zmq, ZMQ_PULL);
    zmq_setsockopt(pull, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    assert_int_equal(zmq_connect(pull, send_spec), 0);
    pub = zmq_socket(world.zmq, ZMQ_PUB);
    zmq_setsockopt(pub, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    assert_int_equal(zmq_connect(pub, recv_spec), 0);
}

static int set_up(void **state)
{
    (void)state;
    static unsigned number;
    world_start();
    snprintf(send_spec, sizeof send_spec, "ipc:///tmp/m2-classic-%d-%u.send", (int)getpid(),
             ++number);
    snprintf(recv_spec, sizeof recv_spec, "ipc:///tmp/m2-classic-%d-%u.recv", (int)getpid(),
             number);
    pull = pub = NULL;
    backend = open_pair(3, 10000);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    if (pull != NULL)
        zmq_close(pull);
    if (pub != NULL)
        zmq_close(pub);
    backend_unref(backend);
    world_stop();
    remove(send_spec + strlen("ipc://"));
    remove(recv_spec + strlen("ipc://"));
    return 0;
}

static void assert_next(const char *expected)
{
    const char *got;
    world_until((got = world_receive(pull)) != NULL);
    assert_string_equal(got, expected);
}

static void test_a_turns_requests_leave_together(void **state)
{
    (void)state;
    struct world_request r[3];
    connect_handler();
    for (int i = 0; i < 3; i++)
        world_send(backend, &r[i], i == 0 ? "one" : i == 1 ? "two" : "three", 0);
    assert_int_equal(backend->figures.queued_now, 3); /* until the turn ends */
    assert_next("one");
    assert_next("two");
    assert_next("three");
    assert_int_equal(backend->figures.queued_now, 0);
    assert_int_equal(backend->figures.requests, 3);
    for (int i = 0; i < 3; i++) {
        world_done(backend, &r[i]);
        assert_int_equal(r[i].status, 0);
    }
}

static void test_requests_wait_for_a_handler_in_order(void **state)
{
    (void)state;
    struct world_request r[3];
    for (int i = 0; i < 3; i++)
        world_send(backend, &r[i], i == 0 ? "one" : i == 1 ? "two" : "three", 0);
    world_quiet();
    assert_int_equal(backend->figures.queued_now, 3);
    connect_handler();
    assert_next("one");
    assert_next("two");
    assert_next("three");
}

static void test_the_queue_is_bounded(void **state)
{
    (void)state;
    struct world_request r[5];
    for (int i = 0; i < 3; i++)
        world_send(backend, &r[i], "waits", 0);
    world_turn();
    world_send(backend, &r[3], "too many", 0);
    assert_int_equal(r[3].status, 503);
    world_send(backend, &r[4], "too many", 0);
    assert_int_equal(r[4].status, 503);
    assert_int_equal(backend->figures.refused, 2);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(r[i].status, 0);
        world_done(backend, &r[i]);
    }
    assert_int_equal(backend->figures.queued_now, 0);
}

/* The bound holds for what comes in one turn too. */
static void test_a_burst_is_bounded(void **state)
{
    (void)state;
    enum { BURST = 20 };
    struct world_request r[BURST];
    for (int i = 0; i < BURST; i++)
        world_send(backend, &r[i], "x", 0);
    world_turn();
    for (int i = 0; i < BURST; i++) {
        assert_int_equal(r[i].status, i < 3 ? 0 : 503);
        world_done(backend, &r[i]);
    }
}

static void test_waiting_ends_in_order(void **state)
{
    (void)state;
    struct world_request r[2];
    struct backend_limits limits = {3, 100, 0};
    backend->ops->limit(backend, &limits);
    world_send(backend, &r[0], "one", 0);
    world_quiet();
    world_send(backend, &r[1], "two", 0);
    world_until(r[0].status != 0);
    assert_int_equal(r[0].status, 503);
    assert_int_equal(r[1].status, 0);
    world_until(r[1].status != 0);
    assert_int_equal(world.counters.pool_queue_timeouts, 2);
    connect_handler();
    world_quiet();
    assert_null(world_receive(pull));
}

/* Upstream sent them whenever a handler came. */
static void test_who_has_left_is_not_asked_for(void **state)
{
    (void)state;
    struct world_request r[3];
    for (int i = 0; i < 3; i++)
        world_send(backend, &r[i], i == 0 ? "one" : i == 1 ? "two" : "three", 0);
    world_turn();
    world_done(backend, &r[1]);
    connect_handler();
    assert_next("one");
    assert_next("three");
    world_quiet();
    assert_null(world_receive(pull));
}

static void test_notices_come_behind_requests(void **state)
{
    (void)state;
    struct world_request r;
    world_notice(backend, "gone");
    world_send(backend, &r, "request", 0);
    connect_handler();
    assert_next("request");
    assert_next("gone");
    assert_int_equal(world.counters.disconnect_notices, 1);
}

static void test_replies_are_handed_up(void **state)
{
    (void)state;
    struct error e;
    connect_handler();
    assert_int_equal(classic_subscribe(backend, "node", &e), 0);
    assert_int_equal(classic_subscribe(backend, "node", &e), 0);
    while (world.reply_count == 0) { /* until the subscription has arrived */
        zmq_send(pub, "node 1:1, hello", 15, 0);
        zmq_send(pub, "other 1:1, hello", 16, 0);
        world_turn();
    }
    assert_int_equal(memcmp(world.replies.data, "node 1:1, hello\n", 16), 0);
    assert_null(strstr(buf_str(&world.replies), "other"));
    assert_ptr_equal(world.origin, backend);
    world_quiet();
    classic_unsubscribe(backend, "node"); /* counted */
    unsigned before = world.reply_count;
    zmq_send(pub, "node 1:2, again", 15, 0);
    world_until(world.reply_count > before);
    classic_unsubscribe(backend, "node");
    for (int i = 0; i < 3; i++)
        world_quiet();
    before = world.reply_count;
    zmq_send(pub, "node 1:3, never", 15, 0);
    world_quiet();
    assert_int_equal(world.reply_count, before);
}

static void test_unknown_listeners_are_reported_to_the_first_peer(void **state)
{
    (void)state;
    struct error e;
    connect_handler();
    handler_peer_report_unknown(backend, 7); /* nobody to tell */
    struct handler_peer *p = handler_peer_create(backend_ref(backend), "ident", HANDLER_JSON, &e);
    handler_peer_report_unknown(backend, 7);
    assert_next("ident 7 @* 17:{\"METHOD\":\"JSON\"},21:{\"type\":\"disconnect\"},");
    handler_peer_unref(p);
}

/* A configuration that is only prepared changes nothing of what runs. */
static void test_the_same_endpoints_are_the_same_pair(void **state)
{
    (void)state;
    struct world_request r[4];
    struct backend *again = open_pair(1000, 1);
    assert_ptr_equal(again, backend);
    for (int i = 0; i < 3; i++)
        world_send(backend, &r[i], "waits", 0);
    world_turn();
    world_send(backend, &r[3], "too many", 0);
    assert_int_equal(r[3].status, 503);
    world_quiet();
    assert_int_equal(r[0].status, 0);
    for (int i = 0; i < 3; i++)
        world_done(backend, &r[i]);
    backend_unref(again);
}

static void test_a_bad_endpoint_is_an_error(void **state)
{
    (void)state;
    struct error e;
    struct classic_options o = {.send_spec = "nosuch://x", .recv_spec = recv_spec};
    assert_null(classic_get(&world.backends, &o, &e));
    assert_non_null(strstr(e.text, "nosuch://x"));
    assert_null(backend_find(&world.backends, "classic nosuch://x"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_turns_requests_leave_together),
        TEST(test_requests_wait_for_a_handler_in_order),
        TEST(test_the_queue_is_bounded),
        TEST(test_a_burst_is_bounded),
        TEST(test_waiting_ends_in_order),
        TEST(test_who_has_left_is_not_asked_for),
        TEST(test_notices_come_behind_requests),
        TEST(test_replies_are_handed_up),
        TEST(test_unknown_listeners_are_reported_to_the_first_peer),
        TEST(test_the_same_endpoints_are_the_same_pair),
        TEST(test_a_bad_endpoint_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
