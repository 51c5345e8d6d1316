/* Which users share a socket, and who hears of what. */
#include "node/backend/handler_socket.h"
#include "tests/unit/node/backend/backend_world.h"

struct ear {
    struct handler_socket_user user;
    unsigned heard;
};

static char spec[64];

static void on_ready(struct handler_socket_user *u)
{
    struct ear *ear = container_of(u, struct ear, user);
    ear->heard++;
}

static int join(struct ear *ear, int type)
{
    struct error e;
    *ear = (struct ear){.user.on_ready = on_ready};
    return handler_socket_join(&ear->user, &world.backends, type, spec, "", &e);
}

static int set_up(void **state)
{
    (void)state;
    world_start();
    snprintf(spec, sizeof spec, "ipc:///tmp/m2-socket-%d", (int)getpid());
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_stop();
    remove(spec + strlen("ipc://"));
    return 0;
}

static void test_users_of_one_endpoint_share_it(void **state)
{
    (void)state;
    struct ear a, b;
    assert_int_equal(join(&a, ZMQ_PUSH), 0);
    assert_int_equal(join(&b, ZMQ_PUSH), 0);
    assert_ptr_equal(a.user.socket, b.user.socket);
    assert_int_equal(map_count(&world.backends.sockets), 1);
    handler_socket_leave(&a.user);
    assert_null(a.user.socket);
    assert_int_equal(map_count(&world.backends.sockets), 1);
    handler_socket_leave(&b.user);
    assert_int_equal(map_count(&world.backends.sockets), 0);
    handler_socket_leave(&b.user); /* again: fine */
}

static void test_the_one_that_wants_hears_that_it_can_write(void **state)
{
    (void)state;
    struct ear a, b;
    assert_int_equal(join(&a, ZMQ_PUSH), 0);
    assert_int_equal(join(&b, ZMQ_PUSH), 0);
    handler_socket_want(&a.user, true);
    void *pull = zmq_socket(world.zmq, ZMQ_PULL);
    assert_int_equal(zmq_connect(pull, spec), 0);
    world_until(a.heard > 0);
    assert_int_equal(b.heard, 0);
    handler_socket_want(&a.user, false);
    assert_int_equal(a.user.socket->events.interest, 0);
    handler_socket_want(&b.user, true);
    world_until(b.heard > 0);
    zmq_close(pull);
    handler_socket_leave(&b.user);
    assert_int_equal(a.user.socket->events.interest, 0); /* nobody is left who wants */
    handler_socket_leave(&a.user);
}

static void test_an_endpoint_that_cannot_be_bound(void **state)
{
    (void)state;
    struct ear a;
    snprintf(spec, sizeof spec, "ipc:///no/such/folder/socket");
    assert_int_equal(join(&a, ZMQ_SUB), -1);
    assert_null(a.user.socket);
    assert_int_equal(map_count(&world.backends.sockets), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_users_of_one_endpoint_share_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_one_that_wants_hears_that_it_can_write, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_an_endpoint_that_cannot_be_bound, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
