/* Every balance is "the smallest of a figure": load, time of the last choice, or a hash of key and
 * name (rendezvous hashing: when an upstream goes, only its own keys move). Being down
 * counts more than any of them, and so does being avoided. */

#include "node/backend/upstream_choice.h"

int upstream_balance_from_name(struct slice name)
{
    static const struct slice names[] = {SLICE("least_conn"), SLICE("round_robin"), SLICE("hash")};
    for (int i = 0; i < 3; i++)
        if (slice_eq(name, names[i]))
            return i;
    return -1;
}

/* FNV-1a over both, mixed so that names which differ in the last byte differ everywhere. */
static uint64_t hash(struct slice key, const char *name)
{
    uint64_t h = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < key.len; i++)
        h = (h ^ (uint8_t)key.ptr[i]) * UINT64_C(1099511628211);
    for (; *name != '\0'; name++)
        h = (h ^ (uint8_t)*name) * UINT64_C(1099511628211);
    h = (h ^ h >> 33) * UINT64_C(0xff51afd7ed558ccd);
    h = (h ^ h >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return h ^ h >> 33;
}

static uint64_t figure(const struct upstream *u, enum upstream_balance balance, struct slice key)
{
    switch (balance) {
    case BALANCE_LEAST_CONN: return u->active;
    case BALANCE_HASH: return hash(key, u->name);
    default: return 0;
    }
}

int upstream_choose(struct upstream *const *all, int count, enum upstream_balance balance,
                    struct slice key, uint64_t tried, uint64_t down)
{
    int best = -1;
    unsigned best_rank = 0; /* worse is higher */
    uint64_t best_figure = 0;
    for (int i = 0; i < count; i++) {
        const struct upstream *u = all[i];
        if ((tried >> i & 1) != 0)
            continue;
        unsigned rank = (unsigned)(down >> i & 1) << 1;
        rank |= u->avoided_until_us > u->set->loop->now_us;
        uint64_t f = figure(u, balance, key);
        bool better = best < 0 || rank < best_rank;
        if (!better && rank == best_rank)
            better = f < best_figure || (f == best_figure && u->last_pick < all[best]->last_pick);
        if (better) {
            best = i;
            best_rank = rank;
            best_figure = f;
        }
    }
    if (best >= 0)
        all[best]->last_pick = ++all[best]->set->picks;
    return best;
}
