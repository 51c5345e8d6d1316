/* Requests, replies, credits and wants are the hot ones; they cost a comparison of the first word
 * and at most a few digits. Dicts appear only when a worker joins. */

#include "proto/wire/pool_frame.h"

#include "proto/base/uuid.h"
#include "proto/wire/tnetstring.h"

#include <string.h>

static const struct {
    struct slice word;
    size_t frame_count; /* at least so many */
} kinds[POOL_FRAME_TYPES] = {
    [POOL_READY] = {SLICE("READY"), 2},     [POOL_WELCOME] = {SLICE("WELCOME"), 2},
    [POOL_REFUSED] = {SLICE("REFUSED"), 2}, [POOL_REQUEST] = {SLICE("REQUEST"), 3},
    [POOL_CREDIT] = {SLICE("CREDIT"), 2},   [POOL_REPLY] = {SLICE("REPLY"), 2},
    [POOL_WANT] = {SLICE("WANT"), 2},       [POOL_RETURN] = {SLICE("RETURN"), 2},
    [POOL_PING] = {SLICE("PING"), 1},       [POOL_PONG] = {SLICE("PONG"), 1},
    [POOL_BYE] = {SLICE("BYE"), 1},
};

const char *pool_frame_name(enum pool_frame_type type)
{
    return (unsigned)type < POOL_FRAME_TYPES ? kinds[type].word.ptr : "?";
}

/* ---- reading ------------------------------------------------------------------------------ */

/* A frame that is exactly one dict; its inside. */
static bool read_dict(struct slice frame, struct slice *dict)
{
    struct tns_reader r;
    struct tns_item item;
    tns_reader_init(&r, frame);
    if (tns_read(&r, &item) != TNS_ITEM || r.at != r.end || item.type != TNS_DICT)
        return false;
    *dict = item.bytes;
    return true;
}

/* A string of the dict; absent gives the empty one. */
static bool read_string(struct slice dict, const char *key, struct slice *out)
{
    struct tns_item item;
    *out = SLICE_EMPTY;
    switch (tns_find(dict, slice_str(key), &item)) {
    case TNS_ITEM: *out = item.bytes; return item.type == TNS_STRING;
    case TNS_END: return true;
    case TNS_BAD: break;
    }
    return false;
}

/* An integer of the dict in [min, max]; absent gives 0. */
static bool read_int(struct slice dict, const char *key, int64_t min, int64_t max, int64_t *out)
{
    struct tns_item item;
    *out = 0;
    enum tns_status status = tns_find(dict, slice_str(key), &item);
    if (status == TNS_ITEM) {
        if (item.type != TNS_INT)
            return false;
        *out = item.integer;
    }
    return status != TNS_BAD && *out >= min && *out <= max;
}

static bool read_ready(struct slice frame, struct pool_frame *f)
{
    struct slice dict;
    int64_t capacity;
    if (!read_dict(frame, &dict) || !read_string(dict, "pool", &f->ready.pool) ||
        !read_string(dict, "worker", &f->ready.worker) ||
        !read_int(dict, "capacity", 1, POOL_CAPACITY_MAX, &capacity) ||
        !read_string(dict, "name", &f->ready.name) || !read_string(dict, "host", &f->ready.host) ||
        !read_int(dict, "pid", 0, INT64_MAX, &f->ready.pid))
        return false;
    f->ready.capacity = (uint32_t)capacity;
    return f->ready.pool.len > 0 && f->ready.pool.len <= POOL_NAME_MAX &&
           uuid_is_valid(f->ready.worker);
}

static bool read_welcome(struct slice frame, struct pool_frame *f)
{
    struct slice dict;
    int64_t heartbeat_ms;
    if (!read_dict(frame, &dict) || !read_string(dict, "node", &f->welcome.node) ||
        !read_string(dict, "cluster", &f->welcome.cluster) ||
        !read_int(dict, "heartbeat", 1, POOL_HEARTBEAT_MS_MAX, &heartbeat_ms))
        return false;
    f->welcome.heartbeat_ms = (uint32_t)heartbeat_ms;
    return uuid_is_valid(f->welcome.node) &&
           (f->welcome.cluster.len == 0 || uuid_is_valid(f->welcome.cluster));
}

static bool read_refused(struct slice frame, struct pool_frame *f)
{
    struct slice dict;
    return read_dict(frame, &dict) && read_string(dict, "error", &f->refused.error);
}

/* A decimal number of at most nine digits, nothing else. */
static bool read_count(struct slice frame, uint32_t min, uint32_t *out)
{
    *out = 0;
    if (frame.len == 0 || frame.len > 9)
        return false;
    for (size_t i = 0; i < frame.len; i++) {
        unsigned digit = (unsigned)frame.ptr[i] - '0';
        if (digit > 9)
            return false;
        *out = *out * 10 + digit;
    }
    return *out >= min;
}

static bool read_id(struct slice frame, struct slice *id)
{
    *id = frame;
    return frame.len > 0 && frame.len <= POOL_REQUEST_ID_MAX;
}

static bool read_body(const struct slice *frames, struct pool_frame *f)
{
    switch (f->type) {
    case POOL_READY: return read_ready(frames[1], f);
    case POOL_WELCOME: return read_welcome(frames[1], f);
    case POOL_REFUSED: return read_refused(frames[1], f);
    case POOL_REQUEST: f->request.message = frames[2]; return read_id(frames[1], &f->request.id);
    case POOL_CREDIT: return read_count(frames[1], 1, &f->credit.count);
    case POOL_REPLY: f->reply.message = frames[1]; return true;
    case POOL_WANT: return read_count(frames[1], 0, &f->want.count);
    case POOL_RETURN: return read_id(frames[1], &f->returned.id);
    case POOL_PING:
    case POOL_PONG:
    case POOL_BYE:
    case POOL_FRAME_TYPES: break;
    }
    return true;
}

enum pool_frame_status pool_frame_decode(const struct slice *frames, size_t count,
                                         struct pool_frame *out)
{
    memset(out, 0, sizeof *out);
    if (count == 0)
        return POOL_FRAME_MALFORMED;
    for (int k = 0; k < POOL_FRAME_TYPES; k++)
        if (slice_eq(frames[0], kinds[k].word)) {
            out->type = (enum pool_frame_type)k;
            return count >= kinds[k].frame_count && read_body(frames, out) ? POOL_FRAME_OK
                                                                           : POOL_FRAME_MALFORMED;
        }
    return POOL_FRAME_UNKNOWN;
}

/* ---- writing ------------------------------------------------------------------------------ */

static void put_ready(struct buf *out, const struct pool_frame *f)
{
    size_t dict = tns_open(out);
    tns_put_pair(out, "pool", f->ready.pool);
    tns_put_pair(out, "worker", f->ready.worker);
    tns_put_pair_int(out, "capacity", f->ready.capacity);
    tns_put_pair(out, "name", f->ready.name);
    tns_put_pair(out, "host", f->ready.host);
    tns_put_pair_int(out, "pid", f->ready.pid);
    tns_close_dict(out, dict);
}

static void put_welcome(struct buf *out, const struct pool_frame *f)
{
    size_t dict = tns_open(out);
    tns_put_pair(out, "node", f->welcome.node);
    tns_put_pair(out, "cluster", f->welcome.cluster);
    tns_put_pair_int(out, "heartbeat", f->welcome.heartbeat_ms);
    tns_close_dict(out, dict);
}

static void put_refused(struct buf *out, const struct pool_frame *f)
{
    size_t dict = tns_open(out);
    tns_put_pair(out, "error", f->refused.error);
    tns_close_dict(out, dict);
}

size_t pool_frame_encode(const struct pool_frame *f, struct slice frames[POOL_FRAMES_MAX],
                         struct buf *scratch)
{
    buf_clear(scratch);
    frames[0] = kinds[f->type].word;
    switch (f->type) {
    case POOL_READY: put_ready(scratch, f); break;
    case POOL_WELCOME: put_welcome(scratch, f); break;
    case POOL_REFUSED: put_refused(scratch, f); break;
    case POOL_CREDIT: buf_append_uint(scratch, f->credit.count); break;
    case POOL_WANT: buf_append_uint(scratch, f->want.count); break;
    case POOL_REQUEST:
        frames[1] = f->request.id;
        frames[2] = f->request.message;
        return 3;
    case POOL_REPLY: frames[1] = f->reply.message; return 2;
    case POOL_RETURN: frames[1] = f->returned.id; return 2;
    case POOL_PING:
    case POOL_PONG:
    case POOL_BYE:
    case POOL_FRAME_TYPES: return 1;
    }
    frames[1] = buf_slice(scratch);
    return 2;
}
