/* Latency histogram: log-linear buckets (16 per power of two, relative error at most 1/16), values
 * in microseconds from 0 to about 2^36 (19 hours); larger ones count in the last bucket. A plain
 * value: zero-initialise it, add, merge by adding. No allocation. */
#ifndef PROTO_BASE_HISTOGRAM_H
#define PROTO_BASE_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BUCKETS 544

struct histogram {
    uint64_t count;
    uint64_t sum_us;
    uint32_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, uint64_t value_us);
void histogram_merge(struct histogram *into, const struct histogram *from);

/* Upper bound in microseconds of the bucket that holds the q-quantile (0 < q <= 1); 0 when empty.
 */
uint64_t histogram_quantile(const struct histogram *h, double q);

/* Upper bound (inclusive) of bucket i, in microseconds. */
uint64_t histogram_bound(size_t i);

/* How many values were at most `bound_us` (exact at bucket bounds). */
uint64_t histogram_count_to(const struct histogram *h, uint64_t bound_us);

#endif
