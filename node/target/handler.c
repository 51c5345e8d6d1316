/* The head of the message is written while the request head is still there; the body, whose length
 * stands in front of it, is appended when it is whole. */

#include "node/target/handler.h"

#include "node/backend/classic.h"
#include "node/backend/handler_peer.h"
#include "node/backend/pool.h"
#include "node/deliver/registry.h"
#include "node/exchange/exchange.h"
#include "node/exchange/handler_message.h"
#include "node/exchange/raw_reply.h"
#include "node/exchange/reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct handler_target {
    struct target base;
    struct backend_limits limits;
    uint8_t retries;
    bool raw_payload, nul;
};

/* One request of an exchange; lives in the exchange's arena. */
struct handler_state {
    struct backend_request request;
    struct exchange *x;
    struct buf message; /* while a body is collected: everything up to the body */
    struct buf body;    /* chunked bodies, whose length comes last */
    size_t body_len;    /* announced; 0 when chunked */
    bool chunked;
    bool idempotent;
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

static void encode(const struct exchange *x, struct buf *out, size_t body_len)
{
    struct handler_message m;
    handler_message_of_request(&m, x, x->target->peer);
    handler_message_encode(out, &m, body_len);
}

/* Copies the parts into one message and hands it to the backend. */
static void dispatch(struct exchange *x, struct handler_state *s, struct slice head,
                     struct slice body)
{
    struct backend *b = x->target->peer->backend;
    size_t len = head.len + body.len + 1;
    if (handler_enlist(x->conn, x->target->peer) != 0 ||
        zmq_msg_init_size(&s->request.message, len) != 0) {
        reply_error(x, 503, SLICE_EMPTY);
        return;
    }
    char *at = zmq_msg_data(&s->request.message);
    memcpy(at, head.ptr, head.len);
    if (body.len > 0)
        memcpy(at + head.len, body.ptr, body.len);
    at[len - 1] = ',';
    s->request.conn_id = x->conn->id;
    s->request.answer_begun = &x->reply_started;
    s->request.retries_left = s->idempotent ? of(x->target)->retries : 0;
    buf_fini(&s->message);
    buf_fini(&s->body);
    raw_reply_expect(x);
    x->worker->counters.handler_requests++;
    b->ops->send(b, &s->request);
}

static void refuse_body(struct exchange *x)
{
    x->keep_alive = false;
    reply_error(x, 413, SLICE_EMPTY);
}

static void collect_body(struct exchange *x, struct handler_state *s, size_t body_len)
{
    s->body_len = body_len;
    s->chunked = x->head->chunked;
    struct buf *into = s->chunked ? &s->body : &s->message;
    into->max = s->chunked ? x->snapshot->settings.content_length : 0;
    encode(x, &s->message, body_len);
    exchange_want_body(x);
}

static void handler_start(struct target *t, struct exchange *x)
{
    (void)t; /* x->target */
    const struct request_head *h = x->head;
    struct handler_state *s = arena_zalloc(&x->arena, sizeof *s);
    if (x->conn->id == 0)
        x->conn->handler_closed = false;
    if (s == NULL || registry_add(x->worker->registry, x->conn) != 0) {
        reply_error(x, 503, SLICE_EMPTY);
        return;
    }
    backend_request_init(&s->request, on_failed);
    s->x = x;
    s->idempotent = request_method_is_idempotent(h->method_id);
    x->state = s;
    if (h->content_length > 0 &&
        (uint64_t)h->content_length > x->snapshot->settings.content_length) {
        refuse_body(x);
    } else if (h->has_body) {
        collect_body(x, s, h->chunked ? 0 : (size_t)h->content_length);
    } else {
        struct buf *scratch = &x->worker->scratch;
        buf_clear(scratch);
        encode(x, scratch, 0);
        if (scratch->failed) {
            reply_error(x, 503, SLICE_EMPTY);
            return;
        }
        exchange_detach(x);
        dispatch(x, s, buf_slice(scratch), SLICE_EMPTY);
    }
}

/* The message was begun for a body of length 0: its last bytes are "0:" and give way to the real
 * length. */
static void put_chunked_length(struct handler_state *s)
{
    s->message.len -= 2;
    buf_append_uint(&s->message, s->body.len);
    buf_append_char(&s->message, ':');
}

static void handler_body(struct exchange *x, struct slice piece, bool last)
{
    struct handler_state *s = x->state;
    struct buf *into = s->chunked ? &s->body : &s->message;
    buf_append_slice(into, piece);
    if (into->failed) {
        refuse_body(x);
        return;
    }
    if (!last)
        return;
    if (s->chunked)
        put_chunked_length(s);
    if (s->message.failed)
        exchange_fail(x, 503);
    else
        dispatch(x, s, buf_slice(&s->message), s->chunked ? buf_slice(&s->body) : SLICE_EMPTY);
}

/* Replies name the connection, not the request. One that may still come for a request that is
 * settled must not be taken for the answer to the next: the next goes out under another id. */
static void renounce_id(struct worker *w, struct conn *c)
{
    if (conn_is_closing(c))
        return;
    registry_remove(w->registry, c);
    c->handler_closed = true; /* nobody knows it by the id it has now */
}

static void handler_release(struct exchange *x)
{
    struct handler_state *s = x->state;
    if (s == NULL)
        return;
    if (s->request.may_come_late)
        renounce_id(x->worker, x->conn);
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
    .half_close_cancels = true,
    .release = handler_release,
};
