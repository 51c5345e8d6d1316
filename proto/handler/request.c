/* What a request says. Headers are read when they are first asked for, because a handler that looks
 * only at the path or the body should not pay for them; malformed ones count as none. */

#include "proto/handler/handler.h"

#include <string.h>

struct m2_slice m2_request_sender(const struct m2_request *r)
{
    return slice_out(r->parts.sender);
}

uint32_t m2_request_conn_id(const struct m2_request *r)
{
    return r->parts.conn_id;
}

struct m2_slice m2_request_path(const struct m2_request *r)
{
    return slice_out(r->parts.path);
}

struct m2_slice m2_request_body(const struct m2_request *r)
{
    return slice_out(r->parts.body);
}

struct m2_slice m2_request_message(const struct m2_request *r)
{
    zmq_msg_t *message = (zmq_msg_t *)&r->message; /* ZeroMQ's accessors know no const */
    return m2_bytes(zmq_msg_data(message), zmq_msg_size(message));
}

/* ---- headers ------------------------------------------------------------------------------ */

static void parse(struct m2_request *r)
{
    if (r->is_parsed)
        return;
    r->is_parsed = true;
    if (handler_message_headers(&r->parts, &r->arena, &r->fields, &r->field_count, NULL) != 0)
        r->field_count = 0;
}

/* The value of the first field of this name from *at on, which moves behind it. */
static bool find(struct m2_request *r, struct slice name, size_t *at, struct slice *value)
{
    parse(r);
    for (; *at < r->field_count; ++*at)
        if (slice_eq(r->fields[*at].name, name)) {
            *value = r->fields[(*at)++].value;
            return true;
        }
    return false;
}

static struct slice first(struct m2_request *r, struct slice name)
{
    size_t at = 0;
    struct slice value = {NULL, 0};
    find(r, name, &at, &value);
    return value;
}

struct m2_slice m2_request_header(struct m2_request *r, const char *name)
{
    return slice_out(first(r, slice_str(name)));
}

size_t m2_request_header_count(struct m2_request *r)
{
    parse(r);
    return r->field_count;
}

void m2_request_header_at(struct m2_request *r, size_t i, struct m2_slice *name,
                          struct m2_slice *value)
{
    parse(r);
    bool is_there = i < r->field_count;
    *name = is_there ? slice_out(r->fields[i].name) : m2_bytes(NULL, 0);
    *value = is_there ? slice_out(r->fields[i].value) : m2_bytes(NULL, 0);
}

/* A decimal number; 0 for anything else. */
static uint64_t number(struct slice s)
{
    uint64_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned)s.ptr[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, digit, &n))
            return 0;
    }
    return n;
}

/* ---- what it is --------------------------------------------------------------------------- */

struct m2_slice m2_request_method(struct m2_request *r)
{
    struct slice method = first(r, SLICE("METHOD"));
    return slice_out(method.ptr != NULL ? method : SLICE_EMPTY);
}

static enum handler_notice notice_of(struct m2_request *r, uint64_t *credits)
{
    if (!slice_eq(r->parts.path, SLICE("@*")))
        return HANDLER_NOTICE_NONE;
    parse(r);
    return handler_message_notice(&r->parts, r->fields, r->field_count, credits);
}

bool m2_request_is_disconnect(struct m2_request *r)
{
    uint64_t credits;
    return notice_of(r, &credits) == HANDLER_NOTICE_DISCONNECT;
}

bool m2_request_is_credits(struct m2_request *r, uint64_t *credits)
{
    return notice_of(r, credits) == HANDLER_NOTICE_CREDITS;
}

/* Is `word` one of the comma-separated tokens? */
static bool has_token(struct slice list, struct slice word)
{
    while (list.len > 0) {
        size_t len = slice_find(list, ',');
        if (slice_eq_nocase(slice_trim(slice_of(list.ptr, len)), word))
            return true;
        list = slice_from(list, len < list.len ? len + 1 : len);
    }
    return false;
}

bool m2_request_should_close(struct m2_request *r)
{
    size_t at = 0;
    struct slice value;
    while (find(r, SLICE("connection"), &at, &value))
        if (has_token(value, SLICE("close")))
            return true;
    value = first(r, SLICE("VERSION"));
    return value.ptr != NULL && slice_eq(value, SLICE("HTTP/1.0"));
}

unsigned m2_request_flags(struct m2_request *r)
{
    struct slice value = first(r, SLICE("FLAGS"));
    unsigned flags = 0;
    if (value.ptr == NULL || value.len != 4 || !slice_starts_with(value, SLICE("0x")))
        return 0;
    for (size_t i = 2; i < value.len; i++) {
        static const char digits[] = "0123456789abcdef";
        const char *digit = memchr(digits, value.ptr[i] | 0x20, 16);
        if (digit == NULL)
            return 0;
        flags = flags << 4 | (unsigned)(digit - digits);
    }
    return flags;
}

/* ---- uploads ------------------------------------------------------------------------------ */

bool m2_request_is_upload_start(struct m2_request *r, struct m2_slice *path)
{
    struct slice start = first(r, SLICE("x-mongrel2-upload-start"));
    *path = slice_out(start);
    return start.ptr != NULL && first(r, SLICE("x-mongrel2-upload-done")).ptr == NULL;
}

bool m2_request_is_upload_done(struct m2_request *r, struct m2_slice *path)
{
    size_t at = 0, done_at = 0;
    struct slice start, done, more;
    *path = m2_bytes(NULL, 0);
    if (!find(r, SLICE("x-mongrel2-upload-start"), &at, &start) ||
        !find(r, SLICE("x-mongrel2-upload-done"), &done_at, &done) || !slice_eq(start, done))
        return false;
    /* servers that do not strip these headers let a client add its own */
    if (find(r, SLICE("x-mongrel2-upload-start"), &at, &more) ||
        find(r, SLICE("x-mongrel2-upload-done"), &done_at, &more))
        return false;
    *path = slice_out(done);
    return true;
}

bool m2_request_is_upload_piece(struct m2_request *r, uint64_t *offset, bool *last)
{
    struct slice value = first(r, SLICE("UPLOAD_STREAM"));
    *offset = number(value);
    *last = first(r, SLICE("UPLOAD_STREAM_DONE")).ptr != NULL;
    return value.ptr != NULL;
}
