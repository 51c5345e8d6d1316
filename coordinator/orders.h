/* What persons have ordered: nodes to drain, pools to pause. Kept in the store, so that an order
 * survives coordinators and nodes; published in every beat (proto/wire/cluster_standing.h), so that
 * a node does what is ordered whatever it has missed. Configuration is what commits say, orders are
 * what people want for now, and what nodes report is neither.
 *
 * No sockets, no store: verb_order.c writes what orders_take then learns. */
#ifndef COORDINATOR_ORDERS_H
#define COORDINATOR_ORDERS_H

#include "proto/base/arena.h"
#include "proto/base/buf.h"
#include "proto/base/map.h"
#include "proto/wire/cluster_msg.h"

#include <stdbool.h>
#include <stdint.h>

#define ORDER_KEY_MAX 300 /* bytes of "node NAME" or "pool NAME", with NUL */

struct order {
    struct arena arena;           /* of the strings */
    enum cluster_order_kind kind; /* ORDER_DRAIN or ORDER_PAUSE */
    struct slice target;
    struct cluster_author author;
    int64_t when_ms, expires_ms; /* wall clock; expires_ms 0: never */
};

struct orders {
    struct map by_key; /* of struct order */
    int64_t seq;       /* grows with every change; 0: not read from the store yet */
};

void orders_init(struct orders *o);
void orders_fini(struct orders *o);

/* The key of a target in the store. */
void order_key(enum cluster_order_kind kind, struct slice target, char out[ORDER_KEY_MAX]);

/* The record of an order that is given now. */
void order_encode(struct buf *out, const struct cluster_order *order, struct slice target,
                  int64_t now_ms);

/* The record of a key as it is in the store from now on; empty: there is none any more. A record
 * that makes no sense is as good as none, with a line in the log. -1 when out of memory. */
int orders_take(struct orders *o, struct slice key, struct slice record);

/* Begins to read the store again: nothing stands until it is taken. */
void orders_clear(struct orders *o);
/* Something has changed, or was read. */
void orders_changed(struct orders *o, int64_t now_ms);

const struct order *orders_find(const struct orders *o, struct slice key);
/* The key of one whose time is over; SLICE_EMPTY: none is. */
struct slice orders_expired(const struct orders *o, int64_t now_ms);

/* For the beat. */
void orders_put(const struct orders *o, struct buf *out, int64_t now_ms);

#endif
