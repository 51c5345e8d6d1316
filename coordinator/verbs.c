/* The table of verbs, and what they share. */

#include "coordinator/verbs.h"

#include <stdlib.h>

static verb_fn *const table[CLUSTER_VERB_COUNT] = {
    [CLUSTER_HELLO] = verb_hello,       [CLUSTER_JOIN] = verb_join,
    [CLUSTER_BEAT] = verb_beat,         [CLUSTER_LEAVE] = verb_leave,
    [CLUSTER_HEAD] = verb_head,         [CLUSTER_GET] = verb_get,
    [CLUSTER_LOG] = verb_log,           [CLUSTER_DIFF] = verb_diff,
    [CLUSTER_CHECK] = verb_check,       [CLUSTER_PUSH] = verb_push,
    [CLUSTER_ROLLBACK] = verb_rollback, [CLUSTER_PREPARED] = verb_prepared,
    [CLUSTER_APPLIED] = verb_applied,   [CLUSTER_NODES] = verb_nodes,
    [CLUSTER_POOLS] = verb_pools,       [CLUSTER_WORKERS] = verb_workers,
    [CLUSTER_WATCH] = verb_watch,       [CLUSTER_PROMOTE] = verb_promote,
    [CLUSTER_ABORT] = verb_abort,       [CLUSTER_ORDER] = verb_order,
    [CLUSTER_ORDERS] = verb_orders,     [CLUSTER_NOTE] = verb_note,
    [CLUSTER_CONTROL] = verb_control,   [CLUSTER_STATS] = verb_stats,
    [CLUSTER_KEYS] = verb_keys,         [CLUSTER_KEY] = verb_key,
    [CLUSTER_TICKETS] = verb_tickets,   [CLUSTER_RECORDS] = verb_records,
    [CLUSTER_PAGE] = verb_page,
};

verb_fn *verb_find(enum cluster_verb verb)
{
    BUG_ON((unsigned)verb >= CLUSTER_VERB_COUNT);
    return table[verb];
}

void verb_refuse(struct coordinator *c, const struct client *to, const struct error *e)
{
    requests_send_error(&c->requests, to, e, NULL);
}

void verb_send(struct coordinator *c, const struct client *to, struct buf *b)
{
    struct error e;
    if (!b->failed) {
        requests_send(&c->requests, to, buf_slice(b));
    } else {
        error_set(&e, ERROR_NO_MEMORY, "The coordinator is out of memory; ask for less.");
        verb_refuse(c, to, &e);
    }
    buf_fini(b);
}

struct deferred *deferred_create(struct coordinator *c, const struct client *client,
                                 size_t state_size)
{
    struct deferred *d = calloc(1, sizeof *d);
    if (d != NULL) {
        d->coordinator = c;
        d->client = *client;
        arena_init(&d->arena, 0);
        d->state = arena_zalloc(&d->arena, state_size);
        if (d->state != NULL)
            return d;
        deferred_free(d);
    }
    struct error e;
    error_set(&e, ERROR_NO_MEMORY, "The coordinator is out of memory.");
    verb_refuse(c, client, &e);
    return NULL;
}

void deferred_free(struct deferred *d)
{
    arena_fini(&d->arena);
    free(d);
}

void deferred_refuse(struct deferred *d, const struct error *e)
{
    verb_refuse(d->coordinator, &d->client, e);
    deferred_free(d);
}
