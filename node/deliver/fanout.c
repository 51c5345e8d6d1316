/* The forms are made when the first member asks for them. A short form is copied into each output
 * block, as replies are; a long one is shared. */

#include "node/deliver/fanout.h"

#include "node/deliver/flow.h"
#include "proto/http/ws_frame.h"

#include <stdio.h>
#include <string.h>

enum { COPY_MOST = 2048, CHUNK_ROOM = 24 };

struct fanout {
    const struct xreply *x;
    struct push plain;   /* the bytes as they are */
    struct push framed;  /* as a frame, for WebSockets whose frames the handler makes */
    struct push message; /* for WebSockets whose frames the node makes */
    struct push chunked;
    struct payload *frame, *chunk;
};

/* head, data, tail as one payload; NULL when out of memory. */
static struct payload *join(struct slice head, struct slice data, struct slice tail)
{
    char *bytes;
    struct payload *p = payload_create(head.len + data.len + tail.len, &bytes);
    if (p == NULL)
        return NULL;
    memcpy(bytes, head.ptr, head.len);
    memcpy(bytes + head.len, data.ptr, data.len);
    memcpy(bytes + head.len + data.len, tail.ptr, tail.len);
    return p;
}

static void fill(struct push *out, const struct push *plain, struct payload *form)
{
    *out = *plain;
    out->bytes = slice_of(form->bytes, form->len);
    out->payload = form->len > COPY_MOST ? form : NULL;
}

static bool is_binary(const struct fanout *f)
{
    return f->x->channel.frame == XREPLY_FRAME_BINARY;
}

static struct push *framed(struct fanout *f)
{
    char head[WS_HEAD_ROOM];
    struct slice data = f->plain.bytes;
    if (f->frame == NULL) {
        size_t len = ws_frame_write(head, WS_FIN | (is_binary(f) ? WS_BINARY : WS_TEXT), data.len);
        f->frame = join(slice_of(head, len), data, SLICE(""));
        if (f->frame != NULL)
            fill(&f->framed, &f->plain, f->frame);
    }
    return f->frame != NULL ? &f->framed : NULL;
}

/* RFC 9112 section 7.1. */
static struct push *chunked(struct fanout *f)
{
    char head[CHUNK_ROOM];
    struct slice data = f->plain.bytes;
    if (f->chunk == NULL && data.len > 0) { /* an empty one would be the last */
        int len = snprintf(head, sizeof head, "%zx\r\n", data.len);
        f->chunk = join(slice_of(head, (size_t)len), data, SLICE("\r\n"));
        if (f->chunk != NULL)
            fill(&f->chunked, &f->plain, f->chunk);
    }
    return f->chunk != NULL ? &f->chunked : NULL;
}

static struct push *form_for(struct fanout *f, const struct conn *c)
{
    bool wants_frame = f->x->channel.frame != XREPLY_FRAME_NONE;
    enum push_form form = c->session->form != NULL
                              ? c->session->form(c, wants_frame, f->x->channel.chunk)
                              : FORM_PLAIN;
    switch (form) {
    case FORM_FRAME: return framed(f);
    case FORM_MESSAGE: return &f->message;
    case FORM_CHUNK: return chunked(f);
    case FORM_PLAIN: return f->plain.bytes.len > 0 ? &f->plain : NULL; /* none would close */
    default: return NULL;
    }
}

static void let_go(struct push *p)
{
    payload_unref(p->base64);
    payload_unref(p->ws_deflated[0]);
    payload_unref(p->ws_deflated[1]);
}

size_t fanout(struct inbox *in, const struct xreply *x, const struct push *plain)
{
    struct channel *ch = channels_find(in->channels, x->channel.name);
    struct fanout f = {.x = x, .plain = *plain};
    size_t reached = 0;
    if (ch == NULL)
        return 0;
    f.plain.bytes = x->channel.data;
    f.message = f.plain;
    f.message.kind = is_binary(&f) ? PUSH_BINARY : PUSH_TEXT;
    list_for_each_safe (it, &ch->members) { /* a push may close, but only marks */
        struct conn *c = container_of(it, struct membership, link)->conn;
        struct push *push = NULL;
        if (!conn_is_closing(c) && !c->close_when_flushed)
            push = form_for(&f, c);
        if (push == NULL)
            continue;
        uint64_t before = conn_output_total(c);
        c->session->push(c, push);
        if (in->flow_control)
            flow_account(c, before);
        reached++;
    }
    let_go(&f.plain);
    let_go(&f.message);
    payload_unref(f.frame);
    payload_unref(f.chunk);
    return reached;
}
