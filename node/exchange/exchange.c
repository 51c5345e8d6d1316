/* The steps admit, route, serve, reply, log. All early ends go through exchange_end, so that there
 * is one place that logs, counts and lets go. */

#include "node/exchange/exchange.h"

#include "node/backend/handler_peer.h"
#include "node/exchange/access_log.h"
#include "node/exchange/filter.h"
#include "node/exchange/head_box.h"
#include "node/exchange/raw_reply.h"
#include "node/exchange/reply.h"
#include "proto/base/log.h"

#include <string.h>

static void take_log_fields(struct exchange *x, const struct request_head *h)
{
    x->method = h->method;
    x->path = h->path;
    x->version = h->version_minor == 0 ? SLICE("HTTP/1.0") : SLICE("HTTP/1.1");
}

struct exchange *exchange_begin(struct worker *w, struct conn *c, const struct exchange_sink *sink,
                                struct request_head *head)
{
    struct exchange *x = freelist_take(&w->exchanges);
    if (x == NULL)
        return NULL;
    memset(x, 0, sizeof *x);
    x->worker = w;
    x->conn = c;
    x->sink = sink;
    x->snapshot = snapshot_ref(w->snapshot);
    x->head = head;
    x->started_us = w->loop.now_us;
    arena_init_pooled(&x->arena, &w->blocks);
    take_log_fields(x, head);
    x->method_id = head->method_id;
    x->is_head = head->method_id == METHOD_HEAD;
    x->http_1_0 = head->version_minor == 0;
    x->keep_alive = x->keep_alive_asked = head->keep_alive && !w->draining;
    x->has_body = head->has_body;
    x->body_complete = !head->has_body;
    x->reply_length = -1;
    w->counters.requests++;
    return x;
}

static void route(struct exchange *x)
{
    x->step = STEP_ROUTE;
    x->host = host_table_find(x->snapshot->hosts, x->head->host);
    struct route_hit hit;
    if (!route_table_find(x->host->routes, x->head->path, &hit))
        return;
    x->route = hit.target;
    x->target = x->route->target;
    if (x->route->timeout_s > 0)
        x->due_us = x->started_us + x->route->timeout_s * UINT64_C(1000000);
}

/* What Mongrel2 takes for a handshake; and where the node itself answers, what is one by the RFC.
 */
static bool is_websocket(const struct exchange *x)
{
    const struct handler_peer *peer = x->target->peer;
    bool asks = x->head->is_websocket || x->head->upgrade_websocket;
    return asks && peer != NULL && x->sink->websocket != NULL &&
           (x->head->is_websocket || peer->websocket_messages);
}

void exchange_serve(struct exchange *x)
{
    if (x->head->expect_unknown) {
        x->keep_alive = false;
        reply_error(x, 417, SLICE_EMPTY);
        return;
    }
    if (x->head->form ==
        TARGET_AUTHORITY) { /* CONNECT: this is no tunnel (RFC 9110 section 9.3.6) */
        x->keep_alive = false;
        reply_error(x, 501, SLICE_EMPTY);
        return;
    }
    route(x);
    x->step = STEP_SERVE;
    if (!filter_arrived(x, x->target != NULL && is_websocket(x)))
        return;
    if (x->target == NULL) {
        x->keep_alive = false; /* as upstream: an answer without a route closes */
        reply_error(x, 404, SLICE_EMPTY);
        return;
    }
    if (is_websocket(x)) {
        x->sink->websocket(x->conn, x);
        return;
    }
    x->target_started = true;
    x->target->ops->start(x->target, x);
}

void exchange_want_body(struct exchange *x)
{
    x->expects_body = true;
    exchange_detach(x);
    x->sink->want_body(x->conn);
}

void exchange_tunnel(struct exchange *x)
{
    x->expects_body = true;
    x->sink->tunnel(x->conn);
}

void exchange_pause_body(struct exchange *x)
{
    x->sink->pause_body(x->conn);
}

void exchange_resume_body(struct exchange *x)
{
    x->sink->resume_body(x->conn);
}

static void release_head(struct exchange *x)
{
    if (x->head == NULL)
        return;
    head_box_give(&x->worker->heads, x->head);
    x->head = NULL;
}

void exchange_detach(struct exchange *x)
{
    if (x->head == NULL || x->head_kept)
        return;
    struct slice method = arena_slice(&x->arena, x->method);
    struct slice path = arena_slice(&x->arena, x->path);
    x->method = method.ptr != NULL ? method : SLICE_EMPTY;
    x->path = path.ptr != NULL ? path : SLICE_EMPTY;
    release_head(x);
    x->sink->head_released(x->conn);
}

int exchange_keep_head(struct exchange *x)
{
    struct request_head *h = x->head;
    char *copy = arena_alloc(&x->arena, h->len);
    if (copy == NULL)
        return -1;
    memcpy(copy, h->base, h->len);
    request_head_rebase(h, copy);
    take_log_fields(x, h);
    x->head_kept = true;
    x->sink->head_released(x->conn);
    return 0;
}

size_t exchange_body_at_hand(const struct exchange *x)
{
    return conn_input(x->conn).len - x->head->len;
}

void exchange_body(struct exchange *x, struct slice piece, bool last)
{
    x->body_received += piece.len;
    x->body_complete = last;
    if (x->target->ops->body != NULL)
        x->target->ops->body(x, piece, last);
}

void exchange_drained(struct exchange *x)
{
    if (x->target != NULL && x->target->ops->more != NULL)
        x->target->ops->more(x);
}

void exchange_log_refused(struct worker *w, const struct conn *c, const struct request_head *head,
                          int status, size_t sent)
{
    char peer[46];
    struct access_entry entry = {
        .host = w->snapshot->default_host->name,
        .peer = slice_of(peer, conn_peer_text(c, peer)),
        .peer_port = conn_peer_port(c),
        .method = head != NULL ? head->method : SLICE_EMPTY,
        .path = head != NULL ? head->path : SLICE_EMPTY,
        .status = status,
        .size = (int64_t)sent,
    };
    access_log_write(w->access_log, &entry);
}

static void write_access_log(struct exchange *x)
{
    char peer[46];
    struct access_entry entry = {
        .host = x->host != NULL ? x->host->name : SLICE_EMPTY,
        .peer = slice_of(peer, conn_peer_text(x->conn, peer)),
        .peer_port = conn_peer_port(x->conn),
        .method = x->method,
        .path = x->path,
        .version = x->version,
        .status = x->status,
        .size = (int64_t)x->sent,
        .duration_us = x->worker->loop.now_us - x->started_us,
    };
    access_log_write(x->worker->access_log, &entry);
}

void exchange_end(struct exchange *x, enum exchange_end how)
{
    struct worker *w = x->worker;
    x->step = STEP_LOG;
    if (x->target_started && x->target->ops->release != NULL)
        x->target->ops->release(x);
    if (how != EXCHANGE_DONE)
        x->keep_alive = false;
    filter_answered(x);
    if (w->access_log != NULL)
        write_access_log(x);
    if (x->status != 0)
        counters_response(&w->counters, x->status);
    histogram_add(&w->counters.latency, w->loop.now_us - x->started_us);
    x->step = STEP_ENDED;
    bool held_head = x->head != NULL && !x->head_kept;
    release_head(x);
    if (held_head)
        x->sink->head_released(x->conn);
    arena_fini(&x->arena);
    snapshot_unref(x->snapshot);
    x->snapshot = NULL;
    x->sink->ended(x->conn, x, x->keep_alive);
    freelist_give(&w->exchanges, x);
}

void exchange_fail(struct exchange *x, int status)
{
    x->keep_alive = false;
    if (x->reply_started)
        exchange_end(x, EXCHANGE_REPLY_CUT);
    else
        reply_error(x, status, SLICE_EMPTY);
}

void exchange_time_out(struct exchange *x)
{
    static struct log_limit limit;
    x->worker->counters.timeouts++;
    log_limited(&limit, LOG_INFO_LEVEL, "http",
                "request took longer than %u s route=\"%.*s\" path=\"%.*s\"", x->route->timeout_s,
                SLICE_ARG(x->route->pattern), SLICE_ARG(x->path));
    if (x->reply_started) {
        conn_close(x->conn, CONN_TIMEOUT);
        return;
    }
    if (x->reply_raw)
        raw_reply_withdraw(x);
    x->keep_alive = false; /* what may still come for it must meet nobody */
    reply_error(x, x->body_complete ? 504 : 408, SLICE_EMPTY);
}
