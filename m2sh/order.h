/* Orders to nodes and pools: given to the coordinator, then waited for until the nodes follow. */
#ifndef M2SH_ORDER_H
#define M2SH_ORDER_H

#include "m2sh/cluster.h"
#include "m2sh/node_table.h"
#include "m2sh/out/out_progress.h"

#define OPTIONS_ORDER                                                                  \
    {"why", "TEXT", "The reason, for those who look."},                                \
        {"wait", "SECONDS", "How long to wait until it is true (60; 0: not at all)."}, \
        OPTIONS_CLUSTER

struct order_run {
    const struct call *call;
    struct cluster cl;
    struct node_table nodes; /* as last read */
    struct out_progress progress;
    int64_t seq; /* of the order */
    int64_t wait_s;
};

/* Opens the cluster and reads the nodes; `node` NULL: all. Failures were shown. */
enum status order_begin(struct order_run *o, const struct call *c, const char *node);
/* Gives the order; request.order has kind, target and expires_s. */
enum status order_give(struct order_run *o, struct cluster_request *request);

/* Reads the nodes until `is_true` says so; at most wait_s, then STATUS_TIMEOUT with what `is_true`
 * has left in `e`. The cluster is closed at the end, whatever it is. */
typedef bool order_check(const struct order_run *o, struct error *e);
enum status order_wait(struct order_run *o, const char *node, order_check *is_true);

/* Does every node that lives follow the order? */
order_check order_is_followed;

/* The end of it, on standard output: as JSON, or the sentence. */
void order_tell(const struct order_run *o, const char *order, const char *target,
                const char *sentence);

#endif
