/* One request costs one message, so this is a hot path. Both forms are written in two quick steps:
 * add up the lengths, reserve once, then copy in words of eight bytes behind a bare pointer. For
 * JSON the sum assumes that nothing has to be escaped; the copy collects whether that was so, and
 * in the rare other case the headers are written again by the general functions of json.h.
 *
 * Copies may write up to seven bytes behind their end, into room that is reserved for it (SLACK);
 * they never read behind their source. */

#include "proto/wire/handler_request.h"

#include "proto/wire/json.h"
#include "proto/wire/netstring.h"
#include "proto/wire/tnetstring.h"
#include "proto/wire/word.h"

#include <string.h>

#define SLACK 16

struct key_name {
    struct slice name;
    struct slice tnet; /* as a tnetstring */
};

#define KEY(text, len)                        \
    {                                         \
        SLICE(text), SLICE(#len ":" text ",") \
    }
static const struct key_name key_names[HANDLER_KEY_COUNT] = {
    [HANDLER_KEY_PATH] = KEY("PATH", 4),
    [HANDLER_KEY_METHOD] = KEY("METHOD", 6),
    [HANDLER_KEY_VERSION] = KEY("VERSION", 7),
    [HANDLER_KEY_URI] = KEY("URI", 3),
    [HANDLER_KEY_QUERY] = KEY("QUERY", 5),
    [HANDLER_KEY_FRAGMENT] = KEY("FRAGMENT", 8),
    [HANDLER_KEY_PATTERN] = KEY("PATTERN", 7),
    [HANDLER_KEY_URL_SCHEME] = KEY("URL_SCHEME", 10),
    [HANDLER_KEY_REMOTE_ADDR] = KEY("REMOTE_ADDR", 11),
};

enum handler_format handler_format_from_name(struct slice protocol)
{
    return slice_eq(protocol, SLICE("tnetstring")) ? HANDLER_TNETSTRING : HANDLER_JSON;
}

/* ---- copying ----------------------------------------------------------------------------- */

/* Where the bytes go, and whether any was not clean. */
struct out {
    char *at;
    uint64_t dirty;
};

static inline __attribute__((always_inline)) uint64_t put_word(char *to, uint64_t x, bool fold)
{
    if (fold)
        x = word_lower(x);
    memcpy(to, &x, 8);
    return word_not_clean(x);
}

/* The last word overlaps the one before, so that the common lengths need no loop over bytes. */
static inline __attribute__((always_inline)) void put_text(struct out *o, struct slice s, bool fold)
{
    char *to = o->at;
    o->at += s.len;
    if (s.len < 8) {
        o->dirty |= put_word(to, word_load(s.ptr, s.len), fold);
        return;
    }
    size_t last = s.len - 8;
    for (size_t i = 0; i < last; i += 8)
        o->dirty |= put_word(to + i, word_load(s.ptr + i, 8), fold);
    o->dirty |= put_word(to + last, word_load(s.ptr + last, 8), fold);
}

static inline void put(struct out *o, struct slice s)
{
    put_text(o, s, false);
}

static inline void put_lower(struct out *o, struct slice s)
{
    put_text(o, s, true);
}

static inline void put_char(struct out *o, char c)
{
    *o->at++ = c;
}

static void put_number(struct out *o, size_t n)
{
    size_t digits = netstring_digits(n);
    for (char *p = o->at + digits; p > o->at; n /= 10)
        *--p = (char)('0' + n % 10);
    o->at += digits;
}

/* ---- repeated fields ---------------------------------------------------------------------- */

#define NONE UINT16_MAX

/* What to do with the field of the same index. */
struct group {
    uint16_t shown; /* values of this name to write here; 0: written elsewhere, or left out */
    uint16_t next;  /* the next field of that name */
    uint16_t last;
};

/* What is handed around while one request is written. */
struct encode {
    const struct handler_request *r;
    size_t field_count;
    struct group *groups;
};

static uint32_t name_hash(struct slice name, uint64_t seed)
{
    uint64_t h = seed + name.len;
    for (size_t i = 0; i < name.len; i += 8) {
        h = (h ^ word_lower(word_load(name.ptr + i, name.len - i))) * 0x9e3779b97f4a7c15u;
        h ^= h >> 32;
    }
    return (uint32_t)h;
}

/* Finds fields of one name by a hash table on the stack, so that a request with many fields costs
 * no square of their number. The connection id seeds it: a client does not choose that. */
static void group_fields(const struct encode *e)
{
    uint16_t slots[2 * HANDLER_FIELDS_MAX];
    size_t size = 32;
    while (size < 2 * e->field_count)
        size *= 2;
    memset(slots, 0xff, size * sizeof slots[0]);
    for (uint16_t i = 0; i < e->field_count; i++) {
        struct slice name = e->r->fields[i].name;
        e->groups[i] = (struct group){0, NONE, i};
        if (name.ptr == NULL)
            continue;
        size_t slot = name_hash(name, e->r->conn_id) & (size - 1);
        while (slots[slot] != NONE && !slice_eq_nocase(e->r->fields[slots[slot]].name, name))
            slot = (slot + 1) & (size - 1);
        if (slots[slot] == NONE) {
            slots[slot] = i;
            e->groups[i].shown = 1;
            continue;
        }
        struct group *first = &e->groups[slots[slot]];
        if (first->shown == HANDLER_VALUES_MAX)
            continue;
        first->shown++;
        e->groups[first->last].next = i;
        first->last = i;
    }
}

/* All shown fields of the name of field `first`. */
#define group_for_each(e, it, first) \
    for (uint16_t it = (first); it != NONE; it = (e)->groups[it].next)

/* ---- JSON --------------------------------------------------------------------------------- */

/* Each pair as `"name":"value",`: 6 bytes more than name and value; the last comma is overwritten
 * by the brace. */
static size_t json_len(const struct encode *e)
{
    const struct handler_request *r = e->r;
    size_t len = 2;
    bool empty = true;
    for (int k = 0; k < HANDLER_KEY_COUNT; k++)
        if (r->keys[k].ptr != NULL) {
            len += key_names[k].name.len + r->keys[k].len + 6;
            empty = false;
        }
    for (uint16_t i = 0; i < e->field_count; i++) {
        if (e->groups[i].shown == 0)
            continue;
        empty = false;
        len += r->fields[i].name.len + 3 + (e->groups[i].shown > 1 ? 2 : 0);
        group_for_each(e, v, i) len += r->fields[v].value.len + 3;
    }
    for (size_t i = 0; i < r->extra_count; i++) {
        len += r->extras[i].name.len + r->extras[i].value.len + 6;
        empty = false;
    }
    return empty ? len : len - 1;
}

static inline void json_pair(struct out *o, struct slice name, struct slice value)
{
    put_char(o, '"');
    put(o, name);
    memcpy(o->at, "\":\"", 3);
    o->at += 3;
    put(o, value);
    memcpy(o->at, "\",", 2);
    o->at += 2;
}

static inline void json_field(struct out *o, const struct encode *e, uint16_t i)
{
    bool list = e->groups[i].shown > 1;
    put_char(o, '"');
    put_lower(o, e->r->fields[i].name);
    memcpy(o->at, "\":[", 3);
    o->at += list ? 3 : 2;
    group_for_each(e, v, i)
    {
        put_char(o, '"');
        put(o, e->r->fields[v].value);
        memcpy(o->at, "\",", 2);
        o->at += 2;
    }
    if (list) {
        memcpy(o->at - 1, "],", 2);
        o->at++;
    }
}

/* The object, given that it is clean. */
static void json_fast(struct out *o, const struct encode *e)
{
    const struct handler_request *r = e->r;
    char *start = o->at;
    put_char(o, '{');
    if (r->keys[HANDLER_KEY_PATH].ptr != NULL)
        json_pair(o, key_names[HANDLER_KEY_PATH].name, r->keys[HANDLER_KEY_PATH]);
    for (uint16_t i = 0; i < e->field_count; i++)
        if (e->groups[i].shown > 0)
            json_field(o, e, i);
    for (size_t i = 0; i < r->extra_count; i++)
        json_pair(o, r->extras[i].name, r->extras[i].value);
    for (int k = HANDLER_KEY_PATH + 1; k < HANDLER_KEY_COUNT; k++)
        if (r->keys[k].ptr != NULL)
            json_pair(o, key_names[k].name, r->keys[k]);
    if (o->at > start + 1)
        o->at--;
    put_char(o, '}');
}

static void slow_pair(struct buf *out, struct slice name, struct slice value)
{
    json_put_string(out, name);
    buf_append_char(out, ':');
    json_put_string(out, value);
    buf_append_char(out, ',');
}

static void slow_field(struct buf *out, const struct encode *e, uint16_t i)
{
    bool list = e->groups[i].shown > 1;
    size_t start = out->len;
    json_put_string(out, e->r->fields[i].name);
    for (size_t at = start; at < out->len; at++) /* escapes have no upper-case letters */
        if (out->data[at] >= 'A' && out->data[at] <= 'Z')
            out->data[at] |= 0x20;
    buf_append_str(out, list ? ":[" : ":");
    group_for_each(e, v, i)
    {
        json_put_string(out, e->r->fields[v].value);
        buf_append_char(out, ',');
    }
    if (list && !out->failed) {
        out->data[out->len - 1] = ']';
        buf_append_char(out, ',');
    }
}

/* The netstring with the object, with escapes. */
static void json_slow(struct buf *out, const struct encode *e)
{
    const struct handler_request *r = e->r;
    size_t mark = tns_open(out);
    buf_append_char(out, '{');
    if (r->keys[HANDLER_KEY_PATH].ptr != NULL)
        slow_pair(out, key_names[HANDLER_KEY_PATH].name, r->keys[HANDLER_KEY_PATH]);
    for (uint16_t i = 0; i < e->field_count; i++)
        if (e->groups[i].shown > 0)
            slow_field(out, e, i);
    for (size_t i = 0; i < r->extra_count; i++)
        slow_pair(out, r->extras[i].name, r->extras[i].value);
    for (int k = HANDLER_KEY_PATH + 1; k < HANDLER_KEY_COUNT; k++)
        if (r->keys[k].ptr != NULL)
            slow_pair(out, key_names[k].name, r->keys[k]);
    if (!out->failed && out->data[out->len - 1] == ',')
        out->len--;
    buf_append_char(out, '}');
    tns_close_string(out, mark);
}

/* ---- tnetstring --------------------------------------------------------------------------- */

/* The order of Mongrel2. */
static const enum handler_key tnet_order[HANDLER_KEY_COUNT] = {
    HANDLER_KEY_REMOTE_ADDR, HANDLER_KEY_METHOD,   HANDLER_KEY_URL_SCHEME,
    HANDLER_KEY_PATTERN,     HANDLER_KEY_FRAGMENT, HANDLER_KEY_QUERY,
    HANDLER_KEY_URI,         HANDLER_KEY_VERSION,  HANDLER_KEY_PATH,
};

static size_t tnet_string_len(size_t len)
{
    return netstring_digits(len) + len + 2;
}

static size_t tnet_values_len(const struct encode *e, uint16_t first)
{
    size_t len = 0;
    group_for_each(e, v, first) len += tnet_string_len(e->r->fields[v].value.len);
    return len;
}

static size_t tnet_len(const struct encode *e)
{
    const struct handler_request *r = e->r;
    size_t len = 0;
    for (int k = 0; k < HANDLER_KEY_COUNT; k++)
        if (r->keys[k].ptr != NULL)
            len += key_names[k].tnet.len + tnet_string_len(r->keys[k].len);
    for (uint16_t i = 0; i < e->field_count; i++) {
        if (e->groups[i].shown == 0)
            continue;
        size_t values = tnet_values_len(e, i);
        len += tnet_string_len(r->fields[i].name.len);
        len += e->groups[i].shown > 1 ? tnet_string_len(values) : values;
    }
    for (size_t i = 0; i < r->extra_count; i++)
        len += tnet_string_len(r->extras[i].name.len) + tnet_string_len(r->extras[i].value.len);
    return len;
}

static inline void tnet_string(struct out *o, struct slice s)
{
    put_number(o, s.len);
    put_char(o, ':');
    put(o, s);
    put_char(o, ',');
}

static inline void tnet_field(struct out *o, const struct encode *e, uint16_t i)
{
    put_number(o, e->r->fields[i].name.len);
    put_char(o, ':');
    put_lower(o, e->r->fields[i].name);
    put_char(o, ',');
    bool list = e->groups[i].shown > 1;
    if (list) {
        put_number(o, tnet_values_len(e, i));
        put_char(o, ':');
    }
    group_for_each(e, v, i) tnet_string(o, e->r->fields[v].value);
    if (list)
        put_char(o, ']');
}

static void tnet_dict(struct out *o, const struct encode *e)
{
    const struct handler_request *r = e->r;
    for (int k = 0; k < HANDLER_KEY_COUNT; k++) {
        enum handler_key key = tnet_order[k];
        if (r->keys[key].ptr == NULL)
            continue;
        put(o, key_names[key].tnet);
        tnet_string(o, r->keys[key]);
    }
    for (uint16_t i = 0; i < e->field_count; i++)
        if (e->groups[i].shown > 0)
            tnet_field(o, e, i);
    for (size_t i = 0; i < r->extra_count; i++) {
        tnet_string(o, r->extras[i].name);
        tnet_string(o, r->extras[i].value);
    }
    put_char(o, '}');
}

/* ---- the message -------------------------------------------------------------------------- */

/* `SENDER ID PATH ` at o. */
static void put_start(struct out *o, struct slice sender, uint32_t conn_id, struct slice path)
{
    put(o, sender);
    put_char(o, ' ');
    put_number(o, conn_id);
    put_char(o, ' ');
    put(o, path);
    put_char(o, ' ');
}

static void finish(struct buf *out, const struct out *o)
{
    out->len = (size_t)(o->at - out->data);
    out->data[out->len] = '\0';
}

/* Appends everything before the body's bytes and leaves room for `tail` more. */
static void encode_head(struct buf *out, const struct handler_request *r,
                        enum handler_format format, size_t body_len, size_t tail)
{
    struct group groups[HANDLER_FIELDS_MAX];
    struct encode e = {r, r->field_count, groups};
    if (e.field_count > HANDLER_FIELDS_MAX)
        e.field_count = HANDLER_FIELDS_MAX;
    group_fields(&e);
    size_t len = format == HANDLER_JSON ? json_len(&e) : tnet_len(&e);
    /* three numbers, six separators */
    if (buf_reserve(out, r->sender.len + r->path.len + len + tail + 3 * 20 + 6 + SLACK) != 0)
        return;
    struct out o = {out->data + out->len, 0};
    put_start(&o, r->sender, r->conn_id, r->path);
    size_t headers = (size_t)(o.at - out->data);
    put_number(&o, len);
    put_char(&o, ':');
    o.dirty = 0;
    if (format == HANDLER_TNETSTRING) {
        tnet_dict(&o, &e);
    } else {
        json_fast(&o, &e);
        put_char(&o, ',');
        if (o.dirty != 0) {
            out->len = headers;
            json_slow(out, &e);
            if (buf_reserve(out, tail + 20 + SLACK) != 0)
                return;
            o.at = out->data + out->len;
        }
    }
    put_number(&o, body_len);
    put_char(&o, ':');
    finish(out, &o);
}

void handler_request_encode_head(struct buf *out, const struct handler_request *r,
                                 enum handler_format format, size_t body_len)
{
    encode_head(out, r, format, body_len, 0);
}

void handler_request_encode(struct buf *out, const struct handler_request *r,
                            enum handler_format format)
{
    encode_head(out, r, format, r->body.len, r->body.len + 1);
    buf_append_slice(out, r->body);
    buf_append_char(out, ',');
}

/* `SENDER ID @* `; notices go through the same sockets as requests. */
static void notice_start(struct buf *out, struct slice sender, uint32_t conn_id)
{
    buf_append_slice(out, sender);
    buf_append_char(out, ' ');
    buf_append_uint(out, conn_id);
    buf_append_str(out, " @* ");
}

void handler_request_disconnect(struct buf *out, struct slice sender, uint32_t conn_id,
                                enum handler_format format)
{
    notice_start(out, sender, conn_id);
    buf_append_str(out,
                   format == HANDLER_JSON ? "17:{\"METHOD\":\"JSON\"}," : "16:6:METHOD,4:JSON,}");
    buf_append_str(out, "21:{\"type\":\"disconnect\"},");
}

void handler_request_credits(struct buf *out, struct slice sender, uint32_t conn_id,
                             enum handler_format format, uint64_t credits)
{
    notice_start(out, sender, conn_id);
    size_t mark = tns_open(out);
    if (format == HANDLER_JSON) {
        buf_append_str(out, "{\"METHOD\":\"JSON\",\"DOWNLOAD_CREDITS\":\"");
        buf_append_uint(out, credits);
        buf_append_str(out, "\"}");
        tns_close_string(out, mark);
    } else {
        tns_put_str(out, "DOWNLOAD_CREDITS");
        size_t number = tns_open(out);
        buf_append_uint(out, credits);
        tns_close_string(out, number);
        tns_put_pair_str(out, "METHOD", "JSON");
        tns_close_dict(out, mark);
    }
    buf_append_str(out, "18:{\"type\":\"credits\"},");
}
