/* The request side: choosing an upstream, sending head and body, trying again. What comes back is
 * read in proxy_response.c. */

#include "node/target/proxy.h"

#include "node/exchange/filter.h"
#include "node/exchange/reply.h"
#include "node/target/proxy_response.h"
#include "node/target/proxy_target.h"
#include "proto/base/log.h"
#include "proto/http/forward.h"
#include "proto/http/head_writer.h"

#include <string.h>

enum {
    CONNECT_MS = 5000,  /* for one address; less when the whole has less */
    CONTINUE_MS = 1000, /* an upstream that says nothing to Expect gets the body after this */
};

/* One request; lives in the exchange's arena. */
struct proxy_state {
    struct proxy_response response; /* first: the other half begins here */
    struct slice request;           /* the head as sent, for another attempt */
    uint64_t tried;                 /* upstreams that failed, by index */
    int chosen;
    uint8_t retries_left;
    bool is_idempotent;
    bool is_chunked; /* the request's body */
    bool has_body;
    bool body_asked;      /* from now on there is no other attempt */
    bool awaits_continue; /* the client waits for 100 and so do we */
    bool body_paused;
    bool told_sent;   /* to filters, who do not hear of other attempts */
    bool tried_fresh; /* after a kept-alive connection turned out closed */
};

static struct proxy_state *state_of(struct upstream_use *use)
{
    return container_of(use, struct proxy_state, response.use);
}

static struct proxy_target *target_of(struct proxy_state *s)
{
    return proxy_target_of(s->response.x->target);
}

/* --- connections --- */

static void arm(struct proxy_state *s)
{
    struct conn *c = s->response.use.conn;
    if (conn_is_closing(c))
        return;
    unsigned wait_ms = s->awaits_continue ? CONTINUE_MS : target_of(s)->timeout_ms;
    if (s->response.is_tunnel) /* quiet in both directions */
        wait_ms = s->response.x->snapshot->settings.tunnel_timeout_s * 1000u;
    if (wait_ms > 0)
        deadline_set(c->set->deadlines, &c->deadline, wait_ms);
    else
        deadline_clear(&c->deadline);
}

static void request_sent(struct proxy_state *s)
{
    s->response.request_sent = true;
    if (!s->told_sent)
        filter_event(s->response.x, M2_REQ_SENT);
    s->told_sent = true;
}

static void ask_body(struct proxy_state *s)
{
    s->awaits_continue = false;
    s->body_asked = true;
    exchange_want_body(s->response.x);
}

static void give_up(struct proxy_state *s, int status);

static void on_ready(struct upstream_use *use)
{
    struct proxy_state *s = state_of(use);
    enum filter_verdict verdict = filter_connected(s->response.x);
    if (verdict != FILTER_GO_ON) {
        upstream_end(use, false);
        if (verdict == FILTER_FAIL)
            give_up(s, 502);
        return;
    }
    conn_write(use->conn, s->request);
    arm(s);
    if (!s->has_body)
        request_sent(s);
    else if (!s->awaits_continue)
        ask_body(s);
}

static const struct upstream_use_ops use_ops;

/* Sends the request on its way to the upstream that is chosen now. False when all were tried. */
static bool attempt(struct proxy_state *s, enum upstream_freshness freshness)
{
    struct proxy_target *t = target_of(s);
    char peer[46];
    struct slice key = SLICE_EMPTY;
    if (t->balance == BALANCE_HASH)
        key = slice_of(peer, conn_peer_text(s->response.x->conn, peer));
    s->chosen = proxy_target_choose(t, key, s->tried);
    if (s->chosen < 0)
        return false;
    unsigned connect_ms = t->timeout_ms > 0 && t->timeout_ms < CONNECT_MS ? t->timeout_ms
                                                                          : CONNECT_MS;
    if (upstream_begin(t->upstreams[s->chosen], &s->response.use, &use_ops, freshness, connect_ms))
        on_ready(&s->response.use);
    return true;
}

/* Another attempt after a failure; false when there is none to be made. Without a connection
 * nothing was sent, so anything may be repeated; a kept-alive connection that the upstream closed
 * meanwhile costs no retry. */
static bool try_again(struct proxy_state *s, bool connected, bool was_reused)
{
    bool stale = connected && was_reused && !s->tried_fresh;
    if (s->response.has_bytes || s->body_asked || (connected && !s->is_idempotent))
        return false;
    if (stale) {
        s->tried_fresh = true;
        return attempt(s, UPSTREAM_FRESH);
    }
    if (s->retries_left == 0)
        return false;
    s->retries_left--;
    s->tried |= UINT64_C(1) << s->chosen;
    if (s->tried == UINT64_MAX >> (64 - target_of(s)->count))
        s->tried = 0; /* all have failed once: the first may be there again */
    return attempt(s, connected ? UPSTREAM_FRESH : UPSTREAM_ANY);
}

/* The connection is gone, or useless, before the answer was whole. */
static void give_up(struct proxy_state *s, int status)
{
    struct exchange *x = s->response.x;
    x->keep_alive = false;
    reply_abort(x, status);
}

static void on_failed(struct upstream_use *use, bool connected, const char *why)
{
    static struct log_limit limit;
    struct proxy_state *s = state_of(use);
    if (try_again(s, connected, use->is_reused))
        return;
    if (!s->response.is_tunnel)
        log_limited(&limit, LOG_WARN_LEVEL, "proxy", "no answer: %s upstream=%s path=%.*s", why,
                    target_of(s)->upstreams[s->chosen]->name, SLICE_ARG(s->response.x->path));
    if (connected || filter_unreachable(s->response.x))
        give_up(s, 502);
}

/* What the response half has found: ends the exchange or not. True: there may be more to read. */
static bool act(struct proxy_state *s, enum proxy_event event)
{
    struct upstream_use *use = &s->response.use;
    bool was_reused = use->is_reused;
    switch (event) {
    case PROXY_WAIT: arm(s); return false;
    case PROXY_HELD:
        if (s->response.is_tunnel)
            arm(s);
        else
            deadline_clear(&use->conn->deadline);
        return false;
    case PROXY_SWITCHED:
        s->response.request_sent = false; /* it goes on */
        s->has_body = true;
        exchange_tunnel(s->response.x);
        return true;
    case PROXY_AGAIN: return true;
    case PROXY_CONTINUE:
        if (s->awaits_continue)
            ask_body(s);
        return true;
    case PROXY_DONE:
        upstream_end(use, proxy_response_keeps_connection(&s->response));
        reply_end(s->response.x);
        return false;
    case PROXY_CLOSED:
        upstream_end(use, false);
        if (!try_again(s, true, was_reused))
            give_up(s, 502);
        return false;
    default:
        upstream_end(use, false);
        give_up(s, 502);
        return false;
    }
}

static void on_input(struct upstream_use *use)
{
    struct proxy_state *s = state_of(use);
    enum proxy_event event;
    do
        event = proxy_response_read(&s->response);
    while (act(s, event));
}

static void on_input_end(struct upstream_use *use)
{
    struct proxy_state *s = state_of(use);
    act(s, proxy_response_end(&s->response));
}

static void on_drained(struct upstream_use *use)
{
    struct proxy_state *s = state_of(use);
    arm(s);
    if (s->body_paused) {
        s->body_paused = false;
        exchange_resume_body(s->response.x);
    }
}

/* Whose turn is it? While the client sends its body or takes the answer, its own deadlines count.
 */
static void on_timeout(struct upstream_use *use)
{
    struct proxy_state *s = state_of(use);
    bool waits_for_upstream = s->response.request_sent || !outq_is_empty(&use->conn->out);
    if (s->awaits_continue)
        ask_body(s); /* it may not know Expect */
    else if (s->response.is_tunnel || (waits_for_upstream && !use->conn->reading_paused)) {
        s->response.x->worker->counters.timeouts++;
        upstream_end(use, false);
        give_up(s, 504);
        return;
    }
    arm(s);
}

static const struct upstream_use_ops use_ops = {
    .ready = on_ready,
    .failed = on_failed,
    .input = on_input,
    .input_end = on_input_end,
    .drained = on_drained,
    .timeout = on_timeout,
};

/* --- the target --- */

/* The head for the upstream, in the exchange's arena. False: refused (400) or out of memory. */
static bool write_request(struct proxy_state *s, struct proxy_target *t, int *status)
{
    struct exchange *x = s->response.x;
    char peer[46];
    struct forward_request f = {
        .head = x->proxy_head != NULL ? x->proxy_head : x->head,
        .peer = slice_of(peer, conn_peer_text(x->conn, peer)),
        .scheme = conn_is_secure(x->conn) ? SLICE("https") : SLICE("http"),
        .fallback = upstream_authority(t->upstreams[0]),
        .websocket = x->head->upgrade_websocket,
        .keeps_forwarded = x->snapshot->settings.no_clobber_xff,
    };
    size_t room = forward_request_room(&f);
    char *out = arena_alloc(&x->arena, room);
    *status = 503;
    if (out == NULL)
        return false;
    *status = 400;
    s->request = slice_of(out, forward_request_write(&f, out, room));
    return s->request.len > 0;
}

static void proxy_start(struct target *target, struct exchange *x)
{
    struct proxy_target *t = proxy_target_of(target);
    const struct request_head *h = x->head;
    struct proxy_state *s = arena_zalloc(&x->arena, sizeof *s);
    if (s == NULL) {
        reply_error(x, 503, SLICE_EMPTY);
        return;
    }
    int status;
    s->response.x = x;
    if (!write_request(s, t, &status)) {
        reply_error(x, status, SLICE_EMPTY);
        return;
    }
    x->state = s;
    s->is_idempotent = request_method_is_idempotent(h->method_id);
    s->retries_left = t->retries;
    s->has_body = h->has_body;
    s->response.asks_upgrade = h->upgrade_websocket;
    s->is_chunked = h->chunked;
    s->awaits_continue = h->has_body && h->expect_continue;
    if (!s->has_body)
        exchange_detach(x);
    attempt(s, s->is_idempotent && !s->has_body ? UPSTREAM_ANY : UPSTREAM_TESTED);
}

static void write_piece(struct proxy_state *s, struct conn *c, struct slice piece, bool last)
{
    char size[24];
    struct head_writer w = head_writer_on(size, sizeof size);
    if (s->is_chunked && piece.len > 0) {
        head_writer_chunk_size(&w, piece.len);
        conn_write(c, head_writer_bytes(&w));
    }
    conn_write(c, piece);
    if (s->is_chunked && piece.len > 0)
        conn_write(c, SLICE("\r\n"));
    if (s->is_chunked && last)
        conn_write(c, SLICE("0\r\n\r\n"));
}

static void proxy_body(struct exchange *x, struct slice piece, bool last)
{
    struct proxy_state *s = x->state;
    struct conn *c = s->response.use.conn;
    if (c == NULL || conn_is_closing(c))
        return; /* it broke in this turn: on_failed is about to be told */
    write_piece(s, c, piece, last);
    if (conn_is_closing(c))
        return;
    if (last)
        request_sent(s);
    arm(s);
    if (last && s->response.is_tunnel)
        conn_end_output(c);
    if (!last && conn_is_full(c)) {
        s->body_paused = true;
        exchange_pause_body(x);
    }
}

static void proxy_more(struct exchange *x)
{
    struct proxy_state *s = x->state;
    struct conn *c = s->response.use.conn;
    if (c == NULL || conn_is_closing(c) || !c->reading_paused)
        return;
    arm(s);
    conn_resume(c);
    conn_wake(c);
}

static void proxy_release(struct exchange *x)
{
    struct proxy_state *s = x->state;
    if (s != NULL)
        upstream_end(&s->response.use, false);
}

const struct target_ops target_proxy = {
    .kind = "proxy",
    .table = TABLE_PROXY,
    .create = proxy_target_create,
    .activate = proxy_target_activate,
    .destroy = proxy_target_destroy,
    .start = proxy_start,
    .body = proxy_body,
    .more = proxy_more,
    .release = proxy_release,
};
