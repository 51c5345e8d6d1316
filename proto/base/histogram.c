/* Bucket of a value: the first 16 values have one each, then 16 per power of two, chosen by the
 * four bits behind the leading one. */

#include "proto/base/histogram.h"

#include <math.h>

enum { SUB_BITS = 4, SUB = 1 << SUB_BITS };

static size_t bucket_of(uint64_t v)
{
    if (v < SUB)
        return (size_t)v;
    unsigned exponent = 63u - (unsigned)__builtin_clzll(v);
    size_t i = (size_t)(exponent - SUB_BITS + 1) * SUB +
               (size_t)((v >> (exponent - SUB_BITS)) & (SUB - 1));
    return i < HISTOGRAM_BUCKETS ? i : HISTOGRAM_BUCKETS - 1;
}

uint64_t histogram_bound(size_t i)
{
    if (i < SUB)
        return i;
    unsigned shift = (unsigned)(i / SUB) - 1;
    return ((uint64_t)(SUB + i % SUB + 1) << shift) - 1;
}

void histogram_add(struct histogram *h, uint64_t value_us)
{
    h->count++;
    h->sum_us += value_us;
    h->buckets[bucket_of(value_us)]++;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    into->count += from->count;
    into->sum_us += from->sum_us;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        into->buckets[i] += from->buckets[i];
}

uint64_t histogram_quantile(const struct histogram *h, double q)
{
    if (h->count == 0)
        return 0;
    uint64_t rank = (uint64_t)ceil(q * (double)h->count), seen = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += h->buckets[i];
        if (seen >= rank)
            return histogram_bound(i);
    }
    return histogram_bound(HISTOGRAM_BUCKETS - 1);
}

uint64_t histogram_count_to(const struct histogram *h, uint64_t bound_us)
{
    uint64_t seen = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS && histogram_bound(i) <= bound_us; i++)
        seen += h->buckets[i];
    return seen;
}
