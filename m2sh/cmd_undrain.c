/* undrain: a node that was drained serves again. */

#include "m2sh/cmd_table.h"
#include "m2sh/order.h"

static bool serves(const struct order_run *o, struct error *e)
{
    error_set(e, ERROR_TIMEOUT, "The node does not follow yet.");
    if (o->nodes.rows->row_count == 0 || node_table_word(&o->nodes, 0) == NODE_LOST)
        return true; /* when it comes back, nothing tells it to drain */
    return node_table_word(&o->nodes, 0) != NODE_DRAINING &&
           cluster_table_int(o->nodes.rows, 0, "orders") >= o->seq;
}

static enum status run(struct call *c)
{
    struct order_run o;
    struct cluster_request request;
    struct error e;
    const char *node = args_get(&c->args, "node", NULL);
    cluster_request_init(&request, CLUSTER_ORDER);
    request.order.kind = ORDER_UNDRAIN;
    request.order.node = slice_str(node);
    if (node == NULL) {
        error_set(&e, ERROR_USAGE, "Which node? -node NAME; see m2sh status.");
        return cmd_fail(c, &e);
    }
    enum status status = order_begin(&o, c, node);
    if (status == STATUS_DONE)
        status = order_give(&o, &request);
    if (status == STATUS_DONE)
        status = order_wait(&o, node, serves);
    if (status == STATUS_DONE)
        order_tell(&o, "undrain", node, "It serves again.");
    return status;
}

const struct cmd cmd_undrain = {
    .name = "undrain",
    .help = "Lets a drained node serve again.",
    .arguments = "-node NAME [-why TEXT] [-wait S] [-cluster SPEC]",
    .options = (const struct args_option[]){{"node", "NAME", "Which node, by name or UUID."},
                                            OPTIONS_ORDER,
                                            OPTION_END},
    .run = run,
};
