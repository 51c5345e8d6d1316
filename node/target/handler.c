/* The head of the message is written while the request head is still there; the body, whose length
 * stands in front of it, is appended when it is whole. Bodies that are too large for that go as a
 * file or in parts. */

#include "node/target/handler.h"

#include "node/backend/classic.h"
#include "node/backend/handler_peer.h"
#include "node/backend/pool.h"
#include "node/deliver/registry.h"
#include "node/exchange/filter.h"
#include "node/exchange/raw_reply.h"
#include "node/exchange/reply.h"
#include "node/target/handler_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct handler_target {
    struct target base;
    struct backend_limits limits;
    uint8_t retries;
    bool raw_payload, nul;
};

static struct handler_target *of(struct target *t)
{
    return container_of(t, struct handler_target, base);
}

static void handler_destroy(struct target *t)
{
    handler_peer_unref(t->peer);
    free(of(t));
}

static void handler_activate(struct target *t)
{
    struct backend *b = t->peer->backend;
    b->ops->limit(b, &of(t)->limits);
    b->raw_payload = of(t)->raw_payload;
    b->nul = of(t)->nul;
}

/* --- requests --- */

static void on_failed(struct backend_request *r, int status)
{
    struct handler_state *s = container_of(r, struct handler_state, request);
    struct exchange *x = s->x;
    raw_reply_withdraw(x);
    if (x->reply_started) {
        reply_abort(x, status);
        return;
    }
    char wait[32] = "";
    if (status == 503)
        snprintf(wait, sizeof wait, "Retry-After: 1\r\n");
    reply_error(x, status, slice_str(wait));
}

/* The parts, and what ends a body, as one message. 0, or -1 when out of memory. */
static int make_message(zmq_msg_t *message, struct slice head, struct slice body)
{
    size_t len = head.len + body.len + 1;
    if (zmq_msg_init_size(message, len) != 0)
        return -1;
    char *at = zmq_msg_data(message);
    memcpy(at, head.ptr, head.len);
    if (body.len > 0)
        memcpy(at + head.len, body.ptr, body.len);
    at[len - 1] = ',';
    return 0;
}

void handler_send(struct exchange *x, struct slice head, struct slice body)
{
    struct handler_state *s = x->state;
    struct backend *b = x->target->peer->backend;
    if (handler_enlist(x->conn, x->target->peer) != 0 ||
        make_message(&s->request.message, head, body) != 0) {
        handler_give_up(x, 503);
        return;
    }
    s->request.conn_id = x->conn->id;
    s->request.answer_begun = &x->reply_started;
    s->request.retries_left = s->may_be_repeated ? of(x->target)->retries : 0;
    buf_fini(&s->message);
    raw_reply_expect(x);
    x->worker->counters.handler_requests++;
    filter_event(x, M2_REQ_SENT); /* one that closes is told to the handler like any other end */
    b->ops->send(b, &s->request);
}

bool handler_send_part(struct exchange *x, struct backend_poster *poster, struct slice head,
                       struct slice body)
{
    struct handler_state *s = x->state;
    struct backend *b = x->target->peer->backend;
    zmq_msg_t message;
    return make_message(&message, head, body) == 0 &&
           b->ops->part(b, &s->request, poster, &message);
}

void handler_give_up(struct exchange *x, int status)
{
    exchange_fail(x, status);
}

static void encode(const struct exchange *x, struct buf *out, size_t body_len)
{
    struct handler_message m;
    handler_message_of_request(&m, x, x->target->peer);
    handler_message_encode(out, &m, body_len);
}

/* --- bodies that go whole, in one message --- */

static void send_whole(struct exchange *x, struct slice body)
{
    struct buf *scratch = &x->worker->scratch;
    buf_clear(scratch);
    encode(x, scratch, body.len);
    if (scratch->failed) {
        handler_give_up(x, 503);
        return;
    }
    exchange_detach(x);
    handler_send(x, buf_slice(scratch), body);
}

static void fixed_body(struct exchange *x, struct slice piece, bool last)
{
    struct handler_state *s = x->state;
    buf_append_slice(&s->message, piece);
    if (s->message.failed)
        handler_give_up(x, 503);
    else if (last)
        handler_send(x, buf_slice(&s->message), SLICE_EMPTY);
}

/* How long it is shows in the end: up to the limit it may still go whole. */
static void chunked_body(struct exchange *x, struct slice piece, bool last)
{
    struct handler_state *s = x->state;
    const struct settings *settings = &x->snapshot->settings;
    bool is_large = s->body.len + piece.len > settings->content_length;
    if (is_large && settings->upload_file[0] == '\0') {
        handler_give_up(x, 413);
        return;
    }
    buf_append_slice(&s->body, piece);
    if (s->body.failed)
        handler_give_up(x, 503);
    else if (is_large)
        handler_upload_begin(x);
    else if (last)
        send_whole(x, buf_slice(&s->body));
}

static const struct handler_way fixed_way = {.body = fixed_body};
static const struct handler_way chunked_way = {.body = chunked_body};

static void collect_fixed(struct exchange *x, struct handler_state *s)
{
    s->way = &fixed_way;
    encode(x, &s->message, (size_t)x->head->content_length);
    exchange_want_body(x);
}

static void collect_chunked(struct exchange *x, struct handler_state *s)
{
    s->way = &chunked_way;
    if (exchange_keep_head(x) != 0)
        handler_give_up(x, 503);
    else
        exchange_want_body(x);
}

/* --- the exchange --- */

static void take_large(struct exchange *x)
{
    if (x->snapshot->settings.upload_file[0] == '\0')
        handler_give_up(x, 413);
    else if (exchange_keep_head(x) != 0)
        handler_give_up(x, 503);
    else
        handler_upload_begin(x);
}

static void take_body(struct exchange *x, struct handler_state *s)
{
    const struct settings *settings = &x->snapshot->settings;
    bool fits = !x->head->chunked && (uint64_t)x->head->content_length <= settings->content_length;
    if (fits)
        collect_fixed(x, s);
    else if (settings->upload_stream)
        handler_stream_begin(x);
    else if (x->head->chunked)
        collect_chunked(x, s);
    else
        take_large(x);
}

static void handler_start(struct target *t, struct exchange *x)
{
    (void)t; /* x->target */
    struct handler_state *s = arena_zalloc(&x->arena, sizeof *s);
    if (x->conn->id == 0)
        x->conn->handler_closed = false;
    if (s == NULL || registry_add(x->worker->registry, x->conn) != 0) {
        reply_error(x, 503, SLICE_EMPTY);
        return;
    }
    backend_request_init(&s->request, on_failed);
    s->x = x;
    s->may_be_repeated = request_method_is_idempotent(x->method_id);
    x->state = s;
    if (x->has_body)
        take_body(x, s);
    else
        send_whole(x, SLICE_EMPTY);
}

static void handler_body(struct exchange *x, struct slice piece, bool last)
{
    struct handler_state *s = x->state;
    s->way->body(x, piece, last);
}

static void handler_credit(struct exchange *x, int64_t bytes)
{
    struct handler_state *s = x->state;
    if (s != NULL && s->way != NULL && s->way->credit != NULL)
        s->way->credit(x, bytes);
}

/* Replies name the connection, not the request. One that may still come for a request that is
 * settled must not be taken for the answer to the next: the next goes out under another id. */
static void renounce_id(struct worker *w, struct conn *c)
{
    if (conn_is_closing(c))
        return;
    registry_remove(w->registry, c);
    c->flow_told = false;
    c->handler_closed = true; /* nobody knows it by the id it has now */
}

static void handler_release(struct exchange *x)
{
    struct handler_state *s = x->state;
    if (s == NULL)
        return;
    if (s->request.may_come_late)
        renounce_id(x->worker, x->conn);
    if (s->way != NULL && s->way->release != NULL)
        s->way->release(x);
    if (s->request.backend != NULL)
        s->request.backend->ops->done(s->request.backend, &s->request);
    buf_fini(&s->message);
    buf_fini(&s->body);
}

/* --- rows --- */

static struct backend *find_backend(const struct row *row, struct snapshot_build *b,
                                    const struct backend_limits *limits, struct error *e)
{
    if (row_text(row, HANDLER_POOL).len > 0) {
        struct pool_options o = {
            .name = row_str(row, HANDLER_POOL),
            .limits = *limits,
        };
        return pool_get(b->worker->backends, &o, e);
    }
    struct classic_options o = {
        .send_spec = row_str(row, HANDLER_SEND_SPEC),
        .recv_spec = row_str(row, HANDLER_RECV_SPEC),
        .identity = row_str(row, HANDLER_SEND_IDENT),
        .limits = *limits,
    };
    return classic_get(b->worker->backends, &o, e);
}

/* In a cluster several nodes run this row: requests carry the node's own UUID, so that a reply
 * finds the node that holds the listener (docs/reference/pool-protocol.md). */
static struct handler_peer *make_peer(const struct row *row, struct snapshot_build *b,
                                      const struct backend_limits *limits, struct error *e)
{
    bool is_pool = row_text(row, HANDLER_POOL).len > 0;
    bool own_ident = is_pool || b->worker->in_cluster;
    const char *ident = own_ident ? b->worker->uuid : row_str(row, HANDLER_SEND_IDENT);
    struct backend *backend = find_backend(row, b, limits, e);
    if (backend == NULL)
        return NULL;
    struct handler_peer *p = handler_peer_create(
        backend, ident, handler_format_from_name(row_text(row, HANDLER_PROTOCOL)), e);
    if (p == NULL || is_pool)
        return p;
    const char *recv_ident = row_str(row, HANDLER_RECV_IDENT);
    if (b->worker->in_cluster)
        recv_ident = b->worker->uuid;
    char *copy = strdup(recv_ident);
    if (copy == NULL || classic_subscribe(backend, copy, e) != 0) {
        free(copy);
        handler_peer_unref(p);
        return NULL;
    }
    p->recv_ident = copy;
    return p;
}

static int handler_create(struct target **out, const struct row *row, struct snapshot_build *b,
                          struct error *e)
{
    struct handler_target *t = calloc(1, sizeof *t);
    if (t == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    t->base.ops = &target_handler;
    t->retries = (uint8_t)row_int(row, HANDLER_RETRIES);
    t->limits = (struct backend_limits){
        .queue = (unsigned)row_int(row, HANDLER_QUEUE),
        .queue_timeout_ms = (unsigned)row_int(row, HANDLER_QUEUE_TIMEOUT) * 1000,
        .timeout_ms = (unsigned)row_int(row, HANDLER_TIMEOUT) * 1000,
    };
    t->raw_payload = row_int(row, HANDLER_RAW_PAYLOAD) == 1; /* exactly, as upstream */
    t->nul = row_int(row, HANDLER_NUL) != 0;
    t->base.peer = make_peer(row, b, &t->limits, e);
    if (t->base.peer == NULL) {
        free(t);
        return -1;
    }
    t->base.peer->websocket_messages = slice_eq(row_text(row, HANDLER_WEBSOCKET),
                                                SLICE("messages"));
    *out = &t->base;
    return 0;
}

const struct target_ops target_handler = {
    .kind = "handler",
    .table = TABLE_HANDLER,
    .create = handler_create,
    .activate = handler_activate,
    .destroy = handler_destroy,
    .start = handler_start,
    .body = handler_body,
    .credit = handler_credit,
    .half_close_cancels = true,
    .release = handler_release,
};
