/* What is a specification, what stays on this machine, what may travel in the open. */

#include "proto/link/endpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <zmq.h>

#include <cmocka.h>

static void test_specifications(void **state)
{
    (void)state;
    static const struct {
        const char *spec;
        bool bind, connect, local;
    } cases[] = {
        {"tcp://127.0.0.1:6780", true, true, true},
        {"tcp://127.0.0.1:*", true, false, true},
        {"tcp://127.0.0.1:0", true, false, true},
        {"tcp://127.1.2.3:1", true, true, true},
        {"tcp://localhost:1", true, true, true},
        {"tcp://[::1]:6780", true, true, true},
        {"tcp://[fe80::1]:6780", true, true, false},
        {"tcp://*:6780", true, false, false},
        {"tcp://0.0.0.0:6780", true, false, false},
        {"tcp://[::]:6780", true, false, false},
        {"tcp://web.example:6780", true, true, false},
        {"tcp://127.0.0.1.evil.example:1", true, true, false},
        {"ipc://run/control", true, true, true},
        {"inproc://x", true, true, true},
        {"tcp://127.0.0.1", false, false, false},
        {"tcp://:6780", false, false, false},
        {"tcp://127.0.0.1:", false, false, true},
        {"tcp://127.0.0.1:65536", false, false, true},
        {"tcp://127.0.0.1:6x", false, false, true},
        {"tcp://fe80::1:6780", false, false, false},
        {"ipc://", false, false, true},
        {"udp://127.0.0.1:1", false, false, false},
        {"127.0.0.1:6780", false, false, false},
        {"", false, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error e;
        if ((endpoint_check(cases[i].spec, ENDPOINT_BIND, &e) == 0) != cases[i].bind)
            fail_msg("bind %s", cases[i].spec);
        if ((endpoint_check(cases[i].spec, ENDPOINT_CONNECT, &e) == 0) != cases[i].connect)
            fail_msg("connect %s", cases[i].spec);
        if ((cases[i].bind || cases[i].connect) &&
            endpoint_is_local(cases[i].spec) != cases[i].local)
            fail_msg("local %s", cases[i].spec);
    }
}

static void test_plain_in_the_open_is_refused(void **state)
{
    (void)state;
    struct link_security plain = {.insecure = false}, insecure = {.insecure = true};
    struct error e;
    char actual[ENDPOINT_MAX] = "";
    void *zmq = zmq_ctx_new(), *socket = zmq_socket(zmq, ZMQ_ROUTER);
    assert_int_equal(endpoint_bind(socket, "tcp://0.0.0.0:*", &plain, actual, &e), -1);
    assert_int_equal(e.code, ERROR_DENIED);
    assert_non_null(strstr(e.text, "-insecure"));
    assert_int_equal(endpoint_bind(socket, "tcp://0.0.0.0:*", &insecure, actual, &e), 0);
    assert_true(strncmp(actual, "tcp://0.0.0.0:", 14) == 0 && strcmp(actual + 14, "*") != 0);
    assert_int_equal(endpoint_connect(socket, "tcp://192.0.2.1:1", &plain, &e), -1);
    assert_int_equal(e.code, ERROR_DENIED);
    zmq_close(socket);
    zmq_ctx_term(zmq);
}

static void test_keys_allow_the_open(void **state)
{
    (void)state;
    char server_public[41], server_secret[41], client_public[41], client_secret[41];
    char actual[ENDPOINT_MAX], byte;
    struct error e;
    if (zmq_curve_keypair(server_public, server_secret) != 0)
        skip();
    zmq_curve_keypair(client_public, client_secret);
    struct link_keys server = {server_public, server_secret, NULL};
    struct link_keys client = {client_public, client_secret, server_public};
    struct link_security server_side = {.keys = &server}, client_side = {.keys = &client};
    void *zmq = zmq_ctx_new(), *pull = zmq_socket(zmq, ZMQ_PULL), *push = zmq_socket(zmq, ZMQ_PUSH);
    int limit_ms = 5000, none = 0;
    zmq_setsockopt(pull, ZMQ_RCVTIMEO, &limit_ms, sizeof limit_ms);
    zmq_setsockopt(push, ZMQ_LINGER, &none, sizeof none);
    assert_int_equal(endpoint_bind(pull, "tcp://0.0.0.0:*", &server_side, actual, &e), 0);
    char near[ENDPOINT_MAX];
    assert_int_equal(endpoint_resolve(slice_str(actual), "tcp://127.0.0.1:1", near, &e), 0);
    assert_int_equal(endpoint_connect(push, near, &client_side, &e), 0);
    assert_int_equal(zmq_send(push, "x", 1, 0), 1);
    assert_int_equal(zmq_recv(pull, &byte, 1, 0), 1);
    client.secret_key = "short";
    assert_int_equal(endpoint_connect(push, near, &client_side, &e), -1);
    assert_int_equal(e.code, ERROR_USAGE);
    zmq_close(push);
    zmq_close(pull);
    zmq_ctx_term(zmq);
}

static void test_wildcards_are_seen_from_outside(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"tcp://0.0.0.0:6781", "tcp://10.0.0.7:6780", "tcp://10.0.0.7:6781"},
        {"tcp://*:6781", "tcp://host.example:6780", "tcp://host.example:6781"},
        {"tcp://[::]:6781", "tcp://[fe80::1]:6780", "tcp://[fe80::1]:6781"},
        {"tcp://10.0.0.9:6781", "tcp://10.0.0.7:6780", "tcp://10.0.0.9:6781"},
        {"ipc://run/updates", "tcp://10.0.0.7:6780", "ipc://run/updates"},
        {"tcp://0.0.0.0:6781", "ipc://run/requests", "tcp://0.0.0.0:6781"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char out[ENDPOINT_MAX];
        assert_int_equal(endpoint_resolve(slice_str(cases[i][0]), cases[i][1], out, NULL), 0);
        assert_string_equal(out, cases[i][2]);
    }
}

static void test_lists(void **state)
{
    (void)state;
    const char *list = " tcp://a:1 ,tcp://b:2,, ipc://c";
    char out[ENDPOINT_MAX];
    assert_true(endpoint_next(&list, out));
    assert_string_equal(out, "tcp://a:1");
    assert_true(endpoint_next(&list, out));
    assert_string_equal(out, "tcp://b:2");
    assert_true(endpoint_next(&list, out));
    assert_string_equal(out, "ipc://c");
    assert_false(endpoint_next(&list, out));
    char longer[400];
    memset(longer, 'x', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    list = longer;
    assert_true(endpoint_next(&list, out));
    assert_int_equal(endpoint_check(out, ENDPOINT_CONNECT, NULL), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_specifications),
        cmocka_unit_test(test_plain_in_the_open_is_refused),
        cmocka_unit_test(test_keys_allow_the_open),
        cmocka_unit_test(test_wildcards_are_seen_from_outside),
        cmocka_unit_test(test_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
