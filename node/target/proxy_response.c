/* The usual response comes whole: its head is parsed on the stack, rendered into the client's
 * output block, and the body is copied behind it. */

#include "node/target/proxy_response.h"

#include "node/exchange/reply.h"
#include "proto/base/log.h"
#include "proto/http/fields.h"
#include "proto/http/forward.h"
#include "proto/http/head_writer.h"

#include <string.h>

enum { FIELDS_MORE = 256 }; /* fields that a response may have */

struct response_box {
    struct response_head head;
    struct http_field fields[FIELDS_USUAL];
};

static enum proxy_event bad(struct proxy_response *r, const char *why)
{
    static struct log_limit limit;
    log_limited(&limit, LOG_WARN_LEVEL, "proxy", "bad answer: %s upstream=%s path=%.*s", why,
                r->use.upstream->name, SLICE_ARG(r->x->path));
    r->x->worker->counters.upstream_errors++;
    return PROXY_BAD;
}

static enum parse_result parse(struct proxy_response *r, struct response_head *h)
{
    struct conn *c = r->use.conn;
    const struct response_limits limits = {.head_bytes = c->set->buffer_size,
                                           .fields = FIELDS_MORE};
    struct slice in = conn_input(c);
    enum parse_result result = response_head_parse(h, in.ptr, in.len, r->x->method_id, &limits);
    if (result != PARSE_FULL)
        return result;
    struct http_field *more = arena_alloc(&r->x->arena, FIELDS_MORE * sizeof *more);
    if (more == NULL)
        return PARSE_BAD;
    field_list_move(&h->fields, more, FIELDS_MORE);
    return response_head_parse(h, in.ptr, in.len, r->x->method_id, &limits);
}

/* --- heads --- */

/* 101 as the client asked for. The tunnel's bytes are the body of an answer that ends with the
 * connection. */
static enum proxy_event take_switch(struct proxy_response *r, const struct response_head *h)
{
    if (!r->asks_upgrade || !fields_any_has_token(&h->fields, FIELD_UPGRADE, SLICE("websocket")))
        return bad(r, "it switches protocols unasked");
    struct buf *fields = &r->x->worker->scratch;
    size_t room = forward_response_room(h);
    buf_clear(fields);
    buf_append_str(fields, "Upgrade: websocket\r\n");
    if (buf_reserve(fields, room) == 0)
        fields->len += forward_response_fields(h, fields->data + fields->len, room);
    if (fields->failed)
        return bad(r, "out of memory");
    reply_switch(r->x, h->reason, buf_slice(fields));
    r->is_relaying = r->is_tunnel = r->until_close = true;
    body_init_until_close(&r->body);
    return PROXY_SWITCHED;
}

/* 103 and other news go on to the client; 100 is between us and the upstream, since our own session
 * asks the client for its body. */
static enum proxy_event take_interim(struct proxy_response *r, const struct response_head *h)
{
    if (h->status == 101)
        return take_switch(r, h);
    if (h->status == 100)
        return PROXY_CONTINUE;
    struct buf *out = &r->x->worker->scratch;
    size_t room = forward_response_room(h);
    buf_clear(out);
    buf_printf(out, "HTTP/1.1 %d %.*s\r\n", h->status, SLICE_ARG(h->reason));
    if (buf_reserve(out, room) == 0)
        out->len += forward_response_fields(h, out->data + out->len, room);
    buf_append_str(out, "\r\n");
    if (!out->failed)
        reply_interim(r->x, buf_slice(out));
    return PROXY_AGAIN;
}

static enum proxy_event take_final(struct proxy_response *r, const struct response_head *h)
{
    struct buf *fields = &r->x->worker->scratch;
    size_t room = forward_response_room(h);
    buf_clear(fields);
    if (buf_reserve(fields, room) != 0)
        return bad(r, "out of memory");
    struct reply_relayed relayed = {
        .status = h->status,
        .reason = h->reason,
        .fields = slice_of(fields->data, forward_response_fields(h, fields->data, room)),
        .has_date = field_list_has(&h->fields, FIELD_DATE),
        .length = h->content_length,
    };
    reply_begin_relayed(r->x, &relayed);
    r->is_relaying = true;
    r->keeps_alive = h->keep_alive;
    r->until_close = h->until_close;
    if (h->until_close)
        body_init_until_close(&r->body);
    else
        body_init(&r->body, h->chunked && !h->no_body, h->no_body ? -1 : h->content_length);
    return PROXY_AGAIN;
}

/* Keeps the head at hand for the pieces to come. Slices point into the input, the fields move. */
static struct response_box *box_for(struct proxy_response *r)
{
    struct response_box *box = arena_alloc(&r->x->arena, sizeof *box);
    if (box != NULL)
        response_head_init(&box->head, box->fields, FIELDS_USUAL);
    return box;
}

static enum proxy_event read_head(struct proxy_response *r)
{
    struct response_box here;
    struct response_head *h = r->box != NULL ? &r->box->head : &here.head;
    if (r->box == NULL)
        response_head_init(h, here.fields, FIELDS_USUAL);
    enum parse_result result = parse(r, h);
    if (result == PARSE_MORE && r->box == NULL) {
        r->box = box_for(r);
        return r->box != NULL ? PROXY_WAIT : bad(r, "out of memory");
    }
    if (result == PARSE_MORE)
        return PROXY_WAIT;
    if (result != PARSE_DONE)
        return bad(r, parse_fault_text(h->fault));
    size_t len = h->len;
    enum proxy_event event = h->status < 200 ? take_interim(r, h) : take_final(r, h);
    r->box = NULL;
    conn_consume(r->use.conn, len);
    return event;
}

/* --- bodies --- */

static enum proxy_event relay(struct proxy_response *r)
{
    struct conn *c = r->use.conn;
    while (!body_is_done(&r->body)) {
        if (reply_is_full(r->x)) {
            conn_pause(c);
            return PROXY_HELD;
        }
        size_t used;
        struct slice piece;
        enum parse_result result = body_feed(&r->body, conn_input(c), &used, &piece);
        if (result == PARSE_PIECE)
            reply_body(r->x, piece);
        conn_consume(c, used);
        if (result == PARSE_BAD)
            return bad(r, parse_fault_text(r->body.fault));
        if (result == PARSE_MORE)
            return PROXY_WAIT;
    }
    return PROXY_DONE;
}

enum proxy_event proxy_response_read(struct proxy_response *r)
{
    if (!r->is_relaying) {
        if (conn_input(r->use.conn).len == 0)
            return PROXY_WAIT;
        r->has_bytes = true;
        enum proxy_event event = read_head(r);
        if (!r->is_relaying || r->is_tunnel)
            return event;
    }
    return relay(r);
}

enum proxy_event proxy_response_end(struct proxy_response *r)
{
    if (!r->is_relaying)
        return r->has_bytes ? bad(r, "it ends within the head") : PROXY_CLOSED;
    return r->until_close ? PROXY_DONE : bad(r, "it ends within the body");
}

bool proxy_response_keeps_connection(const struct proxy_response *r)
{
    return r->keeps_alive && r->request_sent;
}
