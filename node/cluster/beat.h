/* What a node says once a second: counts since it started, and how many answers fell into which
 * latency bucket since the last beat. */
#ifndef NODE_CLUSTER_BEAT_H
#define NODE_CLUSTER_BEAT_H

#include "node/cluster/agent.h"
#include "proto/wire/cluster_msg.h"

struct beat {
    struct histogram last; /* as of the last beat */
    int64_t pairs[2 * HISTOGRAM_BUCKETS];
};

/* Fills the counts of *out from `counters`; out->latency borrows from `b` until the next call. */
void beat_fill(struct beat *b, const struct beat_counters *counters, struct cluster_beat *out);

#endif
