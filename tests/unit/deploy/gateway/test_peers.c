// links: m2_gateway
/* Who is connected: counted from the events of a real socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "deploy/gateway/peers.h"
#include "proto/base/clock.h"

#include <zmq.h>

static void until_count(struct peers *p, size_t count)
{
    uint64_t begin_ms = clock_monotonic_ms();
    while (p->count != count) {
        zmq_pollitem_t item = {.socket = p->events, .events = ZMQ_POLLIN};
        if (clock_monotonic_ms() - begin_ms > 10000)
            fail_msg("%zu peers, not %zu", p->count, count);
        zmq_poll(&item, 1, 100);
        peers_read(p);
    }
}

static void test_they_come_and_go(void **state)
{
    (void)state;
    struct peers p;
    struct error e;
    char endpoint[256];
    size_t len = sizeof endpoint;
    int linger_ms = 0;
    void *zmq = zmq_ctx_new(), *push = zmq_socket(zmq, ZMQ_PUSH), *pull[3];
    assert_int_equal(peers_watch(&p, zmq, push, "test", &e), 0);
    assert_int_equal(zmq_bind(push, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(zmq_getsockopt(push, ZMQ_LAST_ENDPOINT, endpoint, &len), 0);
    peers_read(&p);
    assert_int_equal(p.count, 0);
    for (size_t i = 0; i < 3; i++) {
        pull[i] = zmq_socket(zmq, ZMQ_PULL);
        zmq_setsockopt(pull[i], ZMQ_LINGER, &linger_ms, sizeof linger_ms);
        assert_int_equal(zmq_connect(pull[i], endpoint), 0);
        until_count(&p, i + 1);
    }
    zmq_close(pull[1]);
    until_count(&p, 2);
    zmq_close(pull[0]);
    zmq_close(pull[2]);
    until_count(&p, 0);
    zmq_close(push);
    peers_fini(&p);
    peers_fini(&p); /* again has no effect */
    zmq_ctx_term(zmq);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_they_come_and_go)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
