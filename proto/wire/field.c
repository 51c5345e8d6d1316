/* One function per direction and type, chosen by the table. The seen fields are a bit set, so that
 * a message costs no allocation but its lists. */

#include "proto/wire/field.h"

#include "proto/base/uuid.h"

#include <ctype.h>
#include <string.h>

enum { FIELDS_MAX = 32 };

bool field_is_name(struct slice s)
{
    if (s.len == 0 || s.len > 64)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!isalnum((unsigned char)s.ptr[i]) && memchr("._-:@", s.ptr[i], 5) == NULL)
            return false;
    return true;
}

bool field_is_hash(struct slice s)
{
    if (s.len != 64)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (memchr("0123456789abcdef", s.ptr[i], 16) == NULL)
            return false;
    return true;
}

static void *place(void *base, const struct field *f)
{
    return (char *)base + f->offset;
}

static const void *place_const(const void *base, const struct field *f)
{
    return (const char *)base + f->offset;
}

void field_defaults(void *out, const struct field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        void *at = place(out, &fields[i]);
        switch (fields[i].type) {
        case FIELD_BYTES:
        case FIELD_TEXT:
        case FIELD_NAME:
        case FIELD_UUID:
        case FIELD_HASH:
        case FIELD_TABLE: *(struct slice *)at = SLICE_EMPTY; break;
        case FIELD_INT: *(int64_t *)at = fields[i].fallback; break;
        case FIELD_BOOL: *(bool *)at = false; break;
        case FIELD_WORD: *(int *)at = 0; break;
        case FIELD_STRINGS: *(struct field_strings *)at = (struct field_strings){NULL, 0}; break;
        case FIELD_INTS: *(struct field_ints *)at = (struct field_ints){NULL, 0}; break;
        }
    }
}

/* ---- decoding ----------------------------------------------------------------------------- */

static int wrong(struct error *e, const struct field *f, const char *expected)
{
    return error_set_object(e, ERROR_INVALID, f->name, "Field \"%s\" must be %s.", f->name,
                            expected);
}

static int decode_string(struct slice *out, const struct field *f, const struct tns_item *item,
                         struct error *e)
{
    struct slice s = item->bytes;
    size_t max = f->max > 0 ? (size_t)f->max : FIELD_TEXT_MAX;
    if (item->type != TNS_STRING)
        return wrong(e, f, "a string");
    *out = s;
    if (!f->is_required && s.len == 0)
        return 0;
    switch (f->type) {
    case FIELD_TEXT:
        if (s.len > max)
            return error_set_object(e, ERROR_INVALID, f->name,
                                    "Field \"%s\" has %zu bytes; at most %zu are allowed.", f->name,
                                    s.len, max);
        return memchr(s.ptr, '\0', s.len) == NULL ? 0 : wrong(e, f, "text without NUL bytes");
    case FIELD_NAME:
        return field_is_name(s)
                   ? 0
                   : wrong(e, f, "a name: 1 to 64 letters, digits or any of . _ - : @");
    case FIELD_UUID: return uuid_is_valid(s) ? 0 : wrong(e, f, "a UUID of 36 characters");
    case FIELD_HASH: return field_is_hash(s) ? 0 : wrong(e, f, "64 lower-case hexadecimal digits");
    default: return 0;
    }
}

static int decode_int(int64_t *out, const struct field *f, const struct tns_item *item,
                      struct error *e)
{
    int64_t max = f->min == 0 && f->max == 0 ? INT64_MAX : f->max;
    if (item->type != TNS_INT)
        return wrong(e, f, "an integer");
    if (item->integer < f->min || item->integer > max)
        return error_set_object(e, ERROR_INVALID, f->name,
                                "Field \"%s\" must be from %lld to %lld, not %lld.", f->name,
                                (long long)f->min, (long long)max, (long long)item->integer);
    *out = item->integer;
    return 0;
}

static int decode_word(int *out, const struct field *f, const struct tns_item *item,
                       struct error *e)
{
    if (item->type != TNS_STRING)
        return wrong(e, f, "a word");
    struct buf known = BUF_INIT;
    for (int i = 0; f->words[i] != NULL; i++) {
        if (slice_eq(item->bytes, slice_str(f->words[i]))) {
            *out = i;
            buf_fini(&known);
            return 0;
        }
        buf_printf(&known, "%s%s", i > 0 ? ", " : "", f->words[i]);
    }
    size_t shown = item->bytes.len < 40 ? item->bytes.len : 40;
    error_set_object(e, ERROR_INVALID, f->name, "Field \"%s\" must be one of %s; not \"%.*s\".",
                     f->name, buf_str(&known), (int)shown, item->bytes.ptr);
    buf_fini(&known);
    return -1;
}

/* Counts the elements of a list; -1 when it is no list, malformed or too long. */
static int count_list(const struct field *f, const struct tns_item *item, size_t *count,
                      struct error *e)
{
    struct tns_reader r;
    struct tns_item element;
    enum tns_status status;
    if (item->type != TNS_LIST)
        return wrong(e, f, "a list");
    tns_reader_init(&r, item->bytes);
    for (*count = 0; (status = tns_read(&r, &element)) == TNS_ITEM; ++*count)
        if (*count >= FIELD_LIST_MAX)
            return error_set_object(e, ERROR_INVALID, f->name,
                                    "Field \"%s\" has more than %d elements.", f->name,
                                    FIELD_LIST_MAX);
    return status == TNS_BAD ? wrong(e, f, "a well-formed list") : 0;
}

static int decode_strings(struct field_strings *out, const struct field *f,
                          const struct tns_item *item, struct arena *a, struct error *e)
{
    struct tns_reader r;
    struct tns_item element;
    size_t count;
    if (count_list(f, item, &count, e) != 0)
        return -1;
    struct slice *items = arena_alloc(a, count * sizeof *items);
    if (items == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    tns_reader_init(&r, item->bytes);
    for (size_t i = 0; tns_read(&r, &element) == TNS_ITEM; i++) {
        if (element.type != TNS_STRING || element.bytes.len > FIELD_TEXT_MAX ||
            memchr(element.bytes.ptr, '\0', element.bytes.len) != NULL)
            return wrong(e, f, "a list of short strings");
        items[i] = element.bytes;
    }
    *out = (struct field_strings){items, count};
    return 0;
}

static int decode_ints(struct field_ints *out, const struct field *f, const struct tns_item *item,
                       struct arena *a, struct error *e)
{
    struct tns_reader r;
    struct tns_item element;
    size_t count;
    if (count_list(f, item, &count, e) != 0)
        return -1;
    int64_t *items = arena_alloc(a, count * sizeof *items);
    if (items == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    tns_reader_init(&r, item->bytes);
    for (size_t i = 0; tns_read(&r, &element) == TNS_ITEM; i++) {
        if (element.type != TNS_INT || element.integer < 0)
            return wrong(e, f, "a list of integers from 0 on");
        items[i] = element.integer;
    }
    *out = (struct field_ints){items, count};
    return 0;
}

static int decode_one(void *at, const struct field *f, const struct tns_item *item, struct arena *a,
                      struct error *e)
{
    switch (f->type) {
    case FIELD_BYTES:
    case FIELD_TEXT:
    case FIELD_NAME:
    case FIELD_UUID:
    case FIELD_HASH: return decode_string(at, f, item, e);
    case FIELD_INT: return decode_int(at, f, item, e);
    case FIELD_WORD: return decode_word(at, f, item, e);
    case FIELD_STRINGS: return decode_strings(at, f, item, a, e);
    case FIELD_INTS: return decode_ints(at, f, item, a, e);
    case FIELD_BOOL:
        if (item->type != TNS_BOOL)
            return wrong(e, f, "a boolean");
        *(bool *)at = item->boolean;
        return 0;
    case FIELD_TABLE:
        if (item->type != TNS_LIST)
            return wrong(e, f, "a list");
        *(struct slice *)at = item->bytes;
        return 0;
    }
    return -1;
}

static size_t find_field(const struct field *fields, size_t count, struct slice key)
{
    size_t i = 0;
    while (i < count && !slice_eq(key, slice_str(fields[i].name)))
        i++;
    return i;
}

static int unknown_field(struct error *e, struct slice key)
{
    size_t shown = key.len < 40 ? key.len : 40;
    return error_set(e, ERROR_INVALID, "There is no field \"%.*s\" here.", (int)shown, key.ptr);
}

int field_decode(void *out, const struct field *fields, size_t count, struct slice dict,
                 struct arena *a, struct error *e)
{
    struct tns_reader r;
    struct tns_item item;
    struct slice key;
    enum tns_status status;
    uint32_t seen = 0;
    BUG_ON(count > FIELDS_MAX);
    field_defaults(out, fields, count);
    tns_reader_init(&r, dict);
    while ((status = tns_read_pair(&r, &key, &item)) == TNS_ITEM) {
        if (slice_eq(key, SLICE("seq")))
            continue;
        size_t i = find_field(fields, count, key);
        if (i == count)
            return unknown_field(e, key);
        if ((seen & 1u << i) != 0)
            return error_set_object(e, ERROR_INVALID, fields[i].name,
                                    "Field \"%s\" is given twice.", fields[i].name);
        seen |= 1u << i;
        if (decode_one(place(out, &fields[i]), &fields[i], &item, a, e) != 0)
            return -1;
    }
    if (status == TNS_BAD)
        return error_set(e, ERROR_INVALID, "The arguments are malformed at byte %zu of their dict.",
                         (size_t)(r.at - dict.ptr));
    for (size_t i = 0; i < count; i++)
        if (fields[i].is_required && (seen & 1u << i) == 0)
            return error_set_object(e, ERROR_INVALID, fields[i].name, "Field \"%s\" is missing.",
                                    fields[i].name);
    return 0;
}

/* ---- encoding ----------------------------------------------------------------------------- */

static bool is_default(const void *at, const struct field *f)
{
    switch (f->type) {
    case FIELD_BYTES:
    case FIELD_TEXT:
    case FIELD_NAME:
    case FIELD_UUID:
    case FIELD_HASH:
    case FIELD_TABLE: return ((const struct slice *)at)->len == 0;
    case FIELD_INT: return *(const int64_t *)at == f->fallback;
    case FIELD_BOOL: return !*(const bool *)at;
    case FIELD_WORD: return *(const int *)at == 0;
    case FIELD_STRINGS: return ((const struct field_strings *)at)->count == 0;
    case FIELD_INTS: return ((const struct field_ints *)at)->count == 0;
    }
    return false;
}

static void encode_strings(struct buf *out, const struct field_strings *s)
{
    size_t list = tns_open(out);
    for (size_t i = 0; i < s->count; i++)
        tns_put_string(out, s->items[i]);
    tns_close_list(out, list);
}

static void encode_ints(struct buf *out, const struct field_ints *n)
{
    size_t list = tns_open(out);
    for (size_t i = 0; i < n->count; i++)
        tns_put_int(out, n->items[i]);
    tns_close_list(out, list);
}

static void encode_table(struct buf *out, struct slice payload)
{
    size_t list = tns_open(out);
    buf_append_slice(out, payload);
    tns_close_list(out, list);
}

static void encode_one(struct buf *out, const struct field *f, const void *at)
{
    tns_put_str(out, f->name);
    switch (f->type) {
    case FIELD_BYTES:
    case FIELD_TEXT:
    case FIELD_NAME:
    case FIELD_UUID:
    case FIELD_HASH: tns_put_string(out, *(const struct slice *)at); break;
    case FIELD_INT: tns_put_int(out, *(const int64_t *)at); break;
    case FIELD_BOOL: tns_put_bool(out, *(const bool *)at); break;
    case FIELD_WORD: tns_put_str(out, f->words[*(const int *)at]); break;
    case FIELD_STRINGS: encode_strings(out, at); break;
    case FIELD_INTS: encode_ints(out, at); break;
    case FIELD_TABLE: encode_table(out, *(const struct slice *)at); break;
    }
}

void field_encode(struct buf *out, const struct field *fields, size_t count, const void *in)
{
    for (size_t i = 0; i < count; i++)
        if (fields[i].is_required || !is_default(place_const(in, &fields[i]), &fields[i]))
            encode_one(out, &fields[i], place_const(in, &fields[i]));
}
