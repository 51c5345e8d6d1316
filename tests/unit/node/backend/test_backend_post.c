/* One-way messages over both kinds of backend: their order among requests, their bounds, what the
 * poster hears, and what becomes of them when a worker has no room, dies, or the poster has gone.
 */
#include "node/backend/backend_post.h"
#include "node/backend/classic.h"
#include "node/backend/pool.h"
#include "node/backend/pool_worker.h"
#include "tests/unit/node/backend/backend_world.h"

static struct backend *classic, *pool;
static struct backend_poster poster;
static struct buf fates; /* what the poster has heard */
static char send_spec[64], recv_spec[64];

static void on_settled(struct backend_poster *p, int status)
{
    assert_ptr_equal(p, &poster);
    buf_printf(&fates, "%d ", status);
}

static int set_up(void **state)
{
    (void)state;
    static unsigned number;
    struct error e;
    world_start();
    snprintf(send_spec, sizeof send_spec, "ipc:///tmp/m2-post-%d-%u.send", (int)getpid(), ++number);
    snprintf(recv_spec, sizeof recv_spec, "ipc:///tmp/m2-post-%d-%u.recv", (int)getpid(), number);
    struct classic_options c = {
        .send_spec = send_spec, .recv_spec = recv_spec, .limits = {3, 10000, 0}};
    struct pool_options p = {.name = "chat", .limits = {3, 10000, 0}};
    classic = classic_get(&world.backends, &c, &e);
    pool = pool_get(&world.backends, &p, &e);
    assert_non_null(classic);
    assert_non_null(pool);
    fates = (struct buf)BUF_INIT;
    backend_poster_init(&poster, on_settled);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    backend_poster_fini(&poster);
    backend_unref(classic);
    backend_unref(pool);
    pool_port_close(&world.backends);
    world_stop();
    buf_fini(&fates);
    remove(send_spec + strlen("ipc://"));
    remove(recv_spec + strlen("ipc://"));
    return 0;
}

static void post(struct backend *b, const char *text)
{
    zmq_msg_t message;
    assert_int_equal(zmq_msg_init_size(&message, strlen(text)), 0);
    memcpy(zmq_msg_data(&message), text, strlen(text));
    assert_int_equal(backend_post(b, &poster, 7, &message), 0);
}

static void *connected(int type, const char *endpoint)
{
    int linger_ms = 0;
    void *socket = zmq_socket(world.zmq, type);
    zmq_setsockopt(socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    assert_int_equal(zmq_connect(socket, endpoint), 0);
    return socket;
}

static void expect(void *socket, const char *text)
{
    const char *got;
    world_until((got = world_receive(socket)) != NULL);
    assert_string_equal(got, text);
}

/* The frames of the next message that is no PING, joined by spaces. */
static const char *hear(void *dealer, bool answer_pings)
{
    static char text[512];
    size_t at = 0;
    for (int more = 1; more;) {
        size_t size = sizeof more;
        int len = zmq_recv(dealer, text + at, sizeof text - at - 1, ZMQ_DONTWAIT);
        if (len < 0)
            return NULL;
        at += (size_t)len;
        zmq_getsockopt(dealer, ZMQ_RCVMORE, &more, &size);
        text[at] = '\0';
        if (more)
            text[at++] = ' ';
    }
    if (strcmp(text, "PING") != 0)
        return text;
    if (answer_pings)
        zmq_send(dealer, "PONG", 4, 0);
    return NULL;
}

static void say(void *dealer, const char *first, const char *second)
{
    zmq_send(dealer, first, strlen(first), ZMQ_SNDMORE);
    zmq_send(dealer, second, strlen(second), 0);
}

static void *join(const char *credit)
{
    void *dealer = connected(ZMQ_DEALER, world.backends.handler_endpoint);
    struct buf scratch = BUF_INIT;
    struct slice frames[POOL_FRAMES_MAX];
    struct pool_frame f = {.type = POOL_READY,
                           .ready = {.pool = SLICE("chat"),
                                     .worker = SLICE("33333333-2222-4333-8444-555555555555"),
                                     .capacity = 10}};
    size_t count = pool_frame_encode(&f, frames, &scratch);
    for (size_t i = 0; i < count; i++)
        zmq_send(dealer, frames[i].ptr, frames[i].len, i + 1 < count ? ZMQ_SNDMORE : 0);
    buf_fini(&scratch);
    const char *got;
    world_until((got = hear(dealer, true)) != NULL);
    assert_memory_equal(got, "WELCOME", 7);
    say(dealer, "CREDIT", credit);
    world_until(pool->figures.credit > 0);
    return dealer;
}

static void expect_request(void *dealer, const char *id, const char *message)
{
    char wanted[128];
    const char *got;
    snprintf(wanted, sizeof wanted, "REQUEST %s %s", id, message);
    world_until((got = hear(dealer, true)) != NULL);
    assert_string_equal(got, wanted);
}

/* --- classic --- */

static void test_posts_keep_their_place_among_requests(void **state)
{
    (void)state;
    struct world_request one, three;
    world_send(classic, &one, "one", 0);
    post(classic, "two");
    world_send(classic, &three, "three", 0);
    world_notice(classic, "four");
    assert_int_equal(poster.count, 1);
    void *pull = connected(ZMQ_PULL, send_spec);
    expect(pull, "one");
    expect(pull, "two");
    expect(pull, "three");
    expect(pull, "four");
    assert_int_equal(poster.count, 0);
    assert_string_equal(buf_str(&fates), "0 ");
    world_done(classic, &one);
    world_done(classic, &three);
    zmq_close(pull);
}

static void test_too_many_are_refused(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        post(classic, "x");
    world_quiet();
    assert_string_equal(buf_str(&fates), "503 503 ");
    assert_int_equal(poster.count, 3);
}

static void test_without_a_handler_their_time_ends(void **state)
{
    (void)state;
    struct backend_limits limits = {3, 1, 0};
    classic->ops->limit(classic, &limits);
    post(classic, "x");
    world_until(poster.count == 0);
    assert_string_equal(buf_str(&fates), "503 ");
}

static void test_what_was_posted_outlives_the_poster(void **state)
{
    (void)state;
    post(classic, "last words");
    backend_poster_fini(&poster);
    void *pull = connected(ZMQ_PULL, send_spec);
    expect(pull, "last words");
    assert_string_equal(buf_str(&fates), "");
    zmq_close(pull);
}

static void test_a_part_follows_in_order(void **state)
{
    (void)state;
    struct world_request first;
    zmq_msg_t message;
    world_send(classic, &first, "begin", 0);
    zmq_msg_init_size(&message, 4);
    memcpy(zmq_msg_data(&message), "more", 4);
    assert_true(classic->ops->part(classic, &first.request, &poster, &message));
    void *pull = connected(ZMQ_PULL, send_spec);
    expect(pull, "begin");
    expect(pull, "more");
    assert_string_equal(buf_str(&fates), "0 ");
    world_done(classic, &first);
    zmq_close(pull);
}

/* --- pools --- */

static void test_a_post_uses_a_place(void **state)
{
    (void)state;
    void *dealer = join("1");
    post(pool, "one");
    post(pool, "two");
    expect_request(dealer, "1", "one");
    world_until(poster.count == 1);
    assert_int_equal(pool->figures.credit, 0);
    assert_int_equal(pool->figures.in_flight, 0); /* nobody waits for its answer */
    zmq_close(dealer);
}

static void test_a_post_handed_back_goes_out_again(void **state)
{
    (void)state;
    void *dealer = join("2");
    post(pool, "one");
    expect_request(dealer, "1", "one");
    say(dealer, "RETURN", "1");
    say(dealer, "CREDIT", "2");
    const char *got;
    world_until((got = hear(dealer, true)) != NULL && memcmp(got, "WANT", 4) != 0);
    assert_string_equal(got, "REQUEST 2 one");
    assert_string_equal(buf_str(&fates), "0 "); /* it has left once, whatever came then */
    zmq_close(dealer);
}

/* After the worker's word to a later beat nothing of it is kept: handing it back comes too late. */
static void test_a_post_is_delivered_with_the_next_beat(void **state)
{
    (void)state;
    void *dealer = join("2");
    post(pool, "one");
    expect_request(dealer, "1", "one");
    unsigned beats = 0;
    while (beats < 2) {
        char text[16];
        world_turn();
        int len = zmq_recv(dealer, text, sizeof text, ZMQ_DONTWAIT);
        if (len != 4)
            continue;
        beats++;
        zmq_send(dealer, "PONG", 4, 0);
    }
    say(dealer, "RETURN", "1");
    for (int i = 0; i < 30; i++) {
        world_turn();
        assert_null(hear(dealer, true));
    }
    assert_int_equal(pool->figures.queued_now, 0);
    zmq_close(dealer);
}

static void test_parts_go_to_the_worker_that_has_the_first(void **state)
{
    (void)state;
    void *one = join("1");
    struct world_request first;
    zmq_msg_t message;
    world_send(pool, &first, "begin", 0);
    expect_request(one, "1", "begin");
    void *other = connected(ZMQ_DEALER, world.backends.handler_endpoint);
    for (int i = 0; i < 3; i++) {
        zmq_msg_init_size(&message, 4);
        memcpy(zmq_msg_data(&message), "more", 4);
        assert_true(pool->ops->part(pool, &first.request, &poster, &message));
    }
    expect_request(one, "+2", "more");
    expect_request(one, "+3", "more");
    expect_request(one, "+4", "more");
    world_done(pool, &first);
    zmq_msg_init_size(&message, 4);
    assert_false(pool->ops->part(pool, &first.request, &poster, &message));
    zmq_close(one);
    zmq_close(other);
}

static unsigned taken;

static void on_taken(struct backend_request *r)
{
    assert_true(r->taken);
    taken++;
}

static void test_the_owner_learns_when_a_request_is_taken(void **state)
{
    (void)state;
    struct world_request one;
    taken = 0;
    void *dealer = join("1");
    world_send(pool, &one, "one", 0);
    one.request.on_taken = on_taken;
    assert_false(one.request.taken);
    expect_request(dealer, "1", "one");
    assert_int_equal(taken, 1);
    say(dealer, "RETURN", "1"); /* it waits again */
    world_until(!one.request.taken);
    say(dealer, "CREDIT", "1");
    world_until(taken == 2);
    world_done(pool, &one);
    assert_false(one.request.taken);
    zmq_close(dealer);

    world_send(classic, &one, "two", 0);
    one.request.on_taken = on_taken;
    void *pull = connected(ZMQ_PULL, send_spec);
    world_until(taken == 3);
    expect(pull, "two");
    world_done(classic, &one);
    zmq_close(pull);
}

/* The time for an answer begins when all has been said. */
static void test_no_time_runs_while_parts_follow(void **state)
{
    (void)state;
    struct backend_limits limits = {.queue = 10, .queue_timeout_ms = 5000, .timeout_ms = 1};
    void *dealer = join("2");
    struct world_request open, closed;
    pool->ops->limit(pool, &limits);
    world_send(pool, &open, "open", 0);
    open.request.open = true;
    expect_request(dealer, "1", "open");
    world_send(pool, &closed, "closed", 0);
    world_until(closed.status == 504);
    assert_int_equal(open.status, 0);
    open.request.open = false;
    world_until(open.status == 504);
    zmq_close(dealer);
}

static void test_a_lost_worker_takes_its_posts_along(void **state)
{
    (void)state;
    void *dealer = join("1");
    struct world_request asked;
    post(pool, "one");
    expect_request(dealer, "1", "one");
    world_send(pool, &asked, "two", 1);
    zmq_close(dealer);
    world_until(pool->figures.workers == 0);
    assert_int_equal(pool->figures.lost, 1);
    assert_int_equal(pool->figures.queued_now, 1); /* the request, which can wait for another */
    world_done(pool, &asked);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_posts_keep_their_place_among_requests),
        TEST(test_too_many_are_refused),
        TEST(test_without_a_handler_their_time_ends),
        TEST(test_what_was_posted_outlives_the_poster),
        TEST(test_a_part_follows_in_order),
        TEST(test_a_post_uses_a_place),
        TEST(test_a_post_handed_back_goes_out_again),
        TEST(test_a_post_is_delivered_with_the_next_beat),
        TEST(test_parts_go_to_the_worker_that_has_the_first),
        TEST(test_the_owner_learns_when_a_request_is_taken),
        TEST(test_no_time_runs_while_parts_follow),
        TEST(test_a_lost_worker_takes_its_posts_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
