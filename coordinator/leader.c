/* The moment that counts is when the renewal was asked for, not when its answer came: the lease in
 * the store cannot be older than that. */

#include "coordinator/leader.h"

#include "proto/base/clock.h"
#include "proto/base/log.h"

#include <stdio.h>

void leader_init(struct leader *l, struct store *store, const char *owner, const char *self,
                 int64_t ttl_ms, void (*on_change)(void *arg, const char *why), void *arg)
{
    *l = (struct leader){.store = store, .ttl_ms = ttl_ms, .on_change = on_change, .arg = arg};
    snprintf(l->owner, sizeof l->owner, "%s", owner);
    snprintf(l->self, sizeof l->self, "%s", self);
}

static void set(struct leader *l, bool is_leader, int64_t token, const char *why)
{
    bool changed = is_leader != l->is_leader || (is_leader && token != l->token);
    l->is_leader = is_leader;
    l->token = token;
    if (changed)
        l->on_change(l->arg, why);
}

static void on_lease(void *arg, const struct store_result *r)
{
    static struct log_limit limit;
    struct leader *l = arg;
    l->asking = false;
    if (r->error.code != ERROR_NONE) {
        log_limited(&limit, LOG_ERROR_LEVEL, "leader", "the lease was not renewed: %s",
                    r->error.text);
        return;
    }
    snprintf(l->endpoint, sizeof l->endpoint, "%s", r->lease.endpoint);
    if (r->lease.held)
        l->renewed_ms = l->asked_ms;
    set(l, r->lease.held, r->lease.held ? r->lease.token : 0,
        r->lease.held ? "it has taken the lease" : "another holds the lease");
}

void leader_tick(struct leader *l, uint64_t now_ms)
{
    if (l->is_leader && now_ms - l->renewed_ms > (uint64_t)l->ttl_ms * 4 / 5) {
        l->endpoint[0] = '\0';
        set(l, false, 0, "the store does not renew its lease");
    }
    if (l->asking)
        return;
    l->asked_ms = now_ms;
    l->asking = store_lease(l->store, l->owner, l->self, l->ttl_ms, on_lease, l, NULL) == 0;
}

static void on_resigned(void *arg, const struct store_result *r)
{
    (void)arg, (void)r; /* if it has not worked, the lease runs out */
}

void leader_resign(struct leader *l)
{
    if (l->is_leader)
        store_lease(l->store, l->owner, l->self, 0, on_resigned, l, NULL);
    l->is_leader = false;
}
