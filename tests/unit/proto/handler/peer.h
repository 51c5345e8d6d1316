/* The other side of a handler in unit tests: sockets of the test itself, on a free port, driven in
 * the same thread. Header-only, as each unit test is one source file. */
#ifndef TESTS_UNIT_PROTO_HANDLER_PEER_H
#define TESTS_UNIT_PROTO_HANDLER_PEER_H

#include "proto/base/clock.h"
#include "proto/base/slice.h"
#include "proto/handler/m2handler.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

#include <cmocka.h>

#define PATIENCE_MS  5000 /* far more than anything takes */
#define PEER_FRAMES  6
#define PEER_BYTES   4096
#define ENDPOINT_LEN 64

/* A bound socket and where. */
static void *peer_bind(void *context, int type, char endpoint[ENDPOINT_LEN])
{
    void *socket = zmq_socket(context, type);
    int linger = 0;
    size_t len = ENDPOINT_LEN;
    assert_non_null(socket);
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    assert_int_equal(zmq_bind(socket, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &len), 0);
    return socket;
}

struct peer_message {
    size_t count;
    size_t lens[PEER_FRAMES];
    char bytes[PEER_FRAMES][PEER_BYTES];
};

static inline struct slice peer_frame(const struct peer_message *m, size_t i)
{
    assert_true(i < m->count);
    return slice_of(m->bytes[i], m->lens[i]);
}

/* The next message, or false at once. */
static bool peer_try(void *socket, struct peer_message *m)
{
    int more = 1;
    size_t size = sizeof more;
    for (m->count = 0; more; m->count++) {
        assert_true(m->count < PEER_FRAMES);
        int len = zmq_recv(socket, m->bytes[m->count], PEER_BYTES, ZMQ_DONTWAIT);
        if (len < 0)
            return false;
        assert_true(len <= PEER_BYTES);
        m->lens[m->count] = (size_t)len;
        zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size);
    }
    return true;
}

/* The next message; meanwhile `h` (may be NULL) is driven, and must not receive a request. */
static void peer_recv(void *socket, struct m2_handler *h, struct peer_message *m)
{
    uint64_t until_ms = clock_monotonic_ms() + PATIENCE_MS;
    while (!peer_try(socket, m)) {
        if (clock_monotonic_ms() > until_ms)
            fail_msg("nothing came");
        struct m2_request *r = NULL;
        if (h != NULL)
            m2_recv(h, &r, 0, NULL);
        assert_null(r);
        zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
        zmq_poll(&item, 1, 2);
    }
}

static inline void peer_send(void *socket, const struct slice *frames, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_true(
            zmq_send(socket, frames[i].ptr, frames[i].len, i + 1 < count ? ZMQ_SNDMORE : 0) >= 0);
}

/* The next request. Meanwhile `socket` is looked at, because a bound ZeroMQ socket takes notice of
 * those who connect (and sends them its subscriptions) only when it is used. */
static inline struct m2_request *peer_request(struct m2_handler *h, void *socket)
{
    uint64_t until_ms = clock_monotonic_ms() + PATIENCE_MS;
    struct m2_request *r = NULL;
    struct m2_error e = {M2_ERROR_NONE, ""};
    while (m2_recv(h, &r, 2, &e) == 0 && clock_monotonic_ms() < until_ms) {
        zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
        zmq_poll(&item, 1, 0);
    }
    if (r == NULL)
        fail_msg("no request came: %s", e.text);
    return r;
}

static inline bool peer_eq(struct m2_slice got, const char *want)
{
    return m2_equal(got, want);
}

#endif
