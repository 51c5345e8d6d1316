/* Three phases: a head is being read; an exchange runs (and may read its body); an unread body is
 * being discarded. The head stays in the input buffer, pinned, as long as the exchange uses it. */

#include "node/session/http1.h"

#include "node/exchange/exchange.h"
#include "node/exchange/head_box.h"
#include "node/exchange/raw_reply.h"
#include "node/exchange/reply.h"
#include "node/http/body.h"
#include "node/http/status_code.h"
#include "node/session/conn_life.h"
#include "node/session/identify.h"
#include "node/session/websocket.h"
#include "proto/base/log.h"

#include <string.h>

enum phase { PHASE_HEAD, PHASE_SERVE, PHASE_DISCARD };

enum {
    SPARE_STATES = 256,
    DISCARD_MOST =
        256 << 10, /* an unread body up to this is read away; beyond, closing is cheaper */
};

struct http1 {
    struct request_head *head; /* being read; given to the exchange with the request */
    struct exchange *x;
    struct body body;
    enum phase phase;
    uint32_t head_len;     /* bytes of the head at the front of the input, not yet consumed */
    uint32_t head_since_s; /* when the first byte of the head came */
    uint64_t discarded;
    bool body_wanted;
    bool body_done;
    bool body_paused;
    bool expects_continue;
    bool is_tunnel; /* the body has no end but the client's */
};

void http1_pool_init(struct freelist *pool)
{
    freelist_init(pool, sizeof(struct http1), SPARE_STATES);
}

static struct worker *worker_of(const struct conn *c)
{
    return c->set->owner;
}

static uint32_t now_s(const struct conn *c)
{
    return (uint32_t)(c->set->loop->now_us / 1000000u);
}

static struct http1 *state_create(struct conn *c)
{
    struct http1 *h = freelist_take(&worker_of(c)->http1s);
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
    head_box_give(&worker_of(c)->heads, h->head);
    freelist_give(&worker_of(c)->http1s, h);
    c->session_state = NULL;
}

/* --- deadlines --- */

static bool reads_body(const struct http1 *h)
{
    return h != NULL && h->x != NULL && h->body_wanted && !h->body_done && !h->body_paused;
}

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

static bool waits_for_body(const struct http1 *h)
{
    return reads_body(h) || (h != NULL && h->phase == PHASE_DISCARD);
}

/* From now on, rounded up. */
static uint64_t until_ms(const struct conn *c, uint64_t due_us)
{
    uint64_t now_us = c->set->loop->now_us;
    return due_us > now_us ? (due_us - now_us + 999) / 1000 : 0;
}

static void arm(struct conn *c)
{
    const struct settings *s = &worker_of(c)->snapshot->settings;
    const struct http1 *h = c->session_state;
    unsigned sweep_s = conn_life_sweep_in_s(c, s), wait_s = sweep_s;
    if (h != NULL && h->is_tunnel) {
        deadline_clear(&c->deadline);
        return;
    }
    if (h != NULL && h->phase == PHASE_HEAD)
        wait_s = conn_life_left_s(h->head_since_s, s->header_timeout_s,
                                  now_s(c)); /* from its first byte */
    else if (waits_for_body(h))
        wait_s = conn_life_left_s(c->last_read_s, s->body_timeout_s, now_s(c));
    else if (is_idle(c))
        wait_s = conn_life_left_s(last_use_s(c), s->idle_timeout_s, now_s(c));
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
    struct worker *w = worker_of(c);
    const struct settings *s = &w->snapshot->settings;
    struct http1 *h = c->session_state;
    uint32_t now = now_s(c);
    if (h != NULL && h->phase == PHASE_HEAD && now - h->head_since_s >= s->header_timeout_s) {
        w->counters.timeouts++;
        refuse(c, 408, "the request head took too long", conn_input(c).len);
        return;
    }
    if (h != NULL && h->x != NULL && h->x->due_us != 0 && until_ms(c, h->x->due_us) == 0) {
        exchange_time_out(h->x);
        return;
    }
    bool stalls = waits_for_body(h) && now - c->last_read_s >= s->body_timeout_s;
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
    arm(c);
}

static void http1_opened(struct conn *c)
{
    worker_of(c)->counters.connections_accepted++;
    arm(c);
}

/* --- the end of a request and the beginning of the next --- */

/* Refuses what is no request: answers, logs once, closes. */
static void refuse(struct conn *c, int status, const char *why, size_t offset)
{
    struct worker *w = worker_of(c);
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

static void next_request(struct conn *c)
{
    bool is_last = c->input_ended && conn_input(c).len == 0;
    if (worker_of(c)->draining || is_last) {
        conn_close_after_flush(c);
        return;
    }
    state_destroy(c);
    conn_resume(c);
    if (conn_input(c).len > 0)
        conn_wake(c);
    arm(c);
}

/* The client has nothing more to say in the middle of something: it still gets what is queued. */
static void close_unfinished(struct conn *c)
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
        arm(c);
        return;
    }
    next_request(c);
}

/* --- bodies --- */

static void want_body(struct conn *c)
{
    struct http1 *h = c->session_state;
    h->body_wanted = true;
    if (h->expects_continue && conn_input(c).len == 0) {
        worker_of(c)->counters.responses_1xx++;
        conn_write(c, SLICE("HTTP/1.1 100 Continue\r\n\r\n"));
    }
    h->expects_continue = false;
    conn_resume(c); /* the buffer may have become full meanwhile */
    conn_wake(c);
    arm(c);
}

static void tunnel(struct conn *c)
{
    struct http1 *h = c->session_state;
    body_init_until_close(&h->body);
    h->is_tunnel = h->body_wanted = true;
    h->body_done = false;
    conn_resume(c);
    conn_wake(c); /* for what was sent ahead */
    arm(c);
}

static void pause_body(struct conn *c)
{
    ((struct http1 *)c->session_state)->body_paused = true;
    conn_pause(c);
}

static void resume_body(struct conn *c)
{
    struct http1 *h = c->session_state;
    h->body_paused = false;
    c->last_read_s = now_s(c); /* it was not the client that waited */
    conn_resume(c);
    if (conn_input(c).len > 0 || h->is_tunnel)
        conn_wake(c); /* of a tunnel also for its end, which may have come */
    arm(c);
}

/* Takes the next step of the framing from the input. */
static enum parse_result take_piece(struct conn *c, struct http1 *h, struct slice *piece)
{
    size_t consumed = 0;
    struct slice in = conn_input(c);
    if (h->x != NULL && h->x->body_most > 0 && in.len > h->x->body_most)
        in.len = h->x->body_most;
    *piece = SLICE_EMPTY;
    enum parse_result result = body_feed(&h->body, in, &consumed, piece);
    conn_consume(c, consumed);
    h->body_done = result == PARSE_DONE || body_is_done(&h->body);
    return result;
}

/* The client has ended its direction before the end of the body: only a tunnel ends so. */
static void body_breaks_off(struct conn *c, struct http1 *h)
{
    if (h->is_tunnel) {
        h->body_done = true;
        exchange_body(h->x, SLICE_EMPTY, true);
    } else {
        conn_close(c, CONN_CLIENT_CLOSED);
    }
}

static void read_body(struct conn *c)
{
    for (struct http1 *h; (h = c->session_state) != NULL && reads_body(h) && !conn_is_closing(c);) {
        struct slice piece;
        enum parse_result result = take_piece(c, h, &piece);
        if (result == PARSE_BAD) {
            worker_of(c)->counters.requests_bad++;
            exchange_fail(h->x, parse_fault_status(h->body.fault));
            return;
        }
        if (result == PARSE_MORE) {
            if (conn_input(c).len > 0)
                continue; /* there is more than the target wanted at once */
            if (c->input_ended)
                body_breaks_off(c, h);
            return;
        }
        h->x->chunk_ended = body_chunk_ended(&h->body);
        exchange_body(h->x, piece, h->body_done);
    }
}

static void discard_body(struct conn *c, struct http1 *h)
{
    while (!h->body_done) {
        struct slice piece;
        enum parse_result result = take_piece(c, h, &piece);
        h->discarded += piece.len;
        if (result == PARSE_BAD || h->discarded > DISCARD_MOST) {
            conn_close_after_flush(c);
            return;
        }
        if (result == PARSE_MORE) {
            if (c->input_ended)
                close_unfinished(c);
            return;
        }
    }
    next_request(c);
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
    .want_body = want_body,
    .pause_body = pause_body,
    .resume_body = resume_body,
    .tunnel = tunnel,
    .head_released = head_released,
    .ended = exchange_ended,
    .websocket = become_websocket,
};

static void serve(struct conn *c, struct http1 *h)
{
    struct worker *w = worker_of(c);
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
    h->x->closes_if_unread = h->expects_continue || h->x->head->content_length > DISCARD_MOST;
    exchange_serve(h->x);
    if (c->session != &session_http1)
        return;           /* the state is another's now */
    h = c->session_state; /* it may have ended */
    if (h != NULL && h->x != NULL && h->x->due_us != 0)
        arm(c);
}

static enum parse_result parse_head(struct conn *c, struct http1 *h)
{
    const struct settings *s = &worker_of(c)->snapshot->settings;
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
        h->head = head_box_take(&worker_of(c)->heads);
        h->head_since_s = now_s(c);
        if (h->head == NULL) {
            conn_close(c, CONN_NO_MEMORY);
            return;
        }
    }
    switch (parse_head(c, h)) {
    case PARSE_DONE: serve(c, h); break;
    case PARSE_MORE:
        if (c->input_ended)
            close_unfinished(c);
        else
            arm(c);
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
        discard_body(c, h);
    else
        read_body(c); /* without a body to read: the bytes are the next request's and wait */
}

static void http1_input_end(struct conn *c)
{
    struct http1 *h = c->session_state;
    if (h == NULL && conn_input(c).len > 0)
        return; /* requests sent ahead: served when there is room for their answers */
    if (h == NULL || h->x == NULL) {
        close_unfinished(c);
    } else if (h->is_tunnel) {
        read_body(c);
    } else if (reads_body(h) || h->x->target->ops->half_close_cancels) {
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

static void http1_push(struct conn *c, struct push *p)
{
    struct slice bytes = p->bytes;
    struct http1 *h = c->session_state;
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
    .credit = http1_credit,
    .push_file = http1_push_file,
    .timeout = http1_timeout,
    .drain = http1_drain,
    .closed = http1_closed,
};
