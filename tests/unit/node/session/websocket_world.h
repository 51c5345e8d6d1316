/* A worker with two routes to handlers, /raw and /messages, whose backend keeps what it is given:
 * messages settle at once, or wait until the test says so. */
#ifndef TESTS_UNIT_NODE_SESSION_WEBSOCKET_WORLD_H
#define TESTS_UNIT_NODE_SESSION_WEBSOCKET_WORLD_H

#include "node/backend/backend_post.h"
#include "node/backend/handler_peer.h"
#include "node/deliver/registry.h"
#include "proto/base/clock.h"
#include "proto/http/ws_deflate.h"
#include "proto/http/ws_frame.h"
#include "tests/unit/node/target/serving.h"

#include <signal.h>

#define WS_KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define WS_HANDSHAKE_OF(path, more)                                                          \
    "GET " path " HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
    "Sec-WebSocket-Key: " WS_KEY "\r\nSec-WebSocket-Version: 13\r\n" more "\r\n"

static struct ws_world {
    struct serving serving;
    struct backends backends;
    struct backend *backend;
    struct handler_peer *raw, *messages;
    struct conn *conn;   /* the only one; NULL once it is gone */
    struct list waiting; /* of struct backend_request */
    struct buf told;     /* "FLAGS:BODY|", "HANDSHAKE:BODY|" of what left, "disconnect|" */
    struct buf last;     /* the last of them, whole */
    uint64_t now_us;
    unsigned sent, done;
    bool holds;
} ws_world;

/* What the handler is told, without all that does not change. */
static inline void ws_note(zmq_msg_t *message)
{
    struct slice text = slice_of(zmq_msg_data(message), zmq_msg_size(message));
    char *copy = calloc(1, text.len + 1);
    memcpy(copy, text.ptr, text.len);
    buf_clear(&ws_world.last);
    buf_append_slice(&ws_world.last, text);
    const char *flags = strstr(copy, "\"FLAGS\":\""), *end = strstr(copy, "},");
    if (flags != NULL)
        buf_printf(&ws_world.told, "%.4s:", flags + strlen("\"FLAGS\":\""));
    else
        buf_append_str(&ws_world.told, "HANDSHAKE:");
    size_t from = (size_t)(end + 2 - copy), len = (size_t)strtoul(copy + from, NULL, 10);
    from += slice_find(slice_from(text, from), ':') + 1;
    assert_int_equal(text.len, from + len + 1);
    buf_append(&ws_world.told, text.ptr + from, len);
    buf_append_char(&ws_world.told, '|');
    free(copy);
}

static inline void ws_settle(struct backend_request *r)
{
    list_remove(&r->link);
    list_init(&r->link);
    ws_world.backend->figures.queued_now--;
    ws_note(&r->message);
    if (r->one_way)
        backend_post_delivered(r);
}

static inline void ws_send(struct backend *b, struct backend_request *r)
{
    r->backend = b;
    b->figures.queued_now++;
    ws_world.sent++;
    list_push_back(&ws_world.waiting, &r->link);
    if (!ws_world.holds)
        ws_settle(r);
}

static inline void ws_done(struct backend *b, struct backend_request *r)
{
    ws_world.done++;
    b->figures.queued_now -= !list_is_empty(&r->link);
    list_remove(&r->link);
    list_init(&r->link);
    zmq_msg_close(&r->message);
    zmq_msg_init(&r->message);
}

static inline void ws_notice(struct backend *b, zmq_msg_t *message)
{
    (void)b;
    buf_append_str(&ws_world.told, "disconnect|");
    zmq_msg_close(message);
}

static inline void ws_destroy(struct backend *b)
{
    free(b);
}

static const struct backend_ops ws_backend_ops = {
    .kind = "test",
    .send = ws_send,
    .done = ws_done,
    .notice = ws_notice,
    .destroy = ws_destroy,
};

static inline void ws_release_all(unsigned count)
{
    while (count-- > 0 && !list_is_empty(&ws_world.waiting))
        ws_settle(container_of(ws_world.waiting.next, struct backend_request, link));
}

static inline void ws_refuse_all(int status)
{
    for (struct list *it; (it = list_pop_front(&ws_world.waiting)) != NULL;) {
        struct backend_request *r = container_of(it, struct backend_request, link);
        list_init(&r->link);
        ws_world.backend->figures.queued_now--;
        zmq_msg_close(&r->message);
        zmq_msg_init(&r->message);
        r->failed(r, status);
    }
}

static inline void ws_target_destroy(struct target *t)
{
    handler_peer_unref(t->peer);
    free(t);
}

static inline void ws_target_start(struct target *t, struct exchange *x)
{
    (void)t;
    reply_whole(x, 200, SLICE_EMPTY, SLICE("http"));
}

static inline int ws_target_create(struct target **out, const struct row *row,
                                   struct snapshot_build *b, struct error *e);

static const struct target_ops ws_target_ops = {
    .kind = "status",
    .table = TABLE_STATUS,
    .create = ws_target_create,
    .destroy = ws_target_destroy,
    .start = ws_target_start,
};

static inline int ws_target_create(struct target **out, const struct row *row,
                                   struct snapshot_build *b, struct error *e)
{
    (void)b, (void)e;
    bool messages = strcmp(row_str(row, STATUS_WHAT), "messages") == 0;
    struct target *t = calloc(1, sizeof *t);
    t->ops = &ws_target_ops;
    t->peer = handler_peer_ref(messages ? ws_world.messages : ws_world.raw);
    *out = t;
    return 0;
}

static const struct target_ops *const ws_kinds[] = {&ws_target_ops, NULL};

static inline void ws_on_closed(struct conns *set, struct conn *c)
{
    struct worker *w = set->owner;
    struct handler_peer *peer = c->handler;
    if (peer != NULL && !c->handler_closed)
        handler_peer_disconnected(peer, c->id);
    handler_peer_unref(peer);
    c->handler = NULL;
    registry_remove(w->registry, c);
    ws_world.conn = NULL;
}

static inline struct model *ws_site(const char *const *settings)
{
    struct model *m = model_create(NULL);
    fixture_server(m, "main", 0);
    fixture_row(m, TABLE_HOST, "id=1", "server_id=1", "name=a.test", NULL);
    fixture_row(m, TABLE_STATUS, "what=raw", NULL);
    fixture_row(m, TABLE_STATUS, "what=messages", NULL);
    fixture_row(m, TABLE_ROUTE, "path=/raw", "host_id=1", "target_id=1", "target_type=status",
                "request_timeout=20", NULL);
    fixture_row(m, TABLE_ROUTE, "path=/messages", "host_id=1", "target_id=2", "target_type=status",
                NULL);
    for (; settings != NULL && *settings != NULL; settings += 2)
        fixture_row(m, TABLE_SETTING, settings[0], settings[1], NULL);
    return m;
}

/* Settings are pairs of "key=…" and "value=…", ended by NULL. */
static inline void ws_start(const char *const *settings)
{
    struct error e;
    struct backend_upcall up = {NULL, NULL};
    struct worker *w = &ws_world.serving.worker;
    ws_world = (struct ws_world){.now_us = 1000000000, .told = BUF_INIT};
    signal(SIGPIPE, SIG_IGN); /* as the server does */
    clock_fake(ws_world.now_us, 1700000000000);
    list_init(&ws_world.waiting);
    backends_init(&ws_world.backends, &w->loop, NULL, &w->counters, &up);
    ws_world.backend = calloc(1, sizeof *ws_world.backend);
    assert_int_equal(backend_enter(&ws_world.backends, ws_world.backend, &ws_backend_ops, "b"), 0);
    ws_world.raw = handler_peer_create(ws_world.backend, "ident", HANDLER_JSON, &e);
    ws_world.messages = handler_peer_create(backend_ref(ws_world.backend), "ident", HANDLER_JSON,
                                            &e);
    ws_world.messages->websocket_messages = true;
    serving_start(&ws_world.serving, ws_site(settings), ws_kinds);
    w->registry = registry_create(7, &e);
    w->conns.on_closed = ws_on_closed;
}

static inline void ws_stop(void)
{
    struct worker *w = &ws_world.serving.worker;
    serving_disconnect(&ws_world.serving);
    conns_fini(&w->conns);
    ws_release_all(UINT32_MAX);
    ws_deflate_destroy(w->ws_deflate);
    registry_destroy(w->registry);
    serving_stop(&ws_world.serving);
    handler_peer_unref(ws_world.raw);
    handler_peer_unref(ws_world.messages);
    backends_fini(&ws_world.backends);
    buf_fini(&ws_world.told);
    buf_fini(&ws_world.last);
    clock_fake_stop();
}

/* Time passes; what is due happens. */
static inline void ws_wait(uint64_t seconds)
{
    struct worker *w = &ws_world.serving.worker;
    ws_world.now_us += seconds * 1000000;
    clock_fake(ws_world.now_us, 1700000000000);
    loop_step(&w->loop);
    deadlines_advance(&w->deadlines);
    loop_step(&w->loop);
    loop_step(&w->loop);
}

/* A client's frame with the mask 1 2 3 4, behind what is in `out`. */
static inline void ws_frame(struct buf *out, uint8_t first, struct slice payload)
{
    char head[WS_HEAD_ROOM];
    size_t len = ws_frame_write(head, first, payload.len);
    head[1] = (char)(head[1] | 0x80);
    buf_append(out, head, len);
    uint32_t mask;
    memcpy(&mask, "\1\2\3\4", 4);
    buf_append(out, "\1\2\3\4", 4);
    buf_reserve(out, payload.len);
    ws_unmask(out->data + out->len, payload.ptr, payload.len, mask);
    out->len += payload.len;
}

#endif
