/* Line by line: of a head only the status line and three fields matter, so nothing else is looked
 * at beyond its length and its line end. */

#include "proto/http/reply_watch.h"

#include "proto/http/fields.h"
#include "proto/http/response_head.h"

#include <string.h>

void reply_watch_init(struct reply_watch *w, enum method_id method)
{
    memset(w, 0, offsetof(struct reply_watch, line));
    w->part = REPLY_STATUS_LINE;
    w->length = -1;
    w->method = method;
}

static void last_until_close(struct reply_watch *w)
{
    w->part = REPLY_UNTIL_CLOSE;
    w->close = true;
    w->length = -1;
    uint64_t received = w->body.received;
    body_init_until_close(&w->body);
    w->body.received = received;
}

static void take_status_line(struct reply_watch *w, struct slice line)
{
    int status = response_status_line(line, &w->minor);
    if (status <= 0) {
        last_until_close(w);
        return;
    }
    w->status = status;
    w->is_http = true;
    w->part = REPLY_FIELDS;
}

/* What was not seen, or can be read in two ways, may say close: then it does. */
static void doubt(struct reply_watch *w)
{
    w->unsure = true;
    w->close = true;
}

static void take_length(struct reply_watch *w, struct slice value)
{
    int64_t length = fields_number(value);
    if (length < 0 || (w->length >= 0 && w->length != length))
        doubt(w);
    w->length = length;
}

static void take_codings(struct reply_watch *w, struct slice value)
{
    struct slice coding;
    w->coded = true;
    while (fields_next(&value, &coding)) {
        if (w->chunked)
            doubt(w);
        w->chunked = slice_eq_nocase(coding, SLICE("chunked"));
    }
}

/* Options have no parameters (RFC 9110 section 7.6.1): read as framing_connection reads them. */
static void take_options(struct reply_watch *w, struct slice value)
{
    struct slice option;
    while (fields_next(&value, &option)) {
        w->close = w->close || slice_eq_nocase(option, SLICE("close"));
        w->keep_alive = w->keep_alive || slice_eq_nocase(option, SLICE("keep-alive"));
    }
}

static void take_field(struct reply_watch *w, struct slice line)
{
    size_t colon = slice_find(line, ':');
    if (line.ptr[0] == ' ' || line.ptr[0] == '\t') {
        doubt(w); /* folded: it may belong to one of ours */
        return;
    }
    if (colon == line.len || (colon != 10 && colon != 14 && colon != 17))
        return;
    enum field_id id = field_name_id(slice_of(line.ptr, colon));
    if (id != FIELD_CONNECTION && id != FIELD_CONTENT_LENGTH && id != FIELD_TRANSFER_ENCODING)
        return;
    struct slice value = slice_trim(slice_from(line, colon + 1));
    if (w->line_cut)
        doubt(w);
    if (id == FIELD_CONTENT_LENGTH) {
        take_length(w, value);
    } else if (id == FIELD_TRANSFER_ENCODING) {
        take_codings(w, value);
    } else {
        take_options(w, value);
    }
}

/* The head is complete: RFC 9112 section 6.3. */
static void take_end_of_head(struct reply_watch *w)
{
    if (w->status == 101) {
        w->upgraded = true;
        last_until_close(w);
        return;
    }
    if (w->status < 200) {
        reply_watch_init(w, w->method);
        return;
    }
    if (w->minor == 0 && !w->keep_alive)
        w->close = true;
    if (w->method == METHOD_HEAD || w->status == 204 || w->status == 304) {
        w->part = REPLY_DONE;
        return;
    }
    bool both = w->coded && w->length >= 0;
    if (w->unsure || both || (w->coded && (!w->chunked || w->minor == 0)) ||
        (!w->coded && w->length < 0)) {
        last_until_close(w);
        return;
    }
    body_init(&w->body, w->chunked, w->length);
    w->part = body_is_done(&w->body) ? REPLY_DONE : REPLY_BODY;
}

/* One line of the head without its LF. */
static void take_line(struct reply_watch *w, struct slice line)
{
    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    if (w->part == REPLY_STATUS_LINE)
        take_status_line(w, line);
    else if (line.len == 0)
        take_end_of_head(w);
    else
        take_field(w, line);
}

/* Keeps the beginning of a line that goes on in the next piece. */
static void keep(struct reply_watch *w, struct slice part)
{
    size_t room = REPLY_WATCH_LINE - w->line_len;
    size_t len = part.len < room ? part.len : room;
    memcpy(w->line + w->line_len, part.ptr, len);
    w->line_len = (uint8_t)(w->line_len + len);
    w->line_cut = w->line_cut || len < part.len;
}

/* The next line of the head, or part of it: how many bytes were taken. What turns out not to be
 * HTTP is not taken, it is content. */
static size_t feed_head(struct reply_watch *w, struct slice bytes)
{
    size_t kept = w->line_len, lf = slice_find(bytes, '\n');
    struct slice line = slice_of(bytes.ptr, lf);
    if (kept > 0 || lf == bytes.len) {
        keep(w, line);
        line = slice_of(w->line, w->line_len);
    }
    uint8_t minor;
    if (lf < bytes.len) {
        w->line_len = 0;
        take_line(w, line);
        w->line_cut = false;
    } else if (w->part == REPLY_STATUS_LINE && response_status_line(line, &minor) < 0) {
        last_until_close(w); /* at once: a stream that is not HTTP may never send an LF */
    }
    if (w->part == REPLY_UNTIL_CLOSE && !w->is_http) {
        w->body.received = kept;
        return 0;
    }
    return lf < bytes.len ? lf + 1 : lf;
}

size_t reply_watch_feed(struct reply_watch *w, struct slice bytes)
{
    size_t used = 0, step;
    while (used < bytes.len && w->part != REPLY_DONE) {
        struct slice rest = slice_from(bytes, used);
        if (w->part == REPLY_STATUS_LINE || w->part == REPLY_FIELDS) {
            used += feed_head(w, rest);
            continue;
        }
        enum parse_result r = body_skip(&w->body, rest, &step);
        used += step;
        if (r == PARSE_DONE)
            w->part = REPLY_DONE;
        else if (r == PARSE_BAD)
            last_until_close(w);
    }
    return used;
}

void reply_watch_content(struct reply_watch *w, uint64_t len)
{
    if (w->part == REPLY_DONE || len == 0)
        return;
    if (w->part != REPLY_BODY || !body_content(&w->body, len)) {
        last_until_close(w);
        w->body.received += len;
    }
    if (w->part == REPLY_BODY && body_is_done(&w->body))
        w->part = REPLY_DONE;
}
