/* The orders that stand, as a coordinator's beat carries them and a node keeps them: a list of
 * `[order, target, left_ms]`. Each beat has all of them, so a node that missed any number of beats,
 * or was not there, does what is ordered as soon as it hears one. */
#ifndef PROTO_WIRE_CLUSTER_STANDING_H
#define PROTO_WIRE_CLUSTER_STANDING_H

#include "proto/base/buf.h"
#include "proto/base/slice.h"
#include "proto/wire/cluster_msg.h"
#include "proto/wire/tnetstring.h"

#include <stdint.h>

struct cluster_standing {
    enum cluster_order_kind kind; /* ORDER_DRAIN: target is a node's name; ORDER_PAUSE: a pool's */
    struct slice target;          /* borrowed */
    int64_t left_ms;              /* until it ends by itself; 0: never */
};

/* Appends one, for the field `orders` of a beat. */
void cluster_standing_put(struct buf *out, const struct cluster_standing *s);

/* The next one of the field's bytes: TNS_ITEM, TNS_END, TNS_BAD. */
enum tns_status cluster_standing_read(struct tns_reader *r, struct cluster_standing *out);

#endif
