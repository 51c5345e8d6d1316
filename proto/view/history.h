/* What a cluster, or one node, did in each of the last ten minutes' seconds: the curves of the
 * page. A plain value: zero-initialise it. */
#ifndef PROTO_VIEW_HISTORY_H
#define PROTO_VIEW_HISTORY_H

#include <stddef.h>
#include <stdint.h>

#define HISTORY_SECONDS 600

struct history_second {
    uint32_t requests, errors; /* answered in it; of those, with a 5xx status */
    uint32_t p99_us;           /* of their answer times */
    uint32_t connections;      /* open at its end */
};

struct history {
    struct history_second ring[HISTORY_SECONDS]; /* the place is the wall second modulo the size */
    int64_t newest_s;                            /* wall second of the newest; 0: there is none */
    int64_t oldest_s;                            /* nothing is known before it */
};

/* Adds what happened since the last call to the second of `now_ms` (wall). Seconds that were left
 * out had nothing; a clock that was set back begins anew. */
void history_add(struct history *h, int64_t now_ms, const struct history_second *what);

/* Sums up `length_s` seconds from wall second `from_s` on: counts are added, times and connections
 * are the highest. Returns how many of the seconds are known. */
size_t history_sum(const struct history *h, int64_t from_s, size_t length_s,
                   struct history_second *out);

#endif
