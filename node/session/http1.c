/* Three phases: a head is being read; an exchange runs (and may read its body); an unread body is
 * being discarded. The head stays in the input buffer, pinned, as long as the exchange uses it. */

#include "node/session/http1.h"

#include "node/exchange/exchange.h"
#include "node/exchange/head_box.h"
#include "node/exchange/raw_reply.h"
#include "node/exchange/reply.h"
#include "node/session/conn_life.h"
#include "node/session/http1_state.h"
#include "node/session/identify.h"
#include "node/session/websocket.h"
#include "proto/base/log.h"
#include "proto/http/status_code.h"

#include <string.h>

enum { SPARE_STATES = 256 };

void http1_pool_init(struct freelist *pool)
{
    freelist_init(pool, sizeof(struct http1), SPARE_STATES);
}

static struct http1 *state_create(struct conn *c)
{
    struct http1 *h = freelist_take(&http1_worker(c)->http1s);
    if (h != NULL)
        memset(h, 0, sizeof *h);
    c->session_state = h;
    return h;
}

static void state_destroy(struct conn *c)
{
    struct http1 *h = c->session_state;
    if (h == NULL)
        return;
    head_box_give(&http1_worker(c)->heads, h->head);
    freelist_give(&http1_worker(c)->http1s, h);
    c->session_state = NULL;
}

/* --- deadlines --- */

/* Between requests, at most taking the last answer, and no handler holds the connection to speak on
 * it later. */
static bool is_idle(const struct conn *c)
{
    return c->session_state == NULL && c->id == 0;
}

static uint32_t last_use_s(const struct conn *c)
{
    uint32_t latest = c->opened_s;
    if (c->last_read_s > latest)
        latest = c->last_read_s;
    return c->last_write_s > latest ? c->last_write_s : latest;
}

/* From now on, rounded up. */
static uint64_t until_ms(const struct conn *c, uint64_t due_us)
{
    uint64_t now_us = c->set->loop->now_us;
    return due_us > now_us ? (due_us - now_us + 999) / 1000 : 0;
}

void http1_arm(struct conn *c)
{
    const struct settings *s = &http1_worker(c)->snapshot->settings;
    const struct http1 *h = c->session_state;
    unsigned sweep_s = conn_life_sweep_in_s(c, s), wait_s = sweep_s;
    if (h != NULL && h->is_tunnel) {
        deadline_clear(&c->deadline);
        return;
    }
    if (h != NULL && h->phase == PHASE_HEAD)
        wait_s = conn_life_left_s(h->head_since_s, s->header_timeout_s,
                                  http1_now_s(c)); /* from its first byte */
    else if (http1_waits_for_body(h))
        wait_s = conn_life_left_s(c->last_read_s, s->body_timeout_s, http1_now_s(c));
    else if (is_idle(c))
        wait_s = conn_life_left_s(last_use_s(c), s->idle_timeout_s, http1_now_s(c));
    if (sweep_s < wait_s && conn_life_is_swept(s))
        wait_s = sweep_s;
    uint64_t wait_ms = wait_s * 1000ull;
    if (h != NULL && h->x != NULL && h->x->due_us != 0) {
        uint64_t left_ms = until_ms(c, h->x->due_us);
        wait_ms = left_ms < wait_ms ? left_ms : wait_ms;
    }
    deadline_set(c->set->deadlines, &c->deadline, wait_ms);
}

static void refuse(struct conn *c, int status, const char *why, size_t offset);

static void http1_timeout(struct conn *c)
{
    struct worker *w = http1_worker(c);
    const struct settings *s = &w->snapshot->settings;
    struct http1 *h = c->session_state;
    uint32_t now = http1_now_s(c);
    if (h != NULL && h->phase == PHASE_HEAD && now - h->head_since_s >= s->header_timeout_s) {
        w->counters.timeouts++;
        refuse(c, 408, "the request head took too long", conn_input(c).len);
        return;
    }
    if (h != NULL && h->x != NULL && h->x->due_us != 0 && until_ms(c, h->x->due_us) == 0) {
        exchange_time_out(h->x);
        return;
    }
    bool stalls = http1_waits_for_body(h) && now - c->last_read_s >= s->body_timeout_s;
    if (stalls && h->x != NULL) {
        w->counters.timeouts++;
        exchange_fail(h->x, 408);
        return;
    }
    if (is_idle(c) && now - last_use_s(c) >= s->idle_timeout_s) {
        conn_close(c, CONN_TIMEOUT);
        return;
    }
    if (stalls || conn_life_is_idle_too_long(c, s)) {
        w->counters.timeouts++;
        conn_close(c, CONN_TIMEOUT);
        return;
    }
    http1_arm(c);
}

static void http1_opened(struct conn *c)
{
    http1_worker(c)->counters.connections_accepted++;
    http1_arm(c);
}

/* --- the end of a request and the beginning of the next --- */

/* Refuses what is no request: answers, logs once, closes. */
static void refuse(struct conn *c, int status, const char *why, size_t offset)
{
    struct worker *w = http1_worker(c);
    static struct log_limit limit;
    char peer[46], answer[REPLY_ERROR_ROOM];
    conn_peer_text(c, peer);
    log_limited(&limit, LOG_INFO_LEVEL, "http", "refused with %d: %s peer=%s offset=%zu", status,
                why, peer, offset);
    w->counters.requests_bad++;
    counters_response(&w->counters, status);
    size_t len = reply_render_error(w, status, SLICE_EMPTY, true, false, answer);
    const struct http1 *h = c->session_state;
    exchange_log_refused(w, c, h != NULL ? h->head : NULL, status, status_code_reason(status).len);
    conn_write(c, slice_of(answer, len));
    conn_close_after_flush(c);
}

void http1_next_request(struct conn *c)
{
    bool is_last = c->input_ended && conn_input(c).len == 0;
    if (http1_worker(c)->draining || is_last) {
        conn_close_after_flush(c);
        return;
    }
    state_destroy(c);
    conn_resume(c);
    if (conn_input(c).len > 0)
        conn_wake(c);
    http1_arm(c);
}

void http1_close_unfinished(struct conn *c)
{
    if (outq_is_empty(&c->out))
        conn_close(c, CONN_CLIENT_CLOSED);
    else
        conn_close_after_flush(c);
}

static void head_released(struct conn *c)
{
    struct http1 *h = c->session_state;
    conn_consume(c, h->head_len);
    h->head_len = 0;
    conn_unpin(c);
}

static void exchange_ended(struct conn *c, struct exchange *x, bool keep_alive)
{
    (void)x;
    struct http1 *h = c->session_state;
    h->x = NULL;
    h->body_paused = false;
    if (conn_is_closing(c))
        return;
    /* A client that still waits for 100 Continue may or may not send its body: only closing is
     * clear. */
    if (!keep_alive || (!h->body_done && h->expects_continue)) {
        conn_close_after_flush(c);
        return;
    }
    if (!h->body_done) {
        h->phase = PHASE_DISCARD;
        conn_resume(c);
        conn_wake(c);
        http1_arm(c);
        return;
    }
    http1_next_request(c);
}

/* --- heads --- */

/* From here on the connection speaks another protocol. */
static void become_websocket(struct conn *c, struct exchange *x)
{
    struct websocket *ws = websocket_create(x);
    if (ws == NULL)
        return;
    exchange_detach(x);
    state_destroy(c);
    websocket_start(ws);
}

static const struct exchange_sink sink = {
    .want_body = http1_want_body,
    .pause_body = http1_pause_body,
    .resume_body = http1_resume_body,
    .tunnel = http1_tunnel,
    .head_released = head_released,
    .ended = exchange_ended,
    .websocket = become_websocket,
};

static void serve(struct conn *c, struct http1 *h)
{
    struct worker *w = http1_worker(c);
    h->phase = PHASE_SERVE;
    h->head_len = (uint32_t)h->head->len;
    h->expects_continue = h->head->expect_continue;
    h->body_done = !h->head->has_body;
    h->body_wanted = false;
    if (h->head->has_body)
        body_init(&h->body, h->head->chunked, h->head->content_length);
    conn_pin(c);
    h->x = exchange_begin(w, c, &sink, h->head);
    if (h->x == NULL) {
        refuse(c, 503, "out of memory", 0);
        return;
    }
    h->head = NULL; /* the exchange's now */
    h->x->closes_if_unread = h->expects_continue || h->x->head->content_length > HTTP1_DISCARD_MOST;
    exchange_serve(h->x);
    if (c->session != &session_http1)
        return;           /* the state is another's now */
    h = c->session_state; /* it may have ended */
    if (h != NULL && h->x != NULL && h->x->due_us != 0)
        http1_arm(c);
}

static enum parse_result parse_head(struct conn *c, struct http1 *h)
{
    const struct settings *s = &http1_worker(c)->snapshot->settings;
    size_t most = c->set->buffer_size;
    struct request_limits limits = {
        .head_bytes = s->head_bytes < most ? s->head_bytes : most,
        .url_path = s->url_path,
        .fields = s->header_count,
        .relaxed = s->relaxed_target,
    };
    for (;;) {
        enum parse_result result = request_head_parse(h->head, conn_input_mutable(c),
                                                      conn_input(c).len, &limits);
        if (result != PARSE_FULL)
            return result;
        if (head_box_grow(h->head, limits.fields) != 0) {
            h->head->fault = FAULT_FIELD_COUNT;
            return PARSE_BAD;
        }
    }
}

static void read_head(struct conn *c, struct http1 *h)
{
    if (h->head == NULL) {
        h->head = head_box_take(&http1_worker(c)->heads);
        h->head_since_s = http1_now_s(c);
        if (h->head == NULL) {
            conn_close(c, CONN_NO_MEMORY);
            return;
        }
    }
    switch (parse_head(c, h)) {
    case PARSE_DONE: serve(c, h); break;
    case PARSE_MORE:
        if (c->input_ended)
            http1_close_unfinished(c);
        else
            http1_arm(c);
        break;
    default:
        refuse(c, parse_fault_status(h->head->fault), parse_fault_text(h->head->fault),
               h->head->offset);
        break;
    }
}

static void http1_input(struct conn *c)
{
    struct http1 *h = c->session_state;
    if (h == NULL && (conn_input(c).len == 0 || identify(c)))
        return;
    if (h == NULL && (h = state_create(c)) == NULL) {
        conn_close(c, CONN_NO_MEMORY);
        return;
    }
    if (h->phase == PHASE_HEAD)
        read_head(c, h);
    else if (h->phase == PHASE_DISCARD)
        http1_discard_body(c, h);
    else
        http1_read_body(c); /* without a body to read: the bytes are the next request's and wait */
}

static void http1_input_end(struct conn *c)
{
    struct http1 *h = c->session_state;
    if (h == NULL && conn_input(c).len > 0)
        return; /* requests sent ahead: served when there is room for their answers */
    if (h == NULL || h->x == NULL) {
        http1_close_unfinished(c);
    } else if (h->is_tunnel) {
        http1_read_body(c);
    } else if (http1_reads_body(h) || h->x->target->ops->half_close_cancels) {
        conn_close(c, CONN_CLIENT_CLOSED);
    } else if (conn_input(c).len == 0 || !h->body_done) {
        h->x->keep_alive = false;
    }
}

static void http1_drained(struct conn *c)
{
    struct http1 *h = c->session_state;
    if (h != NULL && h->x != NULL)
        exchange_drained(h->x);
}

/* The bytes of a tunnel are the upstream's and the client's: a handler that knew the connection
 * before has no say in it. */
static bool is_tunnel(const struct http1 *h)
{
    return h != NULL && h->is_tunnel;
}

static void http1_push(struct conn *c, struct push *p)
{
    struct slice bytes = p->bytes;
    struct http1 *h = c->session_state;
    if (is_tunnel(h))
        return;
    struct exchange *x = h != NULL && h->x != NULL && h->x->reply_raw ? h->x : NULL;
    if (bytes.len == 0) {
        c->handler_closed = true;
        if (x != NULL)
            raw_reply_close(x);
        else
            conn_close_after_flush(c);
    } else if (x != NULL) {
        raw_reply_push(x, bytes, p->payload);
    } else if (p->payload != NULL) {
        conn_write_payload(c, p->payload, (size_t)(bytes.ptr - p->payload->bytes), bytes.len);
    } else {
        conn_write(c, bytes);
    }
}

/* Into a channel goes what belongs to a response that runs, or is one to a request that waits. */
static enum push_form http1_form(const struct conn *c, bool frame, bool chunk)
{
    const struct http1 *h = c->session_state;
    (void)frame;
    if (is_tunnel(h) || h == NULL || h->x == NULL || !h->x->reply_raw)
        return FORM_NONE;
    const struct reply_watch *w = &h->x->watch;
    if (!chunk || w->part == REPLY_UNTIL_CLOSE)
        return FORM_PLAIN;
    if (w->part == REPLY_BODY)
        return w->length < 0 ? FORM_CHUNK : FORM_PLAIN;
    return FORM_NONE;
}

static void http1_credit(struct conn *c, int64_t bytes)
{
    struct http1 *h = c->session_state;
    struct exchange *x = h != NULL ? h->x : NULL;
    if (x != NULL && x->target_started && x->target->ops->credit != NULL)
        x->target->ops->credit(x, bytes);
}

static void http1_push_file(struct conn *c, struct file_ref *f, off_t from, uint64_t len)
{
    struct http1 *h = c->session_state;
    if (is_tunnel(h))
        return;
    if (h != NULL && h->x != NULL && h->x->reply_raw)
        raw_reply_push_file(h->x, f, from, len);
    else
        conn_write_file(c, f, from, len);
}

static void http1_drain(struct conn *c)
{
    struct http1 *h = c->session_state;
    if (h == NULL && conn_has_unread(c))
        return; /* it is answered, and closed with the answer */
    if (h == NULL && outq_is_empty(&c->out))
        conn_close(c, CONN_DRAINED);
    else if (h == NULL)
        conn_close_after_flush(c);
    else if (h->x != NULL && !h->x->reply_started && !h->x->reply_raw)
        h->x->keep_alive = false;
}

static void http1_closed(struct conn *c)
{
    struct http1 *h = c->session_state;
    conn_life_count_closed(c);
    if (h != NULL && h->x != NULL)
        exchange_end(h->x, conn_life_exchange_end(c));
    state_destroy(c);
}

const struct session_ops session_http1 = {
    .name = "http1",
    .opened = http1_opened,
    .input = http1_input,
    .input_end = http1_input_end,
    .drained = http1_drained,
    .push = http1_push,
    .form = http1_form,
    .credit = http1_credit,
    .push_file = http1_push_file,
    .timeout = http1_timeout,
    .drain = http1_drain,
    .closed = http1_closed,
};
