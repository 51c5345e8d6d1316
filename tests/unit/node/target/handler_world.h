/* A worker whose only route leads to a handler behind a backend that does what the test says:
 * messages are kept, nothing is sent. Single-stepped. */
#ifndef TESTS_UNIT_NODE_TARGET_HANDLER_WORLD_H
#define TESTS_UNIT_NODE_TARGET_HANDLER_WORLD_H

#include "node/backend/backend_post.h"
#include "node/backend/handler_peer.h"
#include "node/deliver/registry.h"
#include "node/target/handler.h"
#include "proto/link/evwork.h"
#include "proto/wire/handler_message.h"
#include "tests/unit/node/target/serving.h"

struct handler_world {
    struct serving serving;
    struct backends backends;
    struct backend backend;
    struct backend_request *request; /* the last; NULL when it is done */
    struct buf message;              /* of it, or the last part */
    struct buf content;              /* of a stream: bodies of the first message and the parts */
    unsigned requests, parts, last_parts, notices;
    struct backend_poster *poster; /* of the last part */
    bool takes;                    /* requests at once */
    bool refuses_parts;
};

static struct handler_world *building;

static inline struct handler_world *handler_world_of(struct backend *b)
{
    return container_of(b, struct handler_world, backend);
}

static inline struct slice handler_world_body(const struct buf *message)
{
    struct handler_message m;
    if (handler_message_parse(buf_slice(message), &m, NULL) != 0)
        fail_msg("no message: %s", buf_str(message));
    return m.body;
}

/* Whether a header of this name is there; a body may hold the same bytes. */
static inline bool handler_world_has_header(const struct buf *message, const char *quoted)
{
    const char *at = strstr(buf_str(message), quoted);
    return at != NULL && at < handler_world_body(message).ptr;
}

static inline void handler_world_keep(struct handler_world *w, zmq_msg_t *message)
{
    buf_clear(&w->message);
    buf_append(&w->message, zmq_msg_data(message), zmq_msg_size(message));
    if (handler_world_has_header(&w->message, "\"UPLOAD_STREAM\""))
        buf_append_slice(&w->content, handler_world_body(&w->message));
    w->last_parts += handler_world_has_header(&w->message, "\"UPLOAD_STREAM_DONE\"");
}

static inline void handler_world_send(struct backend *b, struct backend_request *r)
{
    struct handler_world *w = handler_world_of(b);
    r->backend = b;
    w->request = r;
    w->requests++;
    handler_world_keep(w, &r->message);
    if (w->takes)
        backend_request_taken(r);
}

static inline void handler_world_done(struct backend *b, struct backend_request *r)
{
    struct handler_world *w = handler_world_of(b);
    if (w->request == r)
        w->request = NULL;
    zmq_msg_close(&r->message);
}

static inline bool handler_world_part(struct backend *b, struct backend_request *first,
                                      struct backend_poster *poster, zmq_msg_t *message)
{
    struct handler_world *w = handler_world_of(b);
    assert_ptr_equal(first, w->request);
    if (!w->refuses_parts) {
        w->parts++;
        w->poster = poster;
        handler_world_keep(w, message);
    }
    zmq_msg_close(message);
    return !w->refuses_parts;
}

static inline void handler_world_notice(struct backend *b, zmq_msg_t *message)
{
    handler_world_of(b)->notices++;
    zmq_msg_close(message);
}

static inline void handler_world_limit(struct backend *b, const struct backend_limits *limits)
{
    (void)b, (void)limits;
}

static inline void handler_world_gone(struct backend *b)
{
    (void)b;
}

static const struct backend_ops handler_world_ops = {
    .kind = "pool",
    .send = handler_world_send,
    .done = handler_world_done,
    .part = handler_world_part,
    .notice = handler_world_notice,
    .limit = handler_world_limit,
    .destroy = handler_world_gone,
};

static inline void handler_world_closed(struct conns *set, struct conn *c)
{
    struct worker *w = set->owner;
    handler_peer_unref(c->handler);
    c->handler = NULL;
    registry_remove(w->registry, c);
}

/* The real target, whose pool is found among the backends. */
static inline int handler_world_create(struct target **out, const struct row *row,
                                       struct snapshot_build *b, struct error *e)
{
    struct worker *w = b->worker;
    w->backends = &building->backends;
    w->registry = registry_create(7, e);
    w->conns.on_closed = handler_world_closed;
    snprintf(w->uuid, sizeof w->uuid, "node");
    return target_handler.create(out, row, b, e);
}

static inline void handler_world_setting(struct model *m, const char *key, const char *value)
{
    char k[64], v[128];
    snprintf(k, sizeof k, "key=%s", key);
    snprintf(v, sizeof v, "value=%s", value);
    fixture_row(m, TABLE_SETTING, k, v, NULL);
}

/* `settings`: key, value, …, NULL. */
static inline void handler_world_start(struct handler_world *w, const char *const *settings)
{
    static struct target_ops kind;
    static const struct target_ops *const kinds[] = {&kind, NULL};
    struct backend_upcall none = {NULL, NULL};
    *w = (struct handler_world){.takes = true};
    kind = target_handler;
    kind.create = handler_world_create;
    building = w;
    struct model *m = model_create(NULL);
    fixture_server(m, "main", 0);
    fixture_row(m, TABLE_HOST, "id=1", "server_id=1", "name=a.test", NULL);
    fixture_row(m, TABLE_HANDLER, "pool=fake", NULL);
    fixture_row(m, TABLE_ROUTE, "path=/", "host_id=1", "target_id=1", "target_type=handler", NULL);
    for (; *settings != NULL; settings += 2)
        handler_world_setting(m, settings[0], settings[1]);
    backends_init(&w->backends, &w->serving.worker.loop, NULL, &w->serving.worker.counters, &none);
    assert_int_equal(backend_enter(&w->backends, &w->backend, &handler_world_ops, "pool fake"), 0);
    serving_start(&w->serving, m, kinds);
}

static inline void handler_world_stop(struct handler_world *w)
{
    struct worker *worker = &w->serving.worker;
    serving_disconnect(&w->serving);
    conns_fini(&worker->conns); /* serving_stop finds none */
    conns_init(&worker->conns, &worker->loop, &worker->deadlines, SERVING_BUFFER);
    evwork_destroy(&worker->uploads);
    registry_destroy(worker->registry);
    serving_stop(&w->serving);
    backend_unref(&w->backend);
    backends_fini(&w->backends);
    buf_fini(&w->message);
    buf_fini(&w->content);
}

static inline struct conn *handler_world_conn(struct handler_world *w)
{
    struct list *all = &w->serving.worker.conns.all;
    return list_is_empty(all) ? NULL : container_of(all->next, struct conn, link);
}

/* Turns of the loop, and all that the side thread has to do. */
static inline void handler_world_turns(struct handler_world *w)
{
    for (int i = 0; i < 4; i++) {
        loop_step(&w->serving.worker.loop);
        if (w->serving.worker.uploads != NULL)
            evwork_drain(w->serving.worker.uploads);
    }
}

static inline void handler_world_say(struct handler_world *w, struct slice bytes)
{
    if (w->serving.client < 0)
        serving_connect(&w->serving);
    assert_int_equal(write(w->serving.client, bytes.ptr, bytes.len), bytes.len);
    handler_world_turns(w);
}

static inline void handler_world_reply(struct handler_world *w, const char *bytes)
{
    struct conn *c = handler_world_conn(w);
    struct push push = {.bytes = slice_str(bytes)};
    assert_non_null(c);
    c->session->push(c, &push);
    handler_world_turns(w);
}

static inline void handler_world_credit(struct handler_world *w, int64_t bytes)
{
    struct conn *c = handler_world_conn(w);
    assert_non_null(c);
    c->session->credit(c, bytes);
    handler_world_turns(w);
}

#endif
