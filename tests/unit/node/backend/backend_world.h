/* Backends on a loop with real ZeroMQ sockets, and requests that note what becomes of them. Nothing
 * sleeps: world_until() runs the loop until something is true. */
#ifndef TESTS_UNIT_NODE_BACKEND_BACKEND_WORLD_H
#define TESTS_UNIT_NODE_BACKEND_BACKEND_WORLD_H

#include "node/backend/backend.h"
#include "proto/base/buf.h"
#include "proto/base/clock.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define WORLD_PATIENCE_MS 10000
#define WORLD_NODE        "11111111-2222-4333-8444-555555555555"
#define WORLD_CLUSTER     "99999999-2222-4333-8444-555555555555"

struct backend_world {
    struct loop loop;
    struct counters counters;
    struct backends backends;
    void *zmq;
    struct buf replies; /* the messages that came, each with a LF */
    unsigned reply_count;
    struct backend *origin;
};

static struct backend_world world;

static inline void world_reply(void *arg, struct backend *origin, zmq_msg_t *message)
{
    (void)arg;
    buf_append(&world.replies, zmq_msg_data(message), zmq_msg_size(message));
    buf_append_char(&world.replies, '\n');
    world.reply_count++;
    world.origin = origin;
}

static inline void world_start(void)
{
    memset(&world, 0, sizeof world);
    world.replies = BUF_INIT;
    assert_int_equal(loop_init(&world.loop), 0);
    world.zmq = zmq_ctx_new();
    struct backend_upcall up = {.reply = world_reply};
    backends_init(&world.backends, &world.loop, world.zmq, &world.counters, &up);
    world.backends.handler_spec = "tcp://127.0.0.1:*";
    snprintf(world.backends.node_uuid, sizeof world.backends.node_uuid, WORLD_NODE);
    snprintf(world.backends.cluster_uuid, sizeof world.backends.cluster_uuid, WORLD_CLUSTER);
}

static inline void world_stop(void)
{
    backends_fini(&world.backends);
    zmq_ctx_term(world.zmq);
    loop_fini(&world.loop);
    buf_fini(&world.replies);
}

/* One turn; a moment for ZeroMQ's thread. */
static inline void world_turn(void)
{
    loop_step(&world.loop);
    poll(NULL, 0, 1);
}

#define world_until(condition)                                             \
    do {                                                                   \
        uint64_t world_begin_ms = clock_monotonic_ms();                    \
        while (!(condition)) {                                             \
            if (clock_monotonic_ms() - world_begin_ms > WORLD_PATIENCE_MS) \
                fail_msg("waited in vain for: %s", #condition);            \
            world_turn();                                                  \
        }                                                                  \
    } while (0)

/* Long enough for what should not happen. */
static inline void world_quiet(void)
{
    for (int i = 0; i < 30; i++)
        world_turn();
}

/* A request, and how it failed. */
struct world_request {
    struct backend_request request;
    int status; /* of failed; 0: it did not */
    bool answer_begun;
};

static inline void world_failed(struct backend_request *r, int status)
{
    struct world_request *w = container_of(r, struct world_request, request);
    assert_int_equal(w->status, 0); /* once */
    w->status = status;
}

static inline void world_send(struct backend *b, struct world_request *w, const char *text,
                              unsigned retries)
{
    memset(w, 0, sizeof *w);
    backend_request_init(&w->request, world_failed);
    w->request.answer_begun = &w->answer_begun;
    w->request.retries_left = (uint8_t)retries;
    assert_int_equal(zmq_msg_init_size(&w->request.message, strlen(text)), 0);
    memcpy(zmq_msg_data(&w->request.message), text, strlen(text));
    b->ops->send(b, &w->request);
}

static inline void world_done(struct backend *b, struct world_request *w)
{
    b->ops->done(b, &w->request);
}

static inline void world_notice(struct backend *b, const char *text)
{
    zmq_msg_t message;
    assert_int_equal(zmq_msg_init_size(&message, strlen(text)), 0);
    memcpy(zmq_msg_data(&message), text, strlen(text));
    b->ops->notice(b, &message);
}

/* The next message of a socket, NULL when none waits; good until the next call. */
static inline const char *world_receive(void *socket)
{
    static char text[4096];
    int len = zmq_recv(socket, text, sizeof text - 1, ZMQ_DONTWAIT);
    if (len < 0)
        return NULL;
    text[len] = '\0';
    return text;
}

#endif
