/* A record is a dict, so that later versions can say more. */

#include "coordinator/orders.h"

#include "proto/base/log.h"
#include "proto/wire/cluster_standing.h"

#include <stdio.h>
#include <stdlib.h>

void orders_init(struct orders *o)
{
    *o = (struct orders){.by_key = MAP_INIT};
}

static void order_free(void *order)
{
    struct order *it = order;
    if (it == NULL)
        return;
    arena_fini(&it->arena);
    free(it);
}

void orders_fini(struct orders *o)
{
    map_fini(&o->by_key, order_free);
    o->by_key = MAP_INIT;
}

void orders_clear(struct orders *o)
{
    orders_fini(o);
}

void orders_changed(struct orders *o, int64_t now_ms)
{
    o->seq = o->seq + 1 > now_ms ? o->seq + 1 : now_ms;
}

void order_key(enum cluster_order_kind kind, struct slice target, char out[ORDER_KEY_MAX])
{
    bool is_node = kind == ORDER_DRAIN || kind == ORDER_UNDRAIN;
    snprintf(out, ORDER_KEY_MAX, "%s %.*s", is_node ? "node" : "pool", SLICE_ARG(target));
}

void order_encode(struct buf *out, const struct cluster_order *order, struct slice target,
                  int64_t now_ms)
{
    size_t dict = tns_open(out);
    tns_put_pair_str(out, "order", cluster_order_words[order->kind]);
    tns_put_pair(out, "target", target);
    tns_put_pair(out, "who", order->author.who);
    tns_put_pair(out, "where", order->author.where);
    tns_put_pair(out, "how", order->author.how);
    tns_put_pair(out, "why", order->author.why);
    tns_put_pair_int(out, "when_ms", now_ms);
    tns_put_pair_int(out, "expires_ms",
                     order->expires_s > 0 ? now_ms + order->expires_s * 1000 : 0);
    tns_close_dict(out, dict);
}

static int decode(struct order *o, struct slice record)
{
    struct tns_value v;
    struct slice word = SLICE_EMPTY;
    if (tns_parse_copy(&v, record, &o->arena, NULL, NULL, NULL) != 0 ||
        !tns_get_string(&v, "order", &word) || !tns_get_string(&v, "target", &o->target) ||
        !tns_get_int(&v, "when_ms", &o->when_ms) || !tns_get_int(&v, "expires_ms", &o->expires_ms))
        return -1;
    tns_get_string(&v, "who", &o->author.who);
    tns_get_string(&v, "where", &o->author.where);
    tns_get_string(&v, "how", &o->author.how);
    tns_get_string(&v, "why", &o->author.why);
    bool drains = slice_eq(word, slice_str(cluster_order_words[ORDER_DRAIN]));
    o->kind = drains ? ORDER_DRAIN : ORDER_PAUSE;
    return drains || slice_eq(word, slice_str(cluster_order_words[ORDER_PAUSE])) ? 0 : -1;
}

int orders_take(struct orders *o, struct slice key, struct slice record)
{
    order_free(map_remove(&o->by_key, key));
    if (record.len == 0)
        return 0;
    struct order *order = calloc(1, sizeof *order);
    if (order == NULL)
        return -1;
    arena_init(&order->arena, 0);
    if (decode(order, record) != 0) {
        log_error("order", "a record of the store is no order: %.*s", SLICE_ARG(key));
        order_free(order);
        return 0;
    }
    if (map_put(&o->by_key, key, order, NULL) == 0)
        return 0;
    order_free(order);
    return -1;
}

const struct order *orders_find(const struct orders *o, struct slice key)
{
    return map_get(&o->by_key, key);
}

struct slice orders_expired(const struct orders *o, int64_t now_ms)
{
    for (struct map_entry *it = map_first(&o->by_key); it != NULL; it = map_next(it)) {
        const struct order *order = map_value(it);
        if (order->expires_ms > 0 && order->expires_ms <= now_ms)
            return map_key(it);
    }
    return SLICE_EMPTY;
}

void orders_put(const struct orders *o, struct buf *out, int64_t now_ms)
{
    for (struct map_entry *it = map_first(&o->by_key); it != NULL; it = map_next(it)) {
        const struct order *order = map_value(it);
        int64_t left_ms = order->expires_ms - now_ms;
        if (order->expires_ms > 0 && left_ms <= 0)
            continue; /* about to be taken away */
        cluster_standing_put(
            out, &(struct cluster_standing){.kind = order->kind,
                                            .target = order->target,
                                            .left_ms = order->expires_ms > 0 ? left_ms : 0});
    }
}
