/* Which of several upstreams takes the next request. */
#ifndef NODE_BACKEND_UPSTREAM_CHOICE_H
#define NODE_BACKEND_UPSTREAM_CHOICE_H

#include "node/backend/upstream.h"
#include "proto/base/slice.h"

#include <stdint.h>

#define UPSTREAM_CHOICE_MOST 64 /* upstreams to choose from */

enum upstream_balance {
    BALANCE_LEAST_CONN,  /* the one with the fewest requests in progress; in turn when equal */
    BALANCE_ROUND_ROBIN, /* in turn */
    BALANCE_HASH,        /* by the key: the same upstream as long as it is there */
};

/* The balance called so in the configuration; -1 when there is none. */
int upstream_balance_from_name(struct slice name);

/* Chooses one that is not in `tried` (bits by index). Of these, ones whose last connection failed
 * only when there are no others, and ones that a health check found down (`down`, likewise) last:
 * when all are down, trying costs less than refusing. -1 when all were tried. Costs the number of
 * upstreams. */
int upstream_choose(struct upstream *const *all, int count, enum upstream_balance balance,
                    struct slice key, uint64_t tried, uint64_t down);

#endif
