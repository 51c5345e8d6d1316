/* The handler sets the pace: it allows bytes ("credits"), and so many go out, each piece a message
 * that says where in the body it belongs. Without credit the client is not read, but watched. The
 * first message needs no credit and takes along what has come with the head.
 *
 * All parts follow the first: through a pool to its worker, else in order to the same socket. */

#include "node/exchange/raw_reply.h"
#include "node/target/handler_parts.h"

#include <stdio.h>

enum {
    PART_MOST = 102400,    /* bytes of a chunk; larger ones make several parts */
    PARTS_WAITING_MOST = 8 /* for the handler's socket: then the client waits too */
};

static struct handler_state *state_of(struct handler_stream *t)
{
    return container_of(t, struct handler_state, stream);
}

/* --- pace --- */

/* How much of the body may be read at a time. */
static size_t piece_most(const struct exchange *x, const struct handler_state *s)
{
    const struct handler_stream *t = &s->stream;
    uint64_t most = x->snapshot->settings.content_length;
    if (t->missing > 0)
        return t->missing;
    if (t->chunked)
        return PART_MOST - s->body.len;
    if (most == 0 || most > PART_MOST)
        most = PART_MOST;
    return (size_t)((uint64_t)t->credit < most ? (uint64_t)t->credit : most);
}

static void pace(struct exchange *x)
{
    struct handler_state *s = x->state;
    struct handler_stream *t = &s->stream;
    bool may = t->missing > 0 || (t->credit > 0 && t->poster.count < PARTS_WAITING_MOST);
    if (may)
        x->body_most = piece_most(x, s);
    if (may && t->waits) {
        exchange_resume_body(x);
    } else if (!may && !t->waits) {
        exchange_pause_body(x);
        conn_watch_end(x->conn);
    }
    t->waits = !may;
}

static void stream_credit(struct exchange *x, int64_t bytes)
{
    struct handler_stream *t = &((struct handler_state *)x->state)->stream;
    if (__builtin_add_overflow(t->credit, bytes, &t->credit))
        t->credit = bytes > 0 ? INT64_MAX : INT64_MIN;
    conn_touch(x->conn);
    if (x->body_held)
        pace(x);
}

static void on_settled(struct backend_poster *p, int status)
{
    struct handler_stream *t = container_of(p, struct handler_stream, poster);
    struct exchange *x = state_of(t)->x;
    if (t->posting)
        t->refused |= status != 0;
    else if (status != 0)
        handler_give_up(x, status);
    else if (x->body_held)
        pace(x);
}

/* --- messages --- */

static void add_place(struct handler_message *m, uint64_t offset, bool last, char number[24])
{
    int len = snprintf(number, 24, "%llu", (unsigned long long)offset);
    handler_message_add(m, SLICE("UPLOAD_STREAM"), slice_of(number, (size_t)len));
    if (last)
        handler_message_add(m, SLICE("UPLOAD_STREAM_DONE"), SLICE("1"));
}

static void is_through(struct exchange *x)
{
    x->worker->counters.uploads_done++;
    raw_reply_body_done(x);
}

static void send_first(struct exchange *x)
{
    struct handler_state *s = x->state;
    x->body_held = s->request.open;
    if (!x->body_held)
        x->worker->counters.uploads_done++;
    handler_send(x, buf_slice(&s->message), SLICE_EMPTY);
}

/* May end the exchange. */
static void send_part(struct exchange *x, struct slice bytes, bool last)
{
    struct handler_state *s = x->state;
    struct handler_stream *t = &s->stream;
    struct buf *scratch = &x->worker->scratch;
    struct handler_message m;
    char number[24];
    handler_message_init(&m, x->target->peer, x->conn, &x->snapshot->settings, x->path,
                         SLICE_EMPTY);
    m.is_whole = false;
    m.keys[HANDLER_KEY_PATTERN] = (struct slice){NULL, 0};
    add_place(&m, t->offset, last, number);
    buf_clear(scratch);
    handler_message_encode(scratch, &m, bytes.len);
    t->offset += bytes.len;
    t->credit -= (int64_t)bytes.len;
    s->request.open = !last;
    t->posting = true;
    bool sent = !scratch->failed && handler_send_part(x, &t->poster, buf_slice(scratch), bytes);
    t->posting = false;
    if (!sent || t->refused)
        handler_give_up(x, sent ? 503 : 502);
    else if (last)
        is_through(x);
    else
        pace(x);
}

/* --- the body --- */

static void collect_first(struct exchange *x, struct slice piece)
{
    struct handler_state *s = x->state;
    buf_append_slice(&s->message, piece);
    s->stream.offset += piece.len;
    s->stream.missing -= piece.len;
    if (s->message.failed) {
        handler_give_up(x, 503);
        return;
    }
    pace(x);
    if (s->stream.missing == 0)
        send_first(x);
}

/* A chunk is a part; one that comes in pieces is put together. */
static void collect_chunk(struct exchange *x, struct slice piece, bool last)
{
    struct buf *chunk = &((struct handler_state *)x->state)->body;
    bool is_whole = x->chunk_ended || last;
    if (is_whole && chunk->len == 0) {
        send_part(x, piece, last);
        return;
    }
    buf_append_slice(chunk, piece);
    if (chunk->failed) {
        handler_give_up(x, 503);
    } else if (is_whole || chunk->len >= PART_MOST) {
        struct buf part = *chunk;
        *chunk = BUF_INIT;
        send_part(x, buf_slice(&part), last);
        buf_fini(&part);
    } else {
        pace(x);
    }
}

static void stream_body(struct exchange *x, struct slice piece, bool last)
{
    struct handler_stream *t = &((struct handler_state *)x->state)->stream;
    x->worker->counters.upload_bytes += piece.len;
    if (t->missing > 0)
        collect_first(x, piece);
    else if (t->chunked)
        collect_chunk(x, piece, last);
    else
        send_part(x, piece, last);
}

static void stream_release(struct exchange *x)
{
    struct handler_state *s = x->state;
    backend_poster_fini(&s->stream.poster);
    if (s->request.open)
        x->worker->counters.uploads_failed++;
}

static const struct handler_way stream_way = {
    .body = stream_body,
    .credit = stream_credit,
    .release = stream_release,
};

void handler_stream_begin(struct exchange *x)
{
    struct handler_state *s = x->state;
    struct handler_stream *t = &s->stream;
    struct handler_message m;
    char number[24];
    *t = (struct handler_stream){.chunked = x->head->chunked};
    uint64_t length = t->chunked ? UINT64_MAX : (uint64_t)x->head->content_length;
    if (!t->chunked)
        t->missing = exchange_body_at_hand(x);
    if (t->missing > length)
        t->missing = (size_t)length;
    backend_poster_init(&t->poster, on_settled);
    s->way = &stream_way;
    s->may_be_repeated = false; /* another worker would not get the parts before */
    s->request.open = t->missing < length;
    x->worker->counters.uploads_begun++;
    handler_message_of_request(&m, x, x->target->peer);
    add_place(&m, 0, !s->request.open, number);
    handler_message_encode(&s->message, &m, t->missing);
    if (s->message.failed) {
        handler_give_up(x, 503);
        return;
    }
    exchange_want_body(x);
    pace(x);
    if (t->missing == 0)
        send_first(x);
}
