/* What a commit does to the cluster: what its nodes did in the minute or two before it was applied,
 * beside what they do from then on, as they tell in their beats. One commit at a time. */
#ifndef COORDINATOR_EFFECT_H
#define COORDINATOR_EFFECT_H

#include "coordinator/members.h"
#include "proto/base/slice.h"

#include <stdbool.h>
#include <stdint.h>

#define EFFECT_WATCH_MS 60000
#define EFFECT_TEXT_MAX 200

struct effect_figures {
    struct member_work work;
    unsigned restarts;
};

struct effect {
    uint64_t version; /* 0: none is watched */
    uint64_t begun_ms;
    struct effect_figures before;
};

/* From now on the commit's nodes (`scope` as in struct commit) are watched. */
void effect_begin(struct effect *x, struct members *ms, uint64_t version, struct slice scope,
                  uint64_t now_ms);

/* What they have done since. */
void effect_after(const struct members *ms, struct slice scope, struct effect_figures *out);

/* "60 s: 12345 requests, 0.10% errors (before 0.00%), p50 1.21 ms (1.10), p99 9.02 ms (8.10)" and,
 * if there were any, how often nodes were restarted. */
void effect_text(const struct effect_figures *before, const struct effect_figures *after,
                 uint64_t ms, char out[EFFECT_TEXT_MAX]);

/* Of all requests, in percent; 0 when there were none. */
double effect_error_percent(const struct member_work *w);

#endif
