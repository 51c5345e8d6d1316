/* A worker with a configuration but without a listener: requests go in at one end of a socket pair,
 * the answer comes out. Single-stepped, so that nothing waits. */
#ifndef TESTS_UNIT_NODE_TARGET_SERVING_H
#define TESTS_UNIT_NODE_TARGET_SERVING_H

#include "node/backend/upstream.h"
#include "node/conf/build.h"
#include "node/deliver/channels.h"
#include "node/exchange/exchange.h"
#include "node/exchange/head_box.h"
#include "node/session/http1.h"
#include "node/session/jssocket.h"
#include "node/target/file_cache.h"
#include "node/worker.h"
#include "proto/base/buf.h"
#include "tests/unit/proto/model/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#define SERVING_BUFFER (32 << 10)

struct serving {
    struct worker worker;
    struct upstreams upstreams;
    struct channels channels;
    int client; /* -1: none */
    struct buf received;
};

/* Takes the model, which has a server of the name "main". */
static inline void serving_start(struct serving *s, struct model *m,
                                 const struct target_ops *const *kinds)
{
    struct worker *w = &s->worker;
    struct error e;
    *s = (struct serving){.client = -1, .received = BUF_INIT};
    assert_int_equal(loop_init(&w->loop), 0);
    deadlines_init(&w->deadlines, &w->loop);
    conns_init(&w->conns, &w->loop, &w->deadlines, SERVING_BUFFER);
    w->conns.owner = w;
    freelist_init(&w->exchanges, sizeof(struct exchange), 4);
    freelist_init(&w->blocks, 2048, 4);
    head_box_pool_init(&w->heads);
    http1_pool_init(&w->http1s);
    jssocket_pool_init(&w->jssockets);
    upstreams_init(&s->upstreams, &w->loop, &w->deadlines, &w->counters, SERVING_BUFFER);
    w->upstreams = &s->upstreams;
    channels_init(&s->channels);
    w->channels = &s->channels;
    assert_int_equal(model_freeze(m, &e), 0);
    const struct row *server = model_server_by_name(m, SLICE("main"));
    assert_non_null(server);
    if (build_snapshot(&w->snapshot, m, server, w, kinds, &e) != 0)
        fail_msg("%s", e.text);
    model_unref(m);
}

static inline void serving_disconnect(struct serving *s)
{
    if (s->client >= 0)
        close(s->client);
    s->client = -1;
    for (int i = 0; i < 3; i++)
        loop_step(&s->worker.loop);
}

static inline void serving_stop(struct serving *s)
{
    struct worker *w = &s->worker;
    serving_disconnect(s);
    conns_fini(&w->conns);
    channels_fini(&s->channels);
    snapshot_unref(w->snapshot);
    file_cache_destroy(w->files);
    upstreams_fini(&s->upstreams);
    deadlines_fini(&w->deadlines);
    loop_fini(&w->loop);
    freelist_fini(&w->exchanges);
    freelist_fini(&w->blocks);
    freelist_fini(&w->heads);
    freelist_fini(&w->http1s);
    freelist_fini(&w->jssockets);
    buf_fini(&w->scratch);
    buf_fini(&s->received);
}

static inline void serving_connect(struct serving *s)
{
    int ends[2];
    union conn_address peer = {.sa.sa_family = AF_UNIX};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    s->client = ends[0];
    assert_non_null(conn_create(&s->worker.conns, ends[1], &peer, &session_http1));
}

/* Lets the worker run until nothing more comes, and returns all that came. *ended (may be NULL):
 * the server has closed. */
static inline struct slice serving_receive(struct serving *s, bool *ended)
{
    char bytes[65536];
    buf_clear(&s->received);
    for (int quiet = 0; quiet < 4; quiet++) {
        loop_step(&s->worker.loop);
        ssize_t got = read(s->client, bytes, sizeof bytes);
        if (got > 0) {
            buf_append(&s->received, bytes, (size_t)got);
            quiet = 0;
        }
        if (ended != NULL)
            *ended = got == 0;
    }
    return buf_slice(&s->received);
}

/* Sends a request on the connection, making one when there is none. */
static inline struct slice serving_ask(struct serving *s, struct slice request, bool *ended)
{
    if (s->client < 0)
        serving_connect(s);
    assert_int_equal(write(s->client, request.ptr, request.len), request.len);
    return serving_receive(s, ended);
}

#endif
