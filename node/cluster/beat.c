/* Only buckets that changed are named: a beat costs bytes, not kilobytes. */

#include "node/cluster/beat.h"

enum {
    BUCKETS_MOST = FIELD_LIST_MAX / 2 < HISTOGRAM_BUCKETS ? FIELD_LIST_MAX / 2 : HISTOGRAM_BUCKETS
};

static size_t latency_since(struct beat *b, const struct histogram *now)
{
    size_t count = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS && count < 2 * BUCKETS_MOST; i++) {
        uint32_t more = now->buckets[i] - b->last.buckets[i];
        if (more == 0)
            continue;
        b->pairs[count++] = (int64_t)i;
        b->pairs[count++] = more;
    }
    b->last = *now;
    return count;
}

void beat_fill(struct beat *b, const struct beat_counters *counters, struct cluster_beat *out)
{
    out->connections = counters->connections;
    out->in_flight = counters->in_flight;
    out->requests = counters->requests;
    out->errors = counters->errors;
    out->latency.items = b->pairs;
    out->latency.count = counters->latency != NULL ? latency_since(b, counters->latency) : 0;
}
