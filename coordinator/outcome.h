/* What became of a commit, kept in the store beside it: the verdict of its push, and its effect
 * once that is known. The commit itself never changes. */
#ifndef COORDINATOR_OUTCOME_H
#define COORDINATOR_OUTCOME_H

#include "coordinator/effect.h"
#include "coordinator/push.h"
#include "proto/base/arena.h"

#define OUTCOME_KEY_LEN 20

struct outcome {
    uint64_t version;
    char verdict[16];
    int64_t nodes, ready, refused, applied, ms;
    char effect[2 * EFFECT_TEXT_MAX];
};

/* The key of a version's outcome in the store: keys sort as versions do. */
void outcome_key(uint64_t version, char out[OUTCOME_KEY_LEN + 1]);

struct outcome outcome_of(const struct push_result *r);

void outcome_encode(const struct outcome *o, struct buf *out);
/* A record without sense leaves `out` as it is, with false. */
bool outcome_decode(struct outcome *out, struct slice record, struct arena *a);

#endif
