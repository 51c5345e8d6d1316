#include "proto/view/html.h"

static const char *entity(unsigned char c)
{
    switch (c) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    default: return c < 0x20 || c == 0x7f ? " " : NULL;
    }
}

void html_put(struct buf *out, struct slice text)
{
    size_t from = 0;
    for (size_t i = 0; i < text.len; i++) {
        const char *instead = entity((unsigned char)text.ptr[i]);
        if (instead == NULL)
            continue;
        buf_append(out, text.ptr + from, i - from);
        buf_append_str(out, instead);
        from = i + 1;
    }
    if (from < text.len)
        buf_append_slice(out, slice_from(text, from));
}

void html_put_str(struct buf *out, const char *text)
{
    html_put(out, slice_str(text));
}

void html_put_command(struct buf *out, const char *command)
{
    buf_append_str(out, "<code>");
    html_put_str(out, command);
    buf_append_str(out, "</code>");
}
