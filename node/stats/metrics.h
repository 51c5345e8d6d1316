/* The node's numbers as text: Prometheus exposition format (version 0.0.4) and JSON. Counters come
 * from the table in counters.h; gauges and labelled figures are given by the caller, who knows the
 * objects. */
#ifndef NODE_STATS_METRICS_H
#define NODE_STATS_METRICS_H

#include "node/stats/counters.h"
#include "proto/base/buf.h"
#include "proto/base/slice.h"

#include <stddef.h>
#include <stdint.h>

struct metric {
    const char *name; /* "connections", without the prefix */
    const char *help;
    const char *type;  /* "gauge" or "counter" */
    const char *label; /* "pool"; NULL: none */
    struct slice label_value;
    double value;
};

/* Appends every counter, the latency histogram and the `count` metrics; metrics of one name must
 * stand together. */
void metrics_prometheus(struct buf *out, const struct counters *c, const struct metric *metrics,
                        size_t count);

/* Appends the counters as members of an object, without its braces: "requests":12,… */
void metrics_json_members(struct buf *out, const struct counters *c);

#endif
