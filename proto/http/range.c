#include "proto/http/range.h"

#include "proto/http/fields.h"
#include "proto/http/scan.h"

#include <stdio.h>

enum spec { SPEC_BAD, SPEC_UNSATISFIABLE, SPEC_WHOLE, SPEC_RANGE };

/* Digits at p; larger than any size when they do not fit. False when there are none. */
static bool take_number(const char **p, const char *end, uint64_t *value)
{
    const char *start = *p;
    *value = 0;
    for (; *p < end && scan_is(**p, BYTE_DIGIT); (*p)++)
        if (__builtin_mul_overflow(*value, 10u, value) ||
            __builtin_add_overflow(*value, (uint64_t)(**p - '0'), value))
            *value = UINT64_MAX / 10; /* stays above every size whatever follows */
    return *p > start;
}

/* One of "first-last", "first-", "-length" (section 14.1.1). */
static enum spec read_spec(struct slice text, uint64_t size, struct byte_range *r)
{
    const char *p = text.ptr, *end = p + text.len;
    uint64_t first, last = UINT64_MAX;
    if (!take_number(&p, end, &first)) {
        uint64_t suffix;
        if (p == end || *p++ != '-' || !take_number(&p, end, &suffix) || p != end)
            return SPEC_BAD;
        if (suffix == 0)
            return SPEC_UNSATISFIABLE;
        if (size == 0)
            return SPEC_WHOLE; /* all of nothing: no Content-Range can say it */
        *r = (struct byte_range){suffix < size ? size - suffix : 0, size - 1};
        return SPEC_RANGE;
    }
    if (p == end || *p++ != '-')
        return SPEC_BAD;
    if (p < end && (!take_number(&p, end, &last) || p != end || last < first))
        return SPEC_BAD;
    if (first >= size)
        return SPEC_UNSATISFIABLE;
    *r = (struct byte_range){first, last < size ? last : size - 1};
    return SPEC_RANGE;
}

static bool are_close(const struct byte_range *a, const struct byte_range *b)
{
    return a->first <= b->last + RANGE_GAP && b->first <= a->last + RANGE_GAP;
}

/* Adds r, merged with every range that it touches; merging may make it touch others. */
static int add(struct byte_range *ranges, int count, struct byte_range r)
{
    int at = count;
    for (int i = 0; i < count;) {
        if (!are_close(&ranges[i], &r)) {
            i++;
            continue;
        }
        if (ranges[i].first < r.first)
            r.first = ranges[i].first;
        if (ranges[i].last > r.last)
            r.last = ranges[i].last;
        if (i < at)
            at = i;
        count--;
        for (int k = i; k < count; k++)
            ranges[k] = ranges[k + 1];
        i = 0;
    }
    for (int k = count; k > at; k--)
        ranges[k] = ranges[k - 1];
    ranges[at] = r;
    return count + 1;
}

int range_parse(struct slice value, uint64_t size, struct byte_range ranges[RANGES_MAX])
{
    static const struct slice unit = SLICE("bytes=");
    if (value.len < unit.len || !slice_eq_nocase(slice_of(value.ptr, unit.len), unit) ||
        size > INT64_MAX)
        return 0;
    struct slice rest = slice_from(value, unit.len), element;
    int asked = 0, count = 0;
    while (fields_next(&rest, &element)) {
        struct byte_range r;
        if (++asked > RANGES_MAX)
            return 0;
        switch (read_spec(element, size, &r)) {
        case SPEC_RANGE: count = add(ranges, count, r); break;
        case SPEC_UNSATISFIABLE: break;
        default: return 0;
        }
    }
    if (asked == 0)
        return 0;
    return count > 0 ? count : -1;
}

size_t range_content(const struct byte_range *r, uint64_t size, char out[RANGE_CONTENT_MAX])
{
    int len = r != NULL
                  ? snprintf(out, RANGE_CONTENT_MAX, "bytes %llu-%llu/%llu",
                             (unsigned long long)r->first, (unsigned long long)r->last,
                             (unsigned long long)size)
                  : snprintf(out, RANGE_CONTENT_MAX, "bytes */%llu", (unsigned long long)size);
    return (size_t)len;
}
