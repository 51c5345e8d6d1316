/* A pool and workers that do what the test says: every frame, late binding, death, time. The rules
 * are those of the pool protocol. */
#include "node/backend/handler_peer.h"
#include "node/backend/pool.h"
#include "node/backend/pool_worker.h"
#include "tests/unit/node/backend/backend_world.h"

static struct backend *pool;

static struct backend *get_pool(const char *name, unsigned queue, unsigned queue_timeout_ms,
                                unsigned timeout_ms)
{
    struct error e;
    struct pool_options o = {.name = name, .limits = {queue, queue_timeout_ms, timeout_ms}};
    struct backend *b = pool_get(&world.backends, &o, &e);
    if (b == NULL)
        fail_msg("%s", e.text);
    return b;
}

static int set_up(void **state)
{
    (void)state;
    world_start();
    pool = get_pool("chat", 3, 10000, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    backend_unref(pool);
    pool_port_close(&world.backends);
    world_stop();
    return 0;
}

/* --- a worker --- */

struct worker_end {
    void *dealer;
    bool answers_pings;
    char frames[4][256];
    int count;
};

static void worker_connect(struct worker_end *w)
{
    int linger_ms = 0;
    *w = (struct worker_end){.answers_pings = true};
    w->dealer = zmq_socket(world.zmq, ZMQ_DEALER);
    zmq_setsockopt(w->dealer, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    assert_int_equal(zmq_connect(w->dealer, world.backends.handler_endpoint), 0);
}

static void worker_say(struct worker_end *w, const char *first, const char *second)
{
    zmq_send(w->dealer, first, strlen(first), second != NULL ? ZMQ_SNDMORE : 0);
    if (second != NULL)
        zmq_send(w->dealer, second, strlen(second), 0);
}

/* The next message other than PING; false when none waits. */
static bool worker_hears(struct worker_end *w)
{
    w->count = 0;
    for (int more = 1; more;) {
        size_t size = sizeof more;
        int len = zmq_recv(w->dealer, w->frames[w->count], 255, ZMQ_DONTWAIT);
        if (len < 0)
            return false;
        w->frames[w->count][len] = '\0';
        w->count++;
        assert_true(w->count <= 3);
        zmq_getsockopt(w->dealer, ZMQ_RCVMORE, &more, &size);
    }
    if (strcmp(w->frames[0], "PING") != 0)
        return true;
    if (w->answers_pings)
        worker_say(w, "PONG", NULL);
    return false;
}

static void worker_expect(struct worker_end *w, const char *first, const char *last)
{
    world_until(worker_hears(w));
    assert_string_equal(w->frames[0], first);
    if (last != NULL)
        assert_string_equal(w->frames[w->count - 1], last);
}

static void worker_hears_nothing(struct worker_end *w)
{
    for (int i = 0; i < 30; i++) {
        world_turn();
        if (worker_hears(w))
            fail_msg("did not expect %s %s", w->frames[0], w->frames[w->count - 1]);
    }
}

static void worker_ready(struct worker_end *w, const char *pool_name)
{
    struct buf scratch = BUF_INIT;
    struct slice frames[POOL_FRAMES_MAX];
    struct pool_frame f = {.type = POOL_READY,
                           .ready = {.pool = slice_str(pool_name),
                                     .worker = SLICE("33333333-2222-4333-8444-555555555555"),
                                     .capacity = 10,
                                     .name = SLICE("tester"),
                                     .host = SLICE("here"),
                                     .pid = 42}};
    size_t count = pool_frame_encode(&f, frames, &scratch);
    for (size_t i = 0; i < count; i++)
        zmq_send(w->dealer, frames[i].ptr, frames[i].len, i + 1 < count ? ZMQ_SNDMORE : 0);
    buf_fini(&scratch);
}

/* Connected, welcomed, with this credit. */
static void worker_join(struct worker_end *w, const char *credit)
{
    uint64_t before = pool->figures.credit;
    worker_connect(w);
    worker_ready(w, "chat");
    worker_expect(w, "WELCOME", NULL);
    if (credit == NULL)
        return;
    worker_say(w, "CREDIT", credit);
    world_until(pool->figures.credit > before);
}

static void worker_leave(struct worker_end *w)
{
    zmq_close(w->dealer);
}

static void assert_alive(struct world_request *r)
{
    assert_int_equal(r->status, 0);
}

/* --- joining --- */

static void test_welcome_says_who_we_are(void **state)
{
    (void)state;
    struct worker_end w;
    worker_join(&w, NULL);
    struct slice frames[2] = {slice_str(w.frames[0]), slice_str(w.frames[1])};
    struct pool_frame f;
    assert_int_equal(pool_frame_decode(frames, 2, &f), POOL_FRAME_OK);
    assert_true(slice_eq(f.welcome.node, SLICE(WORLD_NODE)));
    assert_true(slice_eq(f.welcome.cluster, SLICE(WORLD_CLUSTER)));
    assert_int_equal(f.welcome.heartbeat_ms, POOL_HEARTBEAT_MS);
    assert_int_equal(pool->figures.workers, 1);
    worker_leave(&w);
}

static void test_unknown_pool_is_refused(void **state)
{
    (void)state;
    struct worker_end w;
    worker_connect(&w);
    worker_ready(&w, "nosuch");
    worker_expect(&w, "REFUSED", NULL);
    worker_say(&w, "CREDIT", "1"); /* and so is whoever did not begin with READY */
    worker_expect(&w, "REFUSED", NULL);
    assert_int_equal(pool->figures.workers, 0);
    worker_leave(&w);
}

static void test_nonsense_is_dropped(void **state)
{
    (void)state;
    struct worker_end w;
    worker_join(&w, "1");
    worker_say(&w, "CREDIT", "x");
    worker_say(&w, "CREDIT", NULL);
    worker_say(&w, "WHAT", "x");
    worker_say(&w, "", NULL);
    worker_say(&w, "READY", "nonsense");
    worker_say(&w, "RETURN", "999");
    worker_say(&w, "PING", NULL);
    worker_expect(&w, "PONG", NULL);
    assert_int_equal(pool->figures.workers, 1);
    worker_leave(&w);
}

static void test_ready_again_begins_anew(void **state)
{
    (void)state;
    struct worker_end w;
    struct world_request r;
    worker_join(&w, "1");
    world_send(pool, &r, "once", 1);
    worker_expect(&w, "REQUEST", "once");
    worker_ready(&w, "chat");
    worker_expect(&w, "WELCOME", NULL);
    assert_int_equal(pool->figures.workers, 1);
    worker_expect(&w, "WANT", "1"); /* the request waits again */
    worker_say(&w, "CREDIT", "1");
    worker_expect(&w, "REQUEST", "once");
    assert_alive(&r);
    world_done(pool, &r);
    worker_leave(&w);
}

/* --- dispatch --- */

static void test_credit_is_used_at_once(void **state)
{
    (void)state;
    struct worker_end w;
    struct world_request r[2];
    worker_join(&w, "2");
    world_send(pool, &r[0], "one", 0);
    world_send(pool, &r[1], "two", 0);
    worker_expect(&w, "REQUEST", "one");
    assert_int_equal(w.count, 3);
    worker_expect(&w, "REQUEST", "two");
    assert_int_equal(pool->figures.credit, 0);
    assert_int_equal(pool->figures.in_flight, 2);
    world_done(pool, &r[0]);
    world_done(pool, &r[1]);
    assert_int_equal(pool->figures.in_flight, 0);
    worker_leave(&w);
}

static void test_workers_take_turns(void **state)
{
    (void)state;
    struct worker_end w[2];
    struct world_request r[4];
    worker_join(&w[0], "2");
    worker_join(&w[1], "2");
    for (int i = 0; i < 4; i++)
        world_send(pool, &r[i], "x", 0);
    for (int i = 0; i < 2; i++) {
        worker_expect(&w[i], "REQUEST", "x");
        worker_expect(&w[i], "REQUEST", "x");
    }
    for (int i = 0; i < 4; i++)
        world_done(pool, &r[i]);
    worker_leave(&w[0]);
    worker_leave(&w[1]);
}

/* No credit: the request stays here, a reservation stands at each worker, and who gets free first
 * has it. The other's place is given back. */
static void test_late_binding(void **state)
{
    (void)state;
    struct worker_end w[2];
    struct world_request r;
    worker_join(&w[0], NULL);
    worker_join(&w[1], NULL);
    world_send(pool, &r, "late", 0);
    worker_expect(&w[0], "WANT", "1");
    worker_expect(&w[1], "WANT", "1");
    worker_say(&w[1], "CREDIT", "1");
    worker_expect(&w[1], "REQUEST", "late");
    worker_say(&w[0], "CREDIT", "1");
    worker_expect(&w[0], "WANT", "0"); /* none is left: the place goes to the next */
    world_done(pool, &r);
    worker_leave(&w[0]);
    worker_leave(&w[1]);
}

static void test_want_tells_how_many_and_only_when_more(void **state)
{
    (void)state;
    struct worker_end w;
    struct world_request r[3];
    worker_join(&w, NULL);
    world_send(pool, &r[0], "one", 0);
    worker_expect(&w, "WANT", "1");
    world_send(pool, &r[1], "two", 0);
    world_send(pool, &r[2], "three", 0);
    worker_expect(&w, "WANT", "3"); /* once per turn */
    worker_say(&w, "CREDIT", "2");
    worker_expect(&w, "REQUEST", "one");
    worker_expect(&w, "REQUEST", "two");
    worker_hears_nothing(&w);
    worker_say(&w, "CREDIT", "5"); /* more than we need */
    worker_expect(&w, "REQUEST", "three");
    worker_expect(&w, "WANT", "0");
    for (int i = 0; i < 3; i++)
        world_done(pool, &r[i]);
    worker_leave(&w);
}

static void test_returned_requests_go_first(void **state)
{
    (void)state;
    struct worker_end w;
    struct world_request r[2];
    worker_join(&w, "1");
    world_send(pool, &r[0], "one", 0);
    worker_expect(&w, "REQUEST", "one");
    char id[256];
    snprintf(id, sizeof id, "%s", w.frames[1]);
    world_send(pool, &r[1], "two", 0);
    worker_expect(&w, "WANT", "1");
    worker_say(&w, "RETURN", id);
    worker_expect(&w, "WANT", "2");
    worker_say(&w, "CREDIT", "1");
    worker_expect(&w, "REQUEST", "one");
    assert_string_not_equal(w.frames[1], id); /* an id is used once */
    worker_say(&w, "CREDIT", "1");
    worker_expect(&w, "REQUEST", "two");
    world_done(pool, &r[0]);
    world_done(pool, &r[1]);
    worker_leave(&w);
}

static void test_replies_are_handed_up(void **state)
{
    (void)state;
    struct worker_end w;
    worker_join(&w, NULL);
    worker_say(&w, "REPLY", WORLD_NODE " 1:7, hello");
    world_until(world.reply_count == 1);
    assert_string_equal(buf_str(&world.replies), WORLD_NODE " 1:7, hello\n");
    assert_ptr_equal(world.origin, pool);
    worker_leave(&w);
}

static void test_who_said_bye_gets_nothing_new(void **state)
{
    (void)state;
    struct worker_end w;
    struct world_request r[2];
    worker_join(&w, "5");
    world_send(pool, &r[0], "one", 0);
    worker_expect(&w, "REQUEST", "one");
    worker_say(&w, "BYE", NULL);
    worker_say(&w, "CREDIT", "5");
    worker_say(&w, "PING", NULL);
    worker_expect(&w, "PONG", NULL);
    world_send(pool, &r[1], "two", 0);
    world_notice(pool, "notice");
    worker_hears_nothing(&w);
    assert_alive(&r[0]); /* what it has it may finish */
    world_done(pool, &r[0]);
    world_done(pool, &r[1]);
    worker_leave(&w);
}

static void test_notices_go_to_one_worker(void **state)
{
    (void)state;
    struct worker_end w[2];
    worker_join(&w[0], "1");
    worker_join(&w[1], "1");
    world_notice(pool, "gone");
    worker_expect(&w[0], "REQUEST", "gone");
    worker_hears_nothing(&w[1]);
    assert_int_equal(pool->figures.credit, 1);
    worker_leave(&w[0]);
    worker_leave(&w[1]);
}

/* A worker that answers whatever it gets, notices too, is not told again and again. */
static void test_an_unknown_connection_is_told_once(void **state)
{
    (void)state;
    struct worker_end w;
    struct error e;
    struct handler_peer *p = handler_peer_create(backend_ref(pool), "ident", HANDLER_JSON, &e);
    worker_join(&w, "9");
    handler_peer_report_unknown(pool, 7);
    worker_expect(&w, "REQUEST",
                  "ident 7 @* 17:{\"METHOD\":\"JSON\"},21:{\"type\":\"disconnect\"},");
    handler_peer_report_unknown(pool, 7);
    worker_hears_nothing(&w);
    handler_peer_report_unknown(pool, 8);
    worker_expect(&w, "REQUEST",
                  "ident 8 @* 17:{\"METHOD\":\"JSON\"},21:{\"type\":\"disconnect\"},");
    handler_peer_report_unknown(pool, 7);
    worker_hears_nothing(&w);
    handler_peer_unref(p);
    worker_leave(&w);
}

/* --- bounds --- */

static void test_the_queue_is_bounded(void **state)
{
    (void)state;
    struct world_request r[4];
    for (int i = 0; i < 4; i++)
        world_send(pool, &r[i], "x", 0);
    assert_int_equal(r[3].status, 503);
    assert_int_equal(pool->figures.refused, 1);
    for (int i = 0; i < 3; i++) {
        assert_alive(&r[i]);
        world_done(pool, &r[i]);
    }
}

/* More in one turn than credit and queue together: the rest is refused at its end. */
static void test_a_burst_is_bounded(void **state)
{
    (void)state;
    enum { BURST = 10 };
    struct worker_end w;
    struct world_request r[BURST];
    worker_join(&w, "2");
    for (int i = 0; i < BURST; i++)
        world_send(pool, &r[i], "x", 0);
    world_turn();
    for (int i = 0; i < BURST; i++) {
        assert_int_equal(r[i].status, i < 5 ? 0 : 503);
        world_done(pool, &r[i]);
    }
    worker_leave(&w);
}

static void test_waiting_ends(void **state)
{
    (void)state;
    struct world_request r;
    struct backend_limits limits = {3, 50, 0};
    pool->ops->limit(pool, &limits);
    world_send(pool, &r, "x", 0);
    world_until(r.status != 0);
    assert_int_equal(r.status, 503);
    assert_int_equal(world.counters.pool_queue_timeouts, 1);
}

/* By order: nothing is handed out, nothing is given up, and more may wait; also of a pool that
 * comes later. A place that a worker holds is given back. */
static void test_a_paused_pool(void **state)
{
    (void)state;
    struct error e;
    struct slice names[] = {SLICE("other"), SLICE("chat")};
    struct backend_limits limits = {3, 50, 0};
    struct world_request r[31];
    struct worker_end w;
    worker_join(&w, NULL);
    pool->ops->limit(pool, &limits);
    world_send(pool, &r[0], "first", 0);
    worker_expect(&w, "WANT", "1");
    assert_int_equal(pools_pause(&world.backends, names, 2, &e), 0);
    worker_say(&w, "CREDIT", "1");
    worker_expect(&w, "WANT", "0");
    worker_say(&w, "CREDIT", "10");
    world_until(pool->figures.credit == 10);
    for (int i = 1; i < 31; i++)
        world_send(pool, &r[i], "x", 0);
    assert_int_equal(r[30].status, 503); /* ten times its queue */
    uint64_t begin_ms = clock_monotonic_ms();
    world_until(clock_monotonic_ms() - begin_ms > 100); /* twice the time that they may wait */
    worker_hears_nothing(&w);
    assert_int_equal(pool->figures.queued_now, 30);
    struct backend *other = get_pool("other", 3, 50, 0);
    assert_int_equal(other->figures.paused, 1);
    backend_unref(other);
    assert_int_equal(pools_pause(&world.backends, names, 1, &e), 0);
    worker_expect(&w, "REQUEST", "first");
    for (int i = 0; i < 30; i++) { /* what waits beyond the queue is not refused now */
        assert_alive(&r[i]);
        world_done(pool, &r[i]);
    }
    for (int i = 0; i < 4; i++)
        world_send(pool, &r[i], "x", 0);
    assert_int_equal(r[3].status, 503); /* all as ever */
    for (int i = 0; i < 3; i++)
        world_done(pool, &r[i]);
    worker_leave(&w);
}

/* What waited through a pause has all its time yet. */
static void test_time_begins_when_a_pool_is_resumed(void **state)
{
    (void)state;
    struct error e;
    struct slice name = SLICE("chat");
    struct backend_limits limits = {3, 50, 0};
    struct world_request r;
    pool->ops->limit(pool, &limits);
    assert_int_equal(pools_pause(&world.backends, &name, 1, &e), 0);
    world_send(pool, &r, "x", 0);
    uint64_t begin_ms = clock_monotonic_ms();
    world_until(clock_monotonic_ms() - begin_ms > 100);
    assert_int_equal(pools_pause(&world.backends, NULL, 0, &e), 0);
    begin_ms = clock_monotonic_ms();
    world_until(r.status != 0);
    assert_int_equal(r.status, 503);
    assert_true(clock_monotonic_ms() - begin_ms >= 40);
}

static void test_a_prepared_configuration_changes_no_limits(void **state)
{
    (void)state;
    struct world_request r[4];
    struct backend *again = get_pool("chat", 1000, 1, 1);
    assert_ptr_equal(again, pool);
    for (int i = 0; i < 4; i++)
        world_send(pool, &r[i], "x", 0);
    assert_int_equal(r[3].status, 503);
    for (int i = 0; i < 3; i++)
        world_done(pool, &r[i]);
    backend_unref(again);
}

static void test_the_answer_has_a_time_limit(void **state)
{
    (void)state;
    struct worker_end w;
    struct world_request r[2];
    struct backend_limits limits = {3, 10000, 100};
    pool->ops->limit(pool, &limits);
    worker_join(&w, "2");
    world_send(pool, &r[0], "slow", 3);
    worker_expect(&w, "REQUEST", "slow");
    world_send(pool, &r[1], "begun", 3);
    worker_expect(&w, "REQUEST", "begun");
    r[1].answer_begun = true;
    world_until(r[0].status != 0 || worker_hears(&w));
    assert_int_equal(r[0].status, 504);
    assert_alive(&r[1]); /* the first byte is what counts */
    world_done(pool, &r[1]);
    worker_leave(&w);
}

/* --- loss --- */

static void test_a_dead_workers_requests(void **state)
{
    (void)state;
    struct worker_end w[2];
    struct world_request again, never, begun;
    worker_join(&w[0], "3");
    world_send(pool, &again, "GET", 1);
    worker_expect(&w[0], "REQUEST", "GET");
    world_send(pool, &never, "POST", 0);
    worker_expect(&w[0], "REQUEST", "POST");
    world_send(pool, &begun, "half", 1);
    worker_expect(&w[0], "REQUEST", "half");
    begun.answer_begun = true;
    uint64_t died_ms = clock_monotonic_ms();
    worker_leave(&w[0]);
    worker_join(&w[1], NULL);
    world_until(never.status != 0 || worker_hears(&w[1]));
    assert_true(clock_monotonic_ms() - died_ms < 1500); /* a second, and what this machine adds */
    assert_int_equal(never.status, 502);
    assert_int_equal(begun.status, 502); /* its owner cuts it off */
    assert_alive(&again);
    assert_int_equal(pool->figures.retried, 1);
    assert_int_equal(pool->figures.lost, 2);
    assert_int_equal(pool->figures.workers, 1);
    worker_expect(&w[1], "WANT", "1");
    worker_say(&w[1], "CREDIT", "1");
    worker_expect(&w[1], "REQUEST", "GET");
    worker_leave(&w[1]); /* the second death is the last */
    world_until(again.status != 0);
    assert_int_equal(again.status, 502);
}

/* Work already done does not count as waiting. */
static void test_a_retried_request_may_wait_anew(void **state)
{
    (void)state;
    struct worker_end w;
    struct world_request r;
    struct backend_limits limits = {3, 900, 0};
    pool->ops->limit(pool, &limits);
    worker_join(&w, "1");
    world_send(pool, &r, "GET", 1);
    worker_expect(&w, "REQUEST", "GET");
    uint64_t begin_ms = clock_monotonic_ms();
    while (clock_monotonic_ms() - begin_ms < 500) { /* it works on it */
        world_turn();
        worker_hears(&w);
    }
    worker_leave(&w);
    world_until(pool->figures.retried == 1);
    world_quiet();
    assert_alive(&r);
    worker_join(&w, NULL);
    worker_expect(&w, "WANT", "1");
    world_done(pool, &r);
    worker_leave(&w);
}

static void test_a_silent_worker_is_lost(void **state)
{
    (void)state;
    struct worker_end w;
    struct world_request r;
    worker_join(&w, "1");
    world_send(pool, &r, "x", 0);
    w.answers_pings = false;
    world_until(r.status != 0);
    assert_int_equal(r.status, 502);
    worker_leave(&w);
}

static void test_a_worker_that_answers_pings_is_kept(void **state)
{
    (void)state;
    struct worker_end w;
    worker_join(&w, "1");
    uint64_t begin_ms = clock_monotonic_ms();
    while (clock_monotonic_ms() - begin_ms < 1200) {
        world_turn();
        assert_false(worker_hears(&w));
    }
    assert_int_equal(pool->figures.workers, 1);
    worker_leave(&w);
}

/* It says so much that nobody has to ask whether it is there: it must hear from us all the same. */
static void test_a_worker_that_only_talks_hears_from_the_node(void **state)
{
    (void)state;
    struct worker_end w;
    worker_join(&w, "1");
    uint64_t begin_ms = clock_monotonic_ms(), heard_ms = begin_ms, longest_ms = 0;
    while (clock_monotonic_ms() - begin_ms < 1500) {
        worker_say(&w, "CREDIT", "1");
        world_turn();
        while (worker_hears(&w) || w.count > 0)
            heard_ms = clock_monotonic_ms();
        uint64_t silent_ms = clock_monotonic_ms() - heard_ms;
        longest_ms = silent_ms > longest_ms ? silent_ms : longest_ms;
    }
    assert_true(longest_ms < POOL_HEARTBEAT_MS * POOL_BEATS_LOST);
    worker_leave(&w);
}

/* --- an end that pulls others along --- */

static struct backend *doomed;

static void end_the_other_pool(struct backend_request *r, int status)
{
    (void)r, (void)status;
    backend_unref(doomed);
    doomed = NULL;
}

/* The last exchange of an old configuration takes its pools along while the lost are counted. */
static void test_a_loss_that_ends_another_pool(void **state)
{
    (void)state;
    struct worker_end w[2];
    struct world_request r;
    doomed = get_pool("old", 3, 10000, 0);
    worker_join(&w[0], "1");
    worker_connect(&w[1]);
    worker_ready(&w[1], "old");
    worker_expect(&w[1], "WELCOME", NULL);
    world_send(pool, &r, "x", 0);
    worker_expect(&w[0], "REQUEST", "x");
    r.request.failed = end_the_other_pool;
    w[0].answers_pings = w[1].answers_pings = false;
    world_until(doomed == NULL);
    worker_leave(&w[0]);
    world_until(worker_hears(&w[1]) && strcmp(w[1].frames[0], "REFUSED") == 0);
    worker_leave(&w[1]);
}

/* A node that stops says goodbye to all. */
static void test_closing_the_port_says_bye(void **state)
{
    (void)state;
    struct worker_end w;
    worker_join(&w, "1");
    pool_port_close(&world.backends);
    worker_expect(&w, "BYE", NULL);
    worker_leave(&w);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_welcome_says_who_we_are),
        TEST(test_unknown_pool_is_refused),
        TEST(test_nonsense_is_dropped),
        TEST(test_ready_again_begins_anew),
        TEST(test_credit_is_used_at_once),
        TEST(test_workers_take_turns),
        TEST(test_late_binding),
        TEST(test_want_tells_how_many_and_only_when_more),
        TEST(test_returned_requests_go_first),
        TEST(test_replies_are_handed_up),
        TEST(test_who_said_bye_gets_nothing_new),
        TEST(test_notices_go_to_one_worker),
        TEST(test_an_unknown_connection_is_told_once),
        TEST(test_the_queue_is_bounded),
        TEST(test_a_burst_is_bounded),
        TEST(test_waiting_ends),
        TEST(test_a_paused_pool),
        TEST(test_time_begins_when_a_pool_is_resumed),
        TEST(test_a_prepared_configuration_changes_no_limits),
        TEST(test_the_answer_has_a_time_limit),
        TEST(test_a_dead_workers_requests),
        TEST(test_a_retried_request_may_wait_anew),
        TEST(test_a_silent_worker_is_lost),
        TEST(test_a_worker_that_answers_pings_is_kept),
        TEST(test_a_worker_that_only_talks_hears_from_the_node),
        TEST(test_a_loss_that_ends_another_pool),
        TEST(test_closing_the_port_says_bye),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
