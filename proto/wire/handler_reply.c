/* A hand-written pass over the bytes: this runs once per reply, and replies come in bursts. */

#include "proto/wire/handler_reply.h"

#include "proto/wire/netstring.h"
#include "proto/wire/tnetstring.h"

const char *handler_reply_status_text(enum handler_reply_status status)
{
    switch (status) {
    case HANDLER_REPLY_OK: return "The reply is well formed.";
    case HANDLER_REPLY_BAD_SENDER:
        return "The reply must begin with a UUID of letters, digits and dashes, and a space.";
    case HANDLER_REPLY_BAD_LENGTH:
        return "The targets of the reply must be a netstring, LENGTH:IDS, with the exact length.";
    case HANDLER_REPLY_BAD_TARGETS:
        return "The targets of the reply must be decimal ids with one space between them.";
    case HANDLER_REPLY_ID_RANGE: return "A target of the reply does not fit 32 bits.";
    case HANDLER_REPLY_NO_TARGETS: return "The reply names no target.";
    case HANDLER_REPLY_TOO_MANY_TARGETS:
        return "The reply names more targets than limits.handler_targets allows.";
    case HANDLER_REPLY_NO_SPACE: return "One space must follow the targets of the reply.";
    }
    return "The reply is malformed.";
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_sender_byte(char c)
{
    char folded = (char)(c | 0x20);
    return is_digit(c) || c == '-' || (folded >= 'a' && folded <= 'z');
}

/* Digits at *p up to something else, leading zeros allowed; false when the number is too large. */
static bool read_id(const char **p, const char *end, uint32_t *id)
{
    uint64_t n = 0;
    for (; *p < end && is_digit(**p); ++*p) {
        n = n * 10 + (unsigned)(**p - '0');
        if (n > UINT32_MAX)
            return false;
    }
    *id = (uint32_t)n;
    return true;
}

/* `ID[ ID...][ ]` */
static enum handler_reply_status check_ids(struct slice ids, size_t max, size_t *count)
{
    const char *p = ids.ptr, *end = p + ids.len;
    uint32_t id;
    for (*count = 0; p < end; ++*count) {
        if (!is_digit(*p))
            return HANDLER_REPLY_BAD_TARGETS;
        if (*count == max)
            return HANDLER_REPLY_TOO_MANY_TARGETS;
        if (!read_id(&p, end, &id))
            return HANDLER_REPLY_ID_RANGE;
        if (p < end && *p++ != ' ')
            return HANDLER_REPLY_BAD_TARGETS;
    }
    return HANDLER_REPLY_OK;
}

enum handler_reply_status handler_reply_parse(struct slice bytes, size_t targets_max,
                                              struct handler_reply *out)
{
    struct handler_reply r = {.extended = false};
    size_t len = 0;
    while (len < bytes.len && is_sender_byte(bytes.ptr[len]))
        len++;
    if (len == 0 || len == bytes.len || bytes.ptr[len] != ' ')
        return HANDLER_REPLY_BAD_SENDER;
    r.sender = slice_of(bytes.ptr, len);
    struct slice rest = slice_from(bytes, len + 1);
    if (netstring_read(&rest, &r.ids) != 0)
        return HANDLER_REPLY_BAD_LENGTH;
    if (slice_eq(r.ids, SLICE("X")) || slice_starts_with(r.ids, SLICE("X "))) {
        r.extended = true;
        r.ids = slice_from(r.ids, r.ids.len > 1 ? 2 : 1);
    }
    enum handler_reply_status status = check_ids(r.ids, targets_max, &r.id_count);
    if (status != HANDLER_REPLY_OK)
        return status;
    if (r.id_count == 0 && !r.extended)
        return HANDLER_REPLY_NO_TARGETS;
    if (rest.len == 0 || rest.ptr[0] != ' ')
        return HANDLER_REPLY_NO_SPACE;
    r.payload = slice_from(rest, 1);
    *out = r;
    return HANDLER_REPLY_OK;
}

bool handler_reply_next(struct slice *ids, uint32_t *id)
{
    if (ids->len == 0)
        return false;
    const char *p = ids->ptr, *end = p + ids->len;
    read_id(&p, end, id);
    if (p < end)
        p++;
    *ids = slice_of(p, (size_t)(end - p));
    return true;
}

void handler_reply_encode_head(struct buf *out, struct slice sender, const uint32_t *ids,
                               size_t id_count, bool extended)
{
    buf_append_slice(out, sender);
    buf_append_char(out, ' ');
    size_t mark = tns_open(out);
    if (extended)
        buf_append_char(out, 'X');
    for (size_t i = 0; i < id_count; i++) {
        if (i > 0 || extended)
            buf_append_char(out, ' ');
        buf_append_uint(out, ids[i]);
    }
    tns_close_string(out, mark);
    buf_append_char(out, ' ');
}

void handler_reply_encode(struct buf *out, struct slice sender, const uint32_t *ids,
                          size_t id_count, bool extended, struct slice payload)
{
    handler_reply_encode_head(out, sender, ids, id_count, extended);
    buf_append_slice(out, payload);
}
