/* Renders a parsed request head as text, so that two ways of parsing the same bytes can be compared
 * whole: everything public, slices as offset+length. */
#ifndef TESTS_UNIT_PROTO_HTTP_HEAD_TEXT_H
#define TESTS_UNIT_PROTO_HTTP_HEAD_TEXT_H

#include "proto/base/buf.h"
#include "proto/http/request_head.h"

static inline void head_text_slice(struct buf *b, const char *name, struct slice s,
                                   const char *bytes, size_t len)
{
    if (s.ptr >= bytes && s.ptr <= bytes + len)
        buf_printf(b, "%s=%zd+%zu ", name, s.ptr - bytes, s.len);
    else
        buf_printf(b, "%s=outside+%zu ", name, s.len);
}

static inline void head_text(struct buf *b, enum parse_result r, const struct request_head *h,
                             const char *bytes, size_t len)
{
    buf_clear(b);
    buf_printf(b, "result=%d ", r);
    if (r == PARSE_BAD) {
        buf_printf(b, "fault=%d offset=%zu", h->fault, h->offset);
        return;
    }
    if (r != PARSE_DONE)
        return;
    head_text_slice(b, "method", h->method, bytes, len);
    head_text_slice(b, "target", h->target, bytes, len);
    head_text_slice(b, "path", h->path, bytes, len);
    head_text_slice(b, "uri", h->uri, bytes, len);
    head_text_slice(b, "query", h->query, bytes, len);
    head_text_slice(b, "fragment", h->fragment, bytes, len);
    head_text_slice(b, "authority", h->authority, bytes, len);
    head_text_slice(b, "host", h->host, bytes, len);
    buf_printf(b, "id=%d form=%d minor=%d q=%d f=%d ka=%d ec=%d eu=%d ch=%d body=%d ws=%d ",
               h->method_id, h->form, h->version_minor, h->has_query, h->has_fragment,
               h->keep_alive, h->expect_continue, h->expect_unknown, h->chunked, h->has_body,
               h->upgrade_websocket + 2 * h->is_websocket);
    buf_printf(b, "port=%d length=%lld len=%zu\n", (int)h->port, (long long)h->content_length,
               h->len);
    for (size_t i = 0; i < h->fields.count; i++) {
        const struct http_field *f = &h->fields.items[i];
        buf_printf(b, "%d ", f->id);
        head_text_slice(b, "name", f->name, bytes, len);
        head_text_slice(b, "value", f->value, bytes, len);
    }
    buf_printf(b, "present=%llx repeated=%llx", (unsigned long long)h->fields.present,
               (unsigned long long)h->fields.repeated);
}

#endif
