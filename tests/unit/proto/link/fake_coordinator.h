/* A coordinator for tests of callers: a thread with a ROUTER that answers by verb.
 *
 *   head  one row           push   two reports, then one row      diff  an error with one row
 *   stats no answer         note, log  closes its socket          check "ask the leader" (if set)
 *   leave an error without seq, then asks `control` of the client and keeps its answer
 */
#ifndef TESTS_FAKE_COORDINATOR_H
#define TESTS_FAKE_COORDINATOR_H

#include "proto/link/endpoint.h"
#include "proto/wire/cluster_msg.h"
#include "proto/wire/cluster_reply.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

struct fake_coordinator {
    void *zmq;
    void *router;
    pthread_t thread;
    char spec[ENDPOINT_MAX];
    const char *name;
    const char *leader;  /* spec of another */
    atomic_uint asked;   /* requests seen */
    atomic_uint answers; /* answers of the client to control */
    char peer[256];
    int peer_len;
};

static void fake_send(struct fake_coordinator *f, struct buf *b)
{
    zmq_send(f->router, f->peer, (size_t)f->peer_len, ZMQ_SNDMORE);
    zmq_send(f->router, b->data, b->len, 0);
    buf_clear(b);
}

static void fake_table(struct fake_coordinator *f, struct buf *b, int64_t seq, const char *progress)
{
    static const char *const headers[] = {"name", NULL};
    struct cluster_table_writer w;
    cluster_table_begin(&w, b, seq, progress, headers);
    cluster_row_begin(&w);
    tns_put_str(b, f->name);
    cluster_row_end(&w);
    cluster_table_end(&w);
    fake_send(f, b);
}

/* False: the coordinator dies. */
static bool fake_answer(struct fake_coordinator *f, const struct cluster_request *r, struct buf *b)
{
    static const char *const headers[] = {"why", NULL};
    struct cluster_table_writer w;
    struct error e;
    switch (r->verb) {
    case CLUSTER_HEAD: fake_table(f, b, r->seq, NULL); return true;
    case CLUSTER_PUSH:
        fake_table(f, b, r->seq, "checked");
        fake_table(f, b, r->seq, "stored");
        fake_table(f, b, r->seq, NULL);
        return true;
    case CLUSTER_DIFF:
        error_set_object(&e, ERROR_CONFLICT, "commit 3", "The base has moved.");
        cluster_error_begin(&w, b, r->seq, &e, headers);
        cluster_row_begin(&w);
        tns_put_str(b, "because");
        cluster_row_end(&w);
        cluster_table_end(&w);
        fake_send(f, b);
        return true;
    case CLUSTER_CHECK:
        if (f->leader == NULL) {
            fake_table(f, b, r->seq, NULL);
            return true;
        }
        error_set(&e, ERROR_REFUSED, "This coordinator is not the leader.");
        cluster_error_put(b, r->seq, &e, f->leader);
        fake_send(f, b);
        return true;
    case CLUSTER_LEAVE:
        error_set(&e, ERROR_NOT_FOUND, "Join first.");
        cluster_error_put(b, 0, &e, NULL);
        fake_send(f, b);
        buf_append_str(b, "32:7:control,18:7:request,4:0:0:,}]");
        fake_send(f, b);
        return true;
    case CLUSTER_STATS: return true;
    default: return false;
    }
}

static void *fake_run(void *arg)
{
    struct fake_coordinator *f = arg;
    struct buf b = BUF_INIT;
    struct arena a;
    char message[4096];
    arena_init(&a, 0);
    for (bool alive = true; alive;) {
        struct cluster_request r;
        f->peer_len = zmq_recv(f->router, f->peer, sizeof f->peer, 0);
        if (f->peer_len < 0)
            break;
        int len = zmq_recv(f->router, message, sizeof message, 0);
        if (len == 4 && memcmp(message, "stop", 4) == 0)
            break;
        arena_reset(&a);
        if (cluster_request_decode(&r, slice_of(message, (size_t)len), sizeof message, &a, NULL) !=
            0) {
            atomic_fetch_add(&f->answers, 1);
            continue;
        }
        atomic_fetch_add(&f->asked, 1);
        alive = fake_answer(f, &r, &b);
    }
    zmq_close(f->router);
    arena_fini(&a);
    buf_fini(&b);
    return NULL;
}

static int fake_start(struct fake_coordinator *f, const char *name)
{
    int none = 0;
    memset(f, 0, sizeof *f);
    f->name = name;
    f->zmq = zmq_ctx_new();
    f->router = zmq_socket(f->zmq, ZMQ_ROUTER);
    zmq_setsockopt(f->router, ZMQ_LINGER, &none, sizeof none);
    if (endpoint_bind(f->router, "tcp://127.0.0.1:*", NULL, f->spec, NULL) != 0)
        return -1;
    return pthread_create(&f->thread, NULL, fake_run, f);
}

static void fake_stop(struct fake_coordinator *f)
{
    void *stop = zmq_socket(f->zmq, ZMQ_DEALER);
    int linger = 0;
    zmq_setsockopt(stop, ZMQ_LINGER, &linger, sizeof linger);
    zmq_connect(stop, f->spec);
    zmq_send(stop, "stop", 4, 0);
    pthread_join(f->thread, NULL);
    zmq_close(stop);
    zmq_ctx_term(f->zmq);
}

#endif
