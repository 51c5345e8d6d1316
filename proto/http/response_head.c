/* Like request_head.c: the status line is taken whole, then the field lines, each once. */

#include "proto/http/response_head.h"

#include "proto/http/framing.h"
#include "proto/http/scan.h"

#include <string.h>

void response_head_init(struct response_head *h, struct http_field *fields, size_t capacity)
{
    memset(h, 0, sizeof *h);
    h->reason = SLICE_EMPTY;
    h->content_length = -1;
    field_list_init(&h->fields, fields, capacity);
}

static void rebase(struct slice *s, const char *from, const char *to, size_t len)
{
    if (s->ptr >= from && s->ptr <= from + len)
        s->ptr = to + (s->ptr - from);
}

void response_head_rebase(struct response_head *h, const char *bytes)
{
    const char *from = h->base;
    h->base = bytes;
    if (from == bytes || from == NULL)
        return;
    rebase(&h->reason, from, bytes, h->parsed);
    for (size_t i = 0; i < h->fields.count; i++) {
        rebase(&h->fields.items[i].name, from, bytes, h->parsed);
        rebase(&h->fields.items[i].value, from, bytes, h->parsed);
    }
}

static enum parse_result bad(struct response_head *h, const char *at, enum parse_fault fault)
{
    h->fault = fault;
    h->offset = (size_t)(at - h->base);
    return PARSE_BAD;
}

int response_status_line(struct slice line, uint8_t *minor)
{
    static const char form[] = "HTTP/1.";
    size_t len = line.len < sizeof form - 1 ? line.len : sizeof form - 1;
    if (memcmp(line.ptr, form, len) != 0)
        return -1;
    static const char shape[] = "0 000"; /* behind "HTTP/1." */
    int status = 0;
    for (size_t i = len; i < line.len && i < 12; i++) {
        char c = line.ptr[i];
        if (shape[i - 7] == ' ' ? c != ' ' : !scan_is(c, BYTE_DIGIT))
            return -1;
        if (i > 8)
            status = status * 10 + (c - '0');
    }
    if (line.len < 12)
        return 0;
    *minor = line.ptr[7] != '0';
    return status >= 100 ? status : -1;
}

/* The status line with its line end. DONE: *at is behind it. */
static enum parse_result take_status_line(struct response_head *h, const char **at, const char *end)
{
    const char *p = h->base;
    int status = response_status_line(slice_of(p, (size_t)(end - p)), &h->version_minor);
    if (status < 0)
        return bad(h, p, FAULT_STATUS);
    if (status == 0 || end - p == 12)
        return PARSE_MORE;
    const char *stop = p + 12;
    if (*stop == ' ')
        stop = scan_value(++stop, end);
    if (stop == end)
        return PARSE_MORE;
    if (*stop == '\r') {
        if (end - stop < 2)
            return PARSE_MORE;
        if (stop[1] != '\n')
            return bad(h, stop, FAULT_BARE_CR);
    } else if (*stop != '\n') {
        return bad(h, stop, FAULT_STATUS);
    }
    h->status = status;
    size_t skip = stop > p + 12 ? 13 : 12;
    h->reason = slice_of(p + skip, (size_t)(stop - p) - skip);
    *at = stop + (*stop == '\r' ? 2 : 1);
    return PARSE_DONE;
}

/* RFC 9112 section 6.3, in its order. Framing that a request would be refused for is refused here
 * too: a response that two parties read differently poisons the connection for others. */
static enum parse_fault read_framing(struct response_head *h, enum method_id method)
{
    enum parse_fault fault = framing_read(&h->fields, h->version_minor, &h->content_length,
                                          &h->chunked);
    if (fault != FAULT_NONE)
        return fault;
    h->no_body = method == METHOD_HEAD || h->status < 200 || h->status == 204 || h->status == 304;
    h->until_close = !h->no_body && !h->chunked && h->content_length < 0;
    h->keep_alive = !h->until_close &&
                    framing_keeps_alive(framing_connection(&h->fields), h->version_minor);
    return FAULT_NONE;
}

static enum parse_result wait_for_more(struct response_head *h, const char *end,
                                       const struct response_limits *limits)
{
    h->seen = (size_t)(end - h->base);
    return h->seen < limits->head_bytes ? PARSE_MORE : bad(h, end, FAULT_HEAD_BYTES);
}

enum parse_result response_head_parse(struct response_head *h, const char *bytes, size_t len,
                                      enum method_id method, const struct response_limits *limits)
{
    response_head_rebase(h, bytes);
    const char *end = bytes + len, *at = bytes + h->parsed;
    if (h->seen > 0 && memchr(bytes + h->seen, '\n', len - h->seen) == NULL)
        return wait_for_more(h, end, limits);
    if (!h->has_line) {
        enum parse_result r = take_status_line(h, &at, end);
        if (r != PARSE_DONE)
            return r == PARSE_MORE ? wait_for_more(h, end, limits) : r;
        h->has_line = true;
        h->parsed = (size_t)(at - bytes);
    }
    enum parse_fault fault;
    enum parse_result r = field_lines_parse(&h->fields, &at, end, limits->fields, &fault);
    if (r == PARSE_BAD)
        return bad(h, at, fault);
    h->parsed = h->seen = (size_t)(at - bytes);
    if (r == PARSE_MORE)
        return wait_for_more(h, end, limits);
    if (r == PARSE_FULL)
        return r;
    if (h->parsed > limits->head_bytes)
        return bad(h, bytes + limits->head_bytes, FAULT_HEAD_BYTES);
    h->len = h->parsed;
    fault = read_framing(h, method);
    return fault == FAULT_NONE ? PARSE_DONE : bad(h, at, fault);
}
