/* As Mongrel2: the handler speaks the protocol, the node takes its frames apart. The handshake is a
 * request like another, which waits for a worker and fails as one; what the client says before it
 * is answered goes to the handler at once. */

#include "node/backend/handler_peer.h"
#include "node/exchange/filter.h"
#include "node/exchange/raw_reply.h"
#include "node/exchange/reply.h"
#include "node/session/conn_life.h"
#include "node/session/websocket_state.h"

#include <stdlib.h>

struct websocket_handshake {
    struct backend_request request;
    struct websocket *ws;
};

static void on_failed(struct backend_request *r, int status)
{
    struct exchange *x = container_of(r, struct websocket_handshake, request)->ws->x;
    raw_reply_withdraw(x);
    x->keep_alive = false;
    if (x->reply_started)
        reply_abort(x, status);
    else
        reply_error(x, status, status == 503 ? SLICE("Retry-After: 1\r\n") : SLICE_EMPTY);
}

int websocket_raw_prepare(struct websocket *ws, zmq_msg_t *message)
{
    struct websocket_handshake *h = calloc(1, sizeof *h);
    if (h == NULL) {
        zmq_msg_close(message);
        return -1;
    }
    h->ws = ws;
    backend_request_init(&h->request, on_failed);
    zmq_msg_move(&h->request.message, message);
    zmq_msg_close(message);
    h->request.conn_id = ws->conn->id;
    h->request.answer_begun = &ws->x->reply_started;
    ws->handshake = h;
    return 0;
}

void websocket_raw_start(struct websocket *ws)
{
    struct backend *b = ((struct handler_peer *)ws->conn->handler)->backend;
    raw_reply_expect(ws->x);
    websocket_worker(ws)->counters.handler_requests++;
    filter_event(ws->x, M2_REQ_SENT);
    b->ops->send(b, &ws->handshake->request);
}

void websocket_raw_settle(struct websocket *ws)
{
    struct websocket_handshake *h = ws->handshake;
    if (h == NULL)
        return;
    if (h->request.backend != NULL)
        h->request.backend->ops->done(h->request.backend, &h->request);
    ws->handshake = NULL;
    free(h);
}

/* The end of the handshake is seen in what the handler says; from then on all of it is frames. */
static void answer(struct websocket *ws, const struct push *p)
{
    raw_reply_push(ws->x, p->bytes, p->payload);
    if (ws->x == NULL || !ws->x->watch.upgraded)
        return;
    ws->x->keep_alive = !websocket_worker(ws)->draining;
    exchange_end(ws->x, EXCHANGE_DONE);
}

static void raw_push(struct conn *c, struct push *p)
{
    struct websocket *ws = c->session_state;
    if (p->bytes.len == 0) {
        c->handler_closed = true;
        if (ws->x != NULL)
            raw_reply_close(ws->x);
        else
            conn_close_after_flush(c);
    } else if (ws->x != NULL) {
        answer(ws, p);
    } else if (p->payload != NULL) {
        conn_write_payload(c, p->payload, (size_t)(p->bytes.ptr - p->payload->bytes), p->bytes.len);
    } else {
        conn_write(c, p->bytes);
    }
}

/* Nothing before the handler has answered the handshake. */
static enum push_form raw_form(const struct conn *c, bool frame, bool chunk)
{
    const struct websocket *ws = c->session_state;
    (void)chunk;
    if (ws->x != NULL)
        return FORM_NONE;
    return frame ? FORM_FRAME : FORM_PLAIN;
}

static void raw_timeout(struct conn *c)
{
    struct websocket *ws = c->session_state;
    const struct settings *s = websocket_settings(ws);
    uint64_t wait_us = conn_life_sweep_in_s(c, s) * 1000000ull, now_us = c->set->loop->now_us;
    uint64_t due_us = ws->x != NULL ? ws->x->due_us
                                    : 0; /* the handshake's: its route's request_timeout */
    if (due_us != 0 && due_us <= now_us) {
        exchange_time_out(ws->x);
        return;
    }
    if (conn_life_is_idle_too_long(c, s)) {
        websocket_worker(ws)->counters.timeouts++;
        conn_close(c, CONN_TIMEOUT);
        return;
    }
    if (due_us != 0 && due_us - now_us < wait_us)
        wait_us = due_us - now_us;
    deadline_set(c->set->deadlines, &c->deadline, (wait_us + 999) / 1000);
}

/* The handler may be in the middle of a frame: nothing can be said here. A handshake that waits is
 * answered first. */
static void raw_drain(struct conn *c)
{
    struct websocket *ws = c->session_state;
    if (ws->x == NULL)
        conn_close_after_flush(c);
}

const struct session_ops session_websocket_raw = {
    .name = "websocket",
    .control_type = 3,
    .input = websocket_input,
    .drained = websocket_drained,
    .push = raw_push,
    .form = raw_form,
    .timeout = raw_timeout,
    .drain = raw_drain,
    .closed = websocket_closed,
};
