#include "proto/http/validator.h"

#include "proto/http/date.h"
#include "proto/http/fields.h"
#include "proto/http/scan.h"

#include <string.h>

struct tag {
    struct slice opaque; /* without the quotes */
    bool weak;
};

/* The next element of a list of entity tags; false at the end. A quoted tag may hold commas and
 * backslashes, so it is not a quoted-string; without quotes it ends at the next comma. */
static bool next_tag(struct slice *list, struct tag *tag)
{
    const char *p = list->ptr, *end = p + list->len;
    while (p < end && (*p == ',' || *p == ' ' || *p == '\t'))
        p++;
    if (p == end)
        return false;
    tag->weak = end - p >= 3 && p[0] == 'W' && p[1] == '/' && p[2] == '"';
    if (tag->weak)
        p += 2;
    if (*p == '"') {
        const char *close = scan_while(p + 1, end, BYTE_ETAG);
        if (close < end && *close == '"') {
            tag->opaque = slice_of(p + 1, (size_t)(close - p - 1));
            *list = slice_of(close + 1, (size_t)(end - close - 1));
            return true;
        }
    }
    size_t len = slice_find(slice_of(p, (size_t)(end - p)), ',');
    tag->opaque = slice_trim(slice_of(p, len));
    *list = slice_of(p + len, (size_t)(end - p) - len);
    return true;
}

/* Does any tag in the fields of this id match? "*" matches anything that exists (section 13.1.1).
 */
static bool any_tag_matches(const struct field_list *l, enum field_id id, struct slice etag,
                            bool weakly)
{
    struct slice own = etag.len >= 2 ? slice_of(etag.ptr + 1, etag.len - 2) : SLICE_EMPTY;
    for (const struct http_field *f = field_list_get(l, id); f != NULL; f = field_list_next(l, f)) {
        if (slice_eq(f->value, SLICE("*")))
            return true;
        struct slice rest = f->value;
        struct tag tag;
        while (etag.len > 0 && next_tag(&rest, &tag))
            if ((weakly || !tag.weak) && slice_eq(tag.opaque, own))
                return true;
    }
    return false;
}

/* The one valid date of a field; false when it is absent, repeated or no date (all: ignored). */
static bool read_date(const struct field_list *l, enum field_id id, int64_t now_wall_s,
                      int64_t *date)
{
    return field_list_has(l, id) && (l->repeated & FIELD_BIT(id)) == 0 &&
           date_parse(field_list_value(l, id), now_wall_s, date);
}

enum validator_verdict validator_check(const struct field_list *l, enum method_id method,
                                       const struct validators *v, int64_t now_wall_s)
{
    const uint64_t conditions = FIELD_BIT(FIELD_IF_MATCH) | FIELD_BIT(FIELD_IF_NONE_MATCH) |
                                FIELD_BIT(FIELD_IF_MODIFIED_SINCE) |
                                FIELD_BIT(FIELD_IF_UNMODIFIED_SINCE);
    if ((l->present & conditions) == 0)
        return VALIDATOR_PROCEED;
    bool reads = method == METHOD_GET || method == METHOD_HEAD;
    bool dated = v->modified_wall_s >= 0;
    int64_t date;
    if (field_list_has(l, FIELD_IF_MATCH)) {
        if (!any_tag_matches(l, FIELD_IF_MATCH, v->etag, false))
            return VALIDATOR_FAILED;
    } else if (dated && read_date(l, FIELD_IF_UNMODIFIED_SINCE, now_wall_s, &date) &&
               v->modified_wall_s > date) {
        return VALIDATOR_FAILED;
    }
    if (field_list_has(l, FIELD_IF_NONE_MATCH)) {
        if (!any_tag_matches(l, FIELD_IF_NONE_MATCH, v->etag, true))
            return VALIDATOR_PROCEED;
        return reads ? VALIDATOR_NOT_MODIFIED : VALIDATOR_FAILED;
    }
    if (reads && dated && read_date(l, FIELD_IF_MODIFIED_SINCE, now_wall_s, &date) &&
        date <= now_wall_s && v->modified_wall_s <= date)
        return VALIDATOR_NOT_MODIFIED;
    return VALIDATOR_PROCEED;
}

/* A date is a strong validator only when the file was not changed in the second it was served in
 * (section 8.8.2.2); a file of this very second may still change within it. */
bool validator_if_range(const struct field_list *l, const struct validators *v, int64_t now_wall_s)
{
    if (!field_list_has(l, FIELD_IF_RANGE))
        return true;
    int64_t date;
    if (read_date(l, FIELD_IF_RANGE, now_wall_s, &date))
        return date == v->modified_wall_s && date < now_wall_s;
    if ((l->repeated & FIELD_BIT(FIELD_IF_RANGE)) != 0)
        return false;
    struct slice value = field_list_value(l, FIELD_IF_RANGE);
    return !slice_eq(value, SLICE("*")) && slice_find(value, ',') == value.len &&
           any_tag_matches(l, FIELD_IF_RANGE, v->etag, false);
}

static char *put_hex(char *to, uint64_t n)
{
    int shift = 60;
    while (shift > 0 && n >> shift == 0)
        shift -= 4;
    for (; shift >= 0; shift -= 4)
        *to++ = "0123456789abcdef"[n >> shift & 15];
    return to;
}

size_t validator_etag(int64_t mtime_s, long mtime_ns, uint64_t size, struct slice suffix,
                      char out[VALIDATOR_ETAG_MAX])
{
    char *to = out;
    *to++ = '"';
    to = put_hex(to, (uint64_t)mtime_s);
    *to++ = '-';
    to = put_hex(to, size);
    if (mtime_ns != 0) {
        *to++ = '-';
        to = put_hex(to, (uint64_t)mtime_ns);
    }
    if (suffix.len > 0) {
        *to++ = '-';
        size_t len = suffix.len < 8 ? suffix.len : 8;
        memcpy(to, suffix.ptr, len);
        to += len;
    }
    *to++ = '"';
    return (size_t)(to - out);
}
