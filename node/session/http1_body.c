/* Bodies of requests: read for the target that wants them, else read away, so that the next request
 * can follow. A tunnel is a body without an end. */

#include "node/exchange/exchange.h"
#include "node/session/http1_state.h"

void http1_want_body(struct conn *c)
{
    struct http1 *h = c->session_state;
    h->body_wanted = true;
    if (h->expects_continue && conn_input(c).len == 0) {
        http1_worker(c)->counters.responses_1xx++;
        conn_write(c, SLICE("HTTP/1.1 100 Continue\r\n\r\n"));
    }
    h->expects_continue = false;
    conn_resume(c); /* the buffer may have become full meanwhile */
    conn_wake(c);
    http1_arm(c);
}

void http1_tunnel(struct conn *c)
{
    struct http1 *h = c->session_state;
    body_init_until_close(&h->body);
    h->is_tunnel = h->body_wanted = true;
    h->body_done = false;
    h->x->due_us = 0; /* the request is answered */
    conn_resume(c);
    conn_wake(c); /* for what was sent ahead */
    http1_arm(c);
}

void http1_pause_body(struct conn *c)
{
    ((struct http1 *)c->session_state)->body_paused = true;
    conn_pause(c);
}

void http1_resume_body(struct conn *c)
{
    struct http1 *h = c->session_state;
    h->body_paused = false;
    c->last_read_s = http1_now_s(c); /* it was not the client that waited */
    conn_resume(c);
    if (conn_input(c).len > 0 || h->is_tunnel)
        conn_wake(c); /* of a tunnel also for its end, which may have come */
    http1_arm(c);
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

void http1_read_body(struct conn *c)
{
    for (struct http1 *h;
         (h = c->session_state) != NULL && http1_reads_body(h) && !conn_is_closing(c);) {
        struct slice piece;
        enum parse_result result = take_piece(c, h, &piece);
        if (result == PARSE_BAD) {
            http1_worker(c)->counters.requests_bad++;
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

void http1_discard_body(struct conn *c, struct http1 *h)
{
    while (!h->body_done) {
        struct slice piece;
        enum parse_result result = take_piece(c, h, &piece);
        h->discarded += piece.len;
        if (result == PARSE_BAD || h->discarded > HTTP1_DISCARD_MOST) {
            conn_close_after_flush(c);
            return;
        }
        if (result == PARSE_MORE) {
            if (c->input_ended)
                http1_close_unfinished(c);
            return;
        }
    }
    http1_next_request(c);
}
