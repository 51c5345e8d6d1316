/* Preparing, activating and discarding configurations: what is shared stays, what was only prepared
 * leaves no trace, and a thousand swaps leave nothing behind. */
#include "node/backend/pool_worker.h"
#include "node/conf/swap.h"

#include "node/backend/upstream.h"
#include "node/session/http1.h"
#include "node/target/handler.h"
#include "node/target/redirect.h"
#include "node/worker.h"
#include "tests/unit/node/backend/backend_world.h"
#include "tests/unit/proto/model/fixture.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

static struct worker worker;
static struct live live;
static const struct target_ops *const kinds[] = {&target_handler, &target_redirect, NULL};

static struct upstreams upstreams;

static int set_up(void **state)
{
    (void)state;
    world_start();
    memset(&worker, 0, sizeof worker);
    loop_fini(&world.loop);
    assert_int_equal(loop_init(&worker.loop), 0);
    deadlines_init(&worker.deadlines, &worker.loop);
    conns_init(&worker.conns, &worker.loop, &worker.deadlines, 16384);
    worker.conns.owner = &worker;
    worker.backends = &world.backends;
    upstreams_init(&upstreams, &worker.loop, &worker.deadlines, &worker.counters, 16384);
    worker.upstreams = &upstreams;
    world.backends.loop = &worker.loop;
    worker.zmq = world.zmq;
    live = (struct live){.worker = &worker, .session = &session_http1, .kinds = kinds};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    conns_fini(&worker.conns);
    pool_port_close(&world.backends);
    swap_stop(&live);
    deadlines_fini(&worker.deadlines);
    backends_fini(&world.backends);
    upstreams_fini(&upstreams);
    zmq_ctx_term(world.zmq);
    loop_fini(&worker.loop);
    return 0;
}

/* A site with a pool "chat" of this queue and a redirect; its server listens on `address`. */
static struct model *site(const char *address, const char *queue, const char *second_pool)
{
    struct error e;
    struct model *m = model_create(NULL);
    fixture_server(m, "main", 0);
    fixture_row(m, TABLE_HOST, "id=1", "server_id=1", "name=a.test", NULL);
    fixture_row(m, TABLE_HANDLER, "pool=chat", queue, NULL);
    fixture_row(m, TABLE_REDIRECT, "location=/new", "status=301", NULL);
    fixture_row(m, TABLE_ROUTE, "path=/chat", "host_id=1", "target_id=1", "target_type=handler",
                NULL);
    fixture_row(m, TABLE_ROUTE, "path=/old", "host_id=1", "target_id=1", "target_type=redirect",
                NULL);
    if (second_pool != NULL) {
        fixture_row(m, TABLE_HANDLER, second_pool, NULL);
        fixture_row(m, TABLE_ROUTE, "path=/second", "host_id=1", "target_id=2",
                    "target_type=handler", NULL);
    }
    live.bind_addr = address;
    assert_int_equal(model_freeze(m, &e), 0);
    return m;
}

static struct prepared *prepare(struct model *m, uint64_t version)
{
    struct error e;
    struct prepared *p;
    const struct row *server = model_server_by_name(m, SLICE("main"));
    if (swap_prepare(&live, m, server, version, "hash", &p, &e) != 0)
        fail_msg("%s", e.text);
    model_unref(m);
    return p;
}

static size_t open_files(void)
{
    size_t count = 0;
    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static bool accepts(unsigned port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool connected = connect(fd, (struct sockaddr *)&to, sizeof to) == 0;
    close(fd);
    return connected;
}

static void test_a_swap_keeps_listener_and_backends(void **state)
{
    (void)state;
    swap_activate(&live, prepare(site("127.0.0.1", "queue=5", NULL), 1));
    struct listener *listener = live.listener;
    unsigned port = listener_port(listener);
    struct backend *chat = backend_find(&world.backends, "pool chat");
    assert_non_null(chat);
    assert_int_equal(worker.snapshot->version, 1);
    swap_activate(&live, prepare(site("127.0.0.1", "queue=6", NULL), 2));
    assert_ptr_equal(live.listener, listener);
    assert_int_equal(listener_port(listener), port);
    assert_int_equal(worker.snapshot->version, 2);
    struct backend *again = backend_find(&world.backends, "pool chat");
    assert_ptr_equal(again, chat);
    backend_unref(again);
    backend_unref(chat);
    assert_true(accepts(port));
}

static void test_another_address_is_bound_first_and_the_old_one_closed_last(void **state)
{
    (void)state;
    swap_activate(&live, prepare(site("127.0.0.1", "queue=5", NULL), 1));
    unsigned old_port = listener_port(live.listener);
    struct prepared *p = prepare(site("127.0.0.2", "queue=5", NULL), 2);
    assert_true(accepts(old_port));
    swap_activate(&live, p);
    assert_false(accepts(old_port));
    assert_string_equal(listener_identity(live.listener), "127.0.0.2:0");
}

static void test_discard_leaves_all_as_it_was(void **state)
{
    (void)state;
    swap_activate(&live, prepare(site("127.0.0.1", "queue=1", NULL), 1));
    const struct snapshot *running = worker.snapshot;
    struct listener *listener = live.listener;
    struct backend *chat = backend_find(&world.backends, "pool chat");
    struct prepared *p = prepare(site("127.0.0.2", "queue=1000", "pool=second"), 2);
    assert_int_equal(swap_snapshot(p)->version, 2);
    assert_int_equal(map_count(&world.backends.by_name), 2);
    swap_discard(p);
    assert_ptr_equal(worker.snapshot, running);
    assert_ptr_equal(live.listener, listener);
    assert_int_equal(map_count(&world.backends.by_name), 1);
    struct world_request r[2];
    world_send(chat, &r[0], "waits", 0);
    world_send(chat, &r[1], "too many", 0);
    assert_int_equal(r[1].status, 503); /* the queue is still one */
    world_done(chat, &r[0]);
    backend_unref(chat);
    assert_int_equal(worker.counters.config_swaps, 1);
}

/* The first pool binds the handler port: with it goes the socket. */
static void test_discard_of_the_first_pool_closes_its_port(void **state)
{
    (void)state;
    struct prepared *p = prepare(site("127.0.0.1", "queue=1", NULL), 1);
    assert_string_not_equal(world.backends.handler_endpoint, "");
    size_t files = open_files();
    swap_discard(p);
    loop_step(&worker.loop);
    assert_null(world.backends.pool_port);
    assert_string_equal(world.backends.handler_endpoint, "");
    assert_true(open_files() < files);
    swap_activate(&live, prepare(site("127.0.0.1", "queue=1", NULL), 1)); /* and may come back */
    loop_step(&worker.loop);
    assert_string_not_equal(world.backends.handler_endpoint, "");
}

static void test_limits_change_with_the_swap(void **state)
{
    (void)state;
    swap_activate(&live, prepare(site("127.0.0.1", "queue=1", NULL), 1));
    swap_activate(&live, prepare(site("127.0.0.1", "queue=2", NULL), 2));
    struct backend *chat = backend_find(&world.backends, "pool chat");
    struct world_request r[3];
    for (int i = 0; i < 3; i++)
        world_send(chat, &r[i], "x", 0);
    assert_int_equal(r[1].status, 0);
    assert_int_equal(r[2].status, 503);
    world_done(chat, &r[0]);
    world_done(chat, &r[1]);
    backend_unref(chat);
}

static void test_what_cannot_be_built_changes_nothing(void **state)
{
    (void)state;
    struct error e;
    struct prepared *p;
    swap_activate(&live, prepare(site("127.0.0.1", "queue=1", NULL), 1));
    const struct snapshot *running = worker.snapshot;
    struct model *m = site("192.0.2.1", "queue=1", "pool=second"); /* not our address */
    assert_int_equal(swap_prepare(&live, m, model_server_by_name(m, SLICE("main")), 2, "", &p, &e),
                     -1);
    model_unref(m);
    assert_non_null(strstr(e.text, "192.0.2.1"));
    assert_ptr_equal(worker.snapshot, running);
    assert_int_equal(map_count(&world.backends.by_name), 1);
    assert_int_equal(worker.counters.config_refused, 1);
}

/* An exchange holds the snapshot it began with; the last one frees it. */
static void test_the_old_snapshot_lives_as_long_as_it_is_used(void **state)
{
    (void)state;
    swap_activate(&live, prepare(site("127.0.0.1", "queue=1", "pool=second"), 1));
    struct snapshot *old = snapshot_ref(worker.snapshot);
    swap_activate(&live, prepare(site("127.0.0.1", "queue=1", NULL), 2));
    assert_int_equal(map_count(&world.backends.by_name), 2);
    snapshot_unref(old);
    assert_int_equal(map_count(&world.backends.by_name), 1);
}

static void test_a_stopping_server_opens_no_socket(void **state)
{
    (void)state;
    swap_activate(&live, prepare(site("127.0.0.1", "queue=1", NULL), 1));
    unsigned port = listener_port(live.listener);
    worker.stopping = true;
    swap_stop_listening(&live);
    assert_false(accepts(port));
    swap_activate(&live, prepare(site("127.0.0.1", "queue=1", NULL), 2));
    assert_null(live.listener);
}

static void test_a_thousand_swaps_leave_nothing_behind(void **state)
{
    (void)state;
    swap_activate(&live, prepare(site("127.0.0.1", "queue=1", NULL), 1));
    size_t files = open_files();
    for (uint64_t i = 2; i < 1002; i++) {
        struct prepared *p = prepare(site("127.0.0.1", "queue=1", i % 3 == 0 ? "pool=b" : NULL), i);
        if (i % 5 == 0)
            swap_discard(p);
        else
            swap_activate(&live, p);
    }
    assert_int_equal(open_files(), files);
    assert_int_equal(worker.snapshot->refs, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_swap_keeps_listener_and_backends),
        TEST(test_another_address_is_bound_first_and_the_old_one_closed_last),
        TEST(test_discard_leaves_all_as_it_was),
        TEST(test_discard_of_the_first_pool_closes_its_port),
        TEST(test_limits_change_with_the_swap),
        TEST(test_what_cannot_be_built_changes_nothing),
        TEST(test_the_old_snapshot_lives_as_long_as_it_is_used),
        TEST(test_a_stopping_server_opens_no_socket),
        TEST(test_a_thousand_swaps_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
