/* `needed` answers of "ready" make a yes; as soon as so many can no longer come it is a no. */

#include "coordinator/policy.h"

static size_t needed(enum cluster_policy policy, size_t nodes)
{
    switch (policy) {
    case POLICY_ALL: return nodes;
    case POLICY_MAJORITY: return nodes > 0 ? nodes / 2 + 1 : 0;
    case POLICY_ANY: return nodes > 0 ? 1 : 0;
    }
    return nodes;
}

enum policy_verdict policy_decide(enum cluster_policy policy, const struct policy_count *c)
{
    size_t need = needed(policy, c->nodes);
    if (c->ready >= need)
        return POLICY_YES;
    if (c->is_over || c->nodes - c->refused < need)
        return POLICY_NO;
    return POLICY_WAIT;
}
