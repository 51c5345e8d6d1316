/* Upstreams and checks are shared with other rows and with the configuration before: this holds
 * references and says, when its configuration becomes the running one, what shall be checked. */

#include "node/target/proxy_target.h"

#include "node/target/proxy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void proxy_target_destroy(struct target *target)
{
    struct proxy_target *t = proxy_target_of(target);
    for (int i = 0; i < t->count && t->checks != NULL; i++)
        upstream_check_unref(t->checks[i]);
    for (int i = 0; i < t->count; i++)
        upstream_unref(t->upstreams[i]);
    free(t->checks);
    free(t);
}

void proxy_target_activate(struct target *target)
{
    struct proxy_target *t = proxy_target_of(target);
    for (int i = 0; i < t->count && t->checks != NULL; i++)
        upstream_check_run(t->checks[i], &t->check_limits);
}

int proxy_target_choose(const struct proxy_target *t, struct slice key, uint64_t tried)
{
    uint64_t down = 0;
    for (int i = 0; i < t->count && t->checks != NULL; i++)
        down |= (uint64_t)upstream_check_is_down(t->checks[i]) << i;
    return upstream_choose(t->upstreams, t->count, t->balance, key, tried, down);
}

/* --- rows --- */

static int add_upstream(struct proxy_target *t, struct worker *w, const char *address,
                        struct error *e)
{
    if (t->count == UPSTREAM_CHOICE_MOST)
        return error_set(e, ERROR_INVALID, "A Proxy has at most %d upstreams.",
                         UPSTREAM_CHOICE_MOST);
    struct upstream *u = upstream_get(w->upstreams, address, e);
    if (u == NULL)
        return -1;
    t->upstreams[t->count++] = u;
    return 0;
}

/* The words of the column `upstreams`, or else addr:port. */
static int add_upstreams(struct proxy_target *t, const struct row *row, struct worker *w,
                         struct error *e)
{
    char address[300];
    struct slice rest = row_text(row, PROXY_UPSTREAMS);
    while ((rest = slice_trim(rest)).len > 0) {
        size_t len = slice_find(rest, ' ');
        snprintf(address, sizeof address, "%.*s", (int)len, rest.ptr);
        if (len >= sizeof address)
            return error_set(e, ERROR_INVALID, "The upstream %s is too long.", address);
        if (add_upstream(t, w, address, e) != 0)
            return -1;
        rest = slice_from(rest, len);
    }
    if (t->count > 0)
        return 0;
    const char *addr = row_str(row, PROXY_ADDR);
    bool is_v6 = strchr(addr, ':') != NULL && addr[0] != '[';
    snprintf(address, sizeof address, is_v6 ? "[%s]:%lld" : "%s:%lld", addr,
             (long long)row_int(row, PROXY_PORT));
    return add_upstream(t, w, address, e);
}

static int add_checks(struct proxy_target *t, const char *path, const struct settings *s,
                      struct error *e)
{
    if (path[0] == '\0')
        return 0;
    t->check_limits = (struct upstream_check_limits){
        .interval_ms = s->check_interval_s * 1000u,
        .timeout_ms = s->check_timeout_s * 1000u,
        .rise = s->check_rise,
        .fall = s->check_fall,
    };
    t->checks = calloc((size_t)t->count, sizeof *t->checks);
    if (t->checks == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    for (int i = 0; i < t->count; i++)
        if ((t->checks[i] = upstream_check_get(t->upstreams[i], path, e)) == NULL)
            return -1;
    return 0;
}

static int fill(struct proxy_target *t, const struct row *row, struct snapshot_build *b,
                struct error *e)
{
    int balance = upstream_balance_from_name(row_text(row, PROXY_BALANCE));
    int64_t retries = row_int(row, PROXY_RETRIES), timeout_s = row_int(row, PROXY_TIMEOUT);
    if (balance < 0)
        return error_set(e, ERROR_INVALID, "A Proxy's balance is least_conn, round_robin or hash.");
    t->base.ops = &target_proxy;
    t->balance = (enum upstream_balance)balance;
    t->timeout_ms = timeout_s > 0 && timeout_s < 1000000 ? (unsigned)timeout_s * 1000u : 0;
    t->retries = (uint8_t)(retries < 0 ? 0 : retries > 255 ? 255 : retries);
    if (add_upstreams(t, row, b->worker, e) != 0)
        return -1;
    return add_checks(t, row_str(row, PROXY_CHECK), &b->snapshot->settings, e);
}

int proxy_target_create(struct target **out, const struct row *row, struct snapshot_build *b,
                        struct error *e)
{
    struct proxy_target *t = calloc(1, sizeof *t);
    if (t == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    if (fill(t, row, b, e) != 0) {
        proxy_target_destroy(&t->base);
        return -1;
    }
    *out = &t->base;
    return 0;
}
