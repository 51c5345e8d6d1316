/* What a row of Proxy says: its upstreams, which of them takes a request, how they are checked. The
 * request itself is in proxy.c. */
#ifndef NODE_TARGET_PROXY_TARGET_H
#define NODE_TARGET_PROXY_TARGET_H

#include "node/backend/upstream_check.h"
#include "node/backend/upstream_choice.h"
#include "node/conf/snapshot.h"
#include "node/worker.h"

#include <stdint.h>

struct proxy_target {
    struct target base;
    struct upstream *upstreams[UPSTREAM_CHOICE_MOST]; /* references */
    struct upstream_check **checks;                   /* references, as many; NULL: unchecked */
    int count;
    enum upstream_balance balance;
    unsigned timeout_ms; /* 0: none */
    uint8_t retries;
    struct upstream_check_limits check_limits;
};

static inline struct proxy_target *proxy_target_of(struct target *t)
{
    return container_of(t, struct proxy_target, base);
}

/* As target_ops says. */
int proxy_target_create(struct target **out, const struct row *row, struct snapshot_build *b,
                        struct error *e);
void proxy_target_activate(struct target *target);
void proxy_target_destroy(struct target *target);

/* The upstream for the next attempt, by index: not one that was `tried` (bits by index); -1 when
 * all were. `key` is what balance "hash" goes by. */
int proxy_target_choose(const struct proxy_target *t, struct slice key, uint64_t tried);

#endif
