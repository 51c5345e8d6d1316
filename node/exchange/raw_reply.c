/* The connection stays open after a whole answer whatever the request said: closing is the
 * handler's business (upstream's rule, manual chapter on handlers), and a close of ours would make
 * its own close message name a listener that is gone. */

#include "node/exchange/raw_reply.h"

void raw_reply_expect(struct exchange *x)
{
    x->reply_raw = true;
    x->keep_alive = true;
    reply_watch_init(&x->watch, x->method_id);
}

void raw_reply_withdraw(struct exchange *x)
{
    x->reply_raw = false;
    x->keep_alive = x->keep_alive_asked && !x->worker->draining;
}

static void note(struct exchange *x)
{
    x->step = STEP_REPLY;
    x->reply_started = true;
    x->status = x->watch.status;
    x->sent = x->watch.body.received;
}

static void see(struct exchange *x, struct slice bytes)
{
    reply_watch_feed(&x->watch, bytes);
    note(x);
}

void raw_reply_push(struct exchange *x, struct slice bytes, struct payload *payload)
{
    see(x, bytes);
    if (payload != NULL)
        conn_write_payload(x->conn, payload, (size_t)(bytes.ptr - payload->bytes), bytes.len);
    else
        conn_write(x->conn, bytes);
    if (x->watch.part == REPLY_DONE && !x->body_held)
        exchange_end(x, EXCHANGE_DONE);
}

void raw_reply_body_done(struct exchange *x)
{
    x->body_held = false;
    if (x->watch.part == REPLY_DONE)
        exchange_end(x, EXCHANGE_DONE);
}

void raw_reply_push_file(struct exchange *x, struct file_ref *f, off_t from, uint64_t len)
{
    reply_watch_content(&x->watch, len);
    note(x);
    conn_write_file(x->conn, f, from, len);
    if (x->watch.part == REPLY_DONE && !x->body_held)
        exchange_end(x, EXCHANGE_DONE);
}

void raw_reply_close(struct exchange *x)
{
    bool whole = x->watch.part == REPLY_UNTIL_CLOSE || x->watch.part == REPLY_DONE;
    x->keep_alive = false;
    exchange_end(x, whole ? EXCHANGE_DONE : EXCHANGE_REPLY_CUT);
}
