/* The reader and the tree share one function, read_header(), that understands a length and a tag;
 * everything else is about where the payload goes. The tree is built with one array per list, its
 * size found by a walk over the children's headers: that costs one more look at each header and
 * makes a value 24 bytes with indexed access.
 *
 * The writer puts a length in front of a finished list by moving the payload up a few bytes. Each
 * byte moves once per level around it, which is memmove over bytes still in the cache; a builder
 * from right to left would save that and cost the caller the natural order. */

#include "proto/wire/tnetstring.h"

#include <string.h>

/* Digits, blanks and sign before the colon; enough for every size_t, and for some leading zeros. */
#define LENGTH_CHARS_MAX 24

enum defect {
    DEFECT_NONE,
    DEFECT_LENGTH,
    DEFECT_SHORT,
    DEFECT_TAG,
    DEFECT_FLOAT,
    DEFECT_INT,
    DEFECT_BOOL,
    DEFECT_NULL,
};

static const char *const defect_texts[] = {
    [DEFECT_NONE] = "nothing is wrong",
    [DEFECT_LENGTH] = "a length and a colon were expected",
    [DEFECT_SHORT] = "the length points behind the end",
    [DEFECT_TAG] = "the tag must be one of , # ! ~ ] }",
    [DEFECT_FLOAT] = "floats (tag ^) are not supported",
    [DEFECT_INT] = "the integer is malformed or does not fit 64 bits",
    [DEFECT_BOOL] = "a boolean must be true or false",
    [DEFECT_NULL] = "a null must be empty",
};

const char *tns_type_name(enum tns_type type)
{
    switch (type) {
    case TNS_STRING: return "string";
    case TNS_INT: return "integer";
    case TNS_BOOL: return "boolean";
    case TNS_NULL: return "null";
    case TNS_LIST: return "list";
    case TNS_DICT: return "dict";
    }
    return "unknown";
}

/* ---- one value ---------------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The length before the colon; *at moves behind the colon. */
static bool read_length(const char **at, const char *end, size_t *len)
{
    const char *p = *at;
    if (end - p > LENGTH_CHARS_MAX)
        end = p + LENGTH_CHARS_MAX;
    while (p < end && is_blank(*p))
        p++;
    if (p < end && *p == '+')
        p++;
    const char *digits = p;
    size_t n = 0;
    for (; p < end && is_digit(*p); p++)
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, (size_t)(*p - '0'), &n))
            return false;
    if (p == digits || p == end || *p != ':')
        return false;
    *at = p + 1;
    *len = n;
    return true;
}

static bool read_integer(struct slice text, int64_t *out)
{
    const char *p = text.ptr, *end = p + text.len;
    *out = 0;
    if (p == end)
        return true;
    while (p < end && is_blank(*p))
        p++;
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    if (p == end)
        return false;
    int64_t n = 0; /* built on the side of its sign, so that INT64_MIN fits */
    for (; p < end; p++) {
        int digit = *p - '0';
        if (!is_digit(*p) || __builtin_mul_overflow(n, 10, &n) ||
            __builtin_add_overflow(n, negative ? -digit : digit, &n))
            return false;
    }
    *out = n;
    return true;
}

static enum defect read_payload(struct tns_item *item, char tag)
{
    item->type = (enum tns_type)tag;
    switch (tag) {
    case TNS_STRING:
    case TNS_LIST:
    case TNS_DICT: return DEFECT_NONE;
    case TNS_INT: return read_integer(item->bytes, &item->integer) ? DEFECT_NONE : DEFECT_INT;
    case TNS_BOOL:
        item->boolean = item->bytes.len == 4;
        if (item->boolean ? item->bytes.ptr[0] == 't'
                          : item->bytes.len == 5 && item->bytes.ptr[0] == 'f')
            return DEFECT_NONE;
        return DEFECT_BOOL;
    case TNS_NULL: return item->bytes.len == 0 ? DEFECT_NONE : DEFECT_NULL;
    case '^': return DEFECT_FLOAT;
    default: return DEFECT_TAG;
    }
}

/* One whole value at *at; moves behind it only when it is good. */
static enum defect read_item(const char **at, const char *end, struct tns_item *item)
{
    const char *p = *at;
    size_t len;
    if (!read_length(&p, end, &len))
        return DEFECT_LENGTH;
    if (len >= (size_t)(end - p))
        return DEFECT_SHORT;
    *item = (struct tns_item){.bytes = slice_of(p, len)};
    enum defect defect = read_payload(item, p[len]);
    if (defect == DEFECT_NONE)
        *at = p + len + 1;
    return defect;
}

/* ---- reader ------------------------------------------------------------------------------- */

void tns_reader_init(struct tns_reader *r, struct slice bytes)
{
    r->at = bytes.ptr;
    r->end = bytes.ptr + bytes.len;
    r->depth = 0;
}

enum tns_status tns_read(struct tns_reader *r, struct tns_item *item)
{
    if (r->at == r->end)
        return TNS_END;
    return read_item(&r->at, r->end, item) == DEFECT_NONE ? TNS_ITEM : TNS_BAD;
}

enum tns_status tns_read_pair(struct tns_reader *r, struct slice *key, struct tns_item *item)
{
    if (r->at == r->end)
        return TNS_END;
    const char *p = r->at;
    struct tns_item k;
    if (read_item(&p, r->end, &k) != DEFECT_NONE || k.type != TNS_STRING ||
        read_item(&p, r->end, item) != DEFECT_NONE)
        return TNS_BAD;
    *key = k.bytes;
    r->at = p;
    return TNS_ITEM;
}

int tns_enter(const struct tns_reader *r, const struct tns_item *item, struct tns_reader *inner)
{
    BUG_ON(item->type != TNS_LIST && item->type != TNS_DICT);
    if (r->depth >= TNS_DEPTH_MAX)
        return -1;
    unsigned depth = r->depth + 1; /* `inner` may be `r` itself */
    tns_reader_init(inner, item->bytes);
    inner->depth = depth;
    return 0;
}

enum tns_status tns_find(struct slice dict, struct slice key, struct tns_item *item)
{
    struct tns_reader r;
    tns_reader_init(&r, dict);
    enum tns_status found = TNS_END, status;
    struct slice k;
    struct tns_item v;
    while ((status = tns_read_pair(&r, &k, &v)) == TNS_ITEM)
        if (slice_eq(k, key)) {
            *item = v;
            found = TNS_ITEM;
        }
    return status == TNS_BAD ? TNS_BAD : found;
}

/* ---- tree --------------------------------------------------------------------------------- */

struct parse {
    const char *start;
    struct arena *arena;
    size_t values_left;
    struct error *error;
};

static int parse_defect(const struct parse *p, const char *at, enum defect defect)
{
    return error_set(p->error, ERROR_INVALID, "The tnetstring is malformed at byte %zu: %s.",
                     (size_t)(at - p->start), defect_texts[defect]);
}

static int parse_item(struct parse *p, const struct tns_item *item, struct tns_value *out,
                      unsigned depth);

/* Elements in the payload of a list or dict, -1 when one is malformed. */
static int count_elements(struct parse *p, struct slice payload, size_t *count)
{
    const char *at = payload.ptr, *end = at + payload.len;
    struct tns_item item;
    for (*count = 0; at < end; ++*count) {
        enum defect defect = read_item(&at, end, &item);
        if (defect != DEFECT_NONE)
            return parse_defect(p, at, defect);
    }
    if (*count > p->values_left)
        return error_set(p->error, ERROR_TOO_LARGE, "The tnetstring has too many values.");
    p->values_left -= *count;
    return 0;
}

static int parse_list(struct parse *p, struct slice payload, struct tns_value *out, unsigned depth)
{
    size_t count;
    if (count_elements(p, payload, &count) != 0)
        return -1;
    struct tns_value *items = arena_alloc(p->arena, count * sizeof *items);
    if (items == NULL)
        return error_set(p->error, ERROR_NO_MEMORY, "Out of memory.");
    const char *at = payload.ptr, *end = at + payload.len;
    struct tns_item item;
    for (size_t i = 0; i < count; i++) {
        read_item(&at, end, &item); /* was good when counted */
        if (parse_item(p, &item, &items[i], depth) != 0)
            return -1;
    }
    out->items = items;
    out->item_count = count;
    return 0;
}

static int parse_dict(struct parse *p, struct slice payload, struct tns_value *out, unsigned depth)
{
    size_t count;
    if (count_elements(p, payload, &count) != 0)
        return -1;
    const char *at = payload.ptr, *end = at + payload.len;
    if (count % 2 != 0)
        return error_set(p->error, ERROR_INVALID,
                         "The tnetstring is malformed: the dict at byte %zu has a key without a "
                         "value.",
                         (size_t)(at - p->start));
    struct tns_pair *pairs = arena_alloc(p->arena, count / 2 * sizeof *pairs);
    if (pairs == NULL)
        return error_set(p->error, ERROR_NO_MEMORY, "Out of memory.");
    struct tns_item item;
    for (size_t i = 0; i < count / 2; i++) {
        const char *key_at = at;
        read_item(&at, end, &item);
        if (item.type != TNS_STRING)
            return error_set(p->error, ERROR_INVALID,
                             "The tnetstring is malformed at byte %zu: a dict key must be a "
                             "string, this is of type %s.",
                             (size_t)(key_at - p->start), tns_type_name(item.type));
        pairs[i].key = item.bytes;
        read_item(&at, end, &item);
        if (parse_item(p, &item, &pairs[i].value, depth) != 0)
            return -1;
    }
    out->pairs = pairs;
    out->pair_count = count / 2;
    return 0;
}

/* `depth` counts the lists and dicts around the item; it bounds the recursion. */
static int parse_item(struct parse *p, const struct tns_item *item, struct tns_value *out,
                      unsigned depth)
{
    out->type = item->type;
    switch (item->type) {
    case TNS_STRING: out->string = item->bytes; return 0;
    case TNS_INT: out->integer = item->integer; return 0;
    case TNS_BOOL: out->boolean = item->boolean; return 0;
    case TNS_NULL: return 0;
    case TNS_LIST:
    case TNS_DICT: break;
    }
    if (depth >= TNS_DEPTH_MAX)
        return error_set(p->error, ERROR_TOO_LARGE,
                         "The tnetstring is nested deeper than %d lists and dicts.", TNS_DEPTH_MAX);
    return item->type == TNS_LIST ? parse_list(p, item->bytes, out, depth + 1)
                                  : parse_dict(p, item->bytes, out, depth + 1);
}

int tns_parse(struct tns_value *out, struct slice bytes, struct arena *a,
              const struct tns_limits *limits, size_t *used, struct error *e)
{
    struct tns_limits bounds = limits != NULL ? *limits : TNS_LIMITS_DEFAULT;
    if (bytes.len > bounds.bytes)
        return error_set(e, ERROR_TOO_LARGE, "The message has %zu bytes, the limit is %zu.",
                         bytes.len, bounds.bytes);
    if (bytes.len == 0)
        return error_set(e, ERROR_INVALID, "The message is empty, a tnetstring was expected.");
    struct parse p = {bytes.ptr, a, bounds.values, e};
    const char *at = bytes.ptr;
    struct tns_item item;
    enum defect defect = read_item(&at, bytes.ptr + bytes.len, &item);
    if (defect != DEFECT_NONE)
        return parse_defect(&p, at, defect);
    size_t len = (size_t)(at - bytes.ptr);
    if (used != NULL)
        *used = len;
    else if (len < bytes.len)
        return error_set(e, ERROR_INVALID, "The tnetstring ends at byte %zu, but %zu bytes follow.",
                         len, bytes.len - len);
    return parse_item(&p, &item, out, 0);
}

int tns_parse_copy(struct tns_value *out, struct slice bytes, struct arena *a,
                   const struct tns_limits *limits, size_t *used, struct error *e)
{
    size_t max = (limits != NULL ? *limits : TNS_LIMITS_DEFAULT).bytes;
    if (bytes.len <= max) { /* else let tns_parse say so */
        bytes = arena_slice(a, bytes);
        if (bytes.ptr == NULL)
            return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    }
    return tns_parse(out, bytes, a, limits, used, e);
}

const struct tns_value *tns_get(const struct tns_value *dict, const char *key)
{
    if (dict == NULL || dict->type != TNS_DICT)
        return NULL;
    struct slice k = slice_str(key);
    for (size_t i = dict->pair_count; i-- > 0;)
        if (slice_eq(dict->pairs[i].key, k))
            return &dict->pairs[i].value;
    return NULL;
}

static const struct tns_value *get_typed(const struct tns_value *dict, const char *key,
                                         enum tns_type type)
{
    const struct tns_value *v = tns_get(dict, key);
    return v != NULL && v->type == type ? v : NULL;
}

bool tns_get_string(const struct tns_value *dict, const char *key, struct slice *out)
{
    const struct tns_value *v = get_typed(dict, key, TNS_STRING);
    if (v != NULL)
        *out = v->string;
    return v != NULL;
}

bool tns_get_int(const struct tns_value *dict, const char *key, int64_t *out)
{
    const struct tns_value *v = get_typed(dict, key, TNS_INT);
    if (v != NULL)
        *out = v->integer;
    return v != NULL;
}

bool tns_get_bool(const struct tns_value *dict, const char *key, bool *out)
{
    const struct tns_value *v = get_typed(dict, key, TNS_BOOL);
    if (v != NULL)
        *out = v->boolean;
    return v != NULL;
}

const struct tns_value *tns_get_list(const struct tns_value *dict, const char *key)
{
    return get_typed(dict, key, TNS_LIST);
}

const struct tns_value *tns_get_dict(const struct tns_value *dict, const char *key)
{
    return get_typed(dict, key, TNS_DICT);
}

/* ---- writer ------------------------------------------------------------------------------- */

size_t tns_open(const struct buf *out)
{
    return out->len;
}

static void close_with(struct buf *out, size_t mark, char tag)
{
    if (out->failed)
        return;
    BUG_ON(mark > out->len);
    char head[24];
    size_t at = sizeof head, len = out->len - mark, n = len;
    head[--at] = ':';
    do {
        head[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    size_t head_len = sizeof head - at;
    if (buf_reserve(out, head_len + 1) != 0)
        return;
    char *start = out->data + mark;
    memmove(start + head_len, start, len);
    memcpy(start, head + at, head_len);
    start[head_len + len] = tag;
    out->len += head_len + 1;
    out->data[out->len] = '\0';
}

void tns_put_string(struct buf *out, struct slice s)
{
    buf_append_uint(out, s.len);
    buf_append_char(out, ':');
    buf_append_slice(out, s);
    buf_append_char(out, TNS_STRING);
}

void tns_put_str(struct buf *out, const char *s)
{
    tns_put_string(out, slice_str(s));
}

void tns_put_int(struct buf *out, int64_t n)
{
    size_t mark = tns_open(out);
    buf_append_int(out, n);
    close_with(out, mark, TNS_INT);
}

void tns_put_bool(struct buf *out, bool b)
{
    buf_append_str(out, b ? "4:true!" : "5:false!");
}

void tns_put_null(struct buf *out)
{
    buf_append_str(out, "0:~");
}

void tns_close_list(struct buf *out, size_t mark)
{
    close_with(out, mark, TNS_LIST);
}

void tns_close_dict(struct buf *out, size_t mark)
{
    close_with(out, mark, TNS_DICT);
}

void tns_close_string(struct buf *out, size_t mark)
{
    close_with(out, mark, TNS_STRING);
}

static void put_value(struct buf *out, const struct tns_value *v, unsigned depth)
{
    size_t mark = tns_open(out);
    if (depth >= TNS_DEPTH_MAX && (v->type == TNS_LIST || v->type == TNS_DICT)) {
        out->failed = true;
        return;
    }
    switch (v->type) {
    case TNS_STRING: tns_put_string(out, v->string); return;
    case TNS_INT: tns_put_int(out, v->integer); return;
    case TNS_BOOL: tns_put_bool(out, v->boolean); return;
    case TNS_NULL: tns_put_null(out); return;
    case TNS_LIST:
        for (size_t i = 0; i < v->item_count; i++)
            put_value(out, &v->items[i], depth + 1);
        tns_close_list(out, mark);
        return;
    case TNS_DICT:
        for (size_t i = 0; i < v->pair_count; i++) {
            tns_put_string(out, v->pairs[i].key);
            put_value(out, &v->pairs[i].value, depth + 1);
        }
        tns_close_dict(out, mark);
        return;
    }
}

void tns_put_value(struct buf *out, const struct tns_value *v)
{
    put_value(out, v, 0);
}

void tns_put_pair(struct buf *out, const char *key, struct slice value)
{
    tns_put_str(out, key);
    tns_put_string(out, value);
}

void tns_put_pair_str(struct buf *out, const char *key, const char *value)
{
    tns_put_pair(out, key, slice_str(value));
}

void tns_put_pair_int(struct buf *out, const char *key, int64_t value)
{
    tns_put_str(out, key);
    tns_put_int(out, value);
}

void tns_put_pair_bool(struct buf *out, const char *key, bool value)
{
    tns_put_str(out, key);
    tns_put_bool(out, value);
}
