/* drain: a node finishes what it has and keeps no connection; its health route says 503, so that
 * the load balancer sends nothing new. Done when it is empty. */

#include "m2sh/base/xalloc.h"
#include "m2sh/cmd_table.h"
#include "m2sh/confirm.h"
#include "m2sh/order.h"

static bool is_empty(const struct order_run *o, struct error *e)
{
    const struct cluster_table *t = o->nodes.rows;
    if (t->row_count == 0)
        return true; /* it has gone */
    long long connections = cluster_table_int(t, 0, "connections");
    error_set(e, ERROR_TIMEOUT, "%lld connections are still open, %lld requests in flight.",
              connections, (long long)cluster_table_int(t, 0, "in_flight"));
    return node_table_word(&o->nodes, 0) == NODE_DRAINING && connections == 0 &&
           cluster_table_int(t, 0, "orders") >= o->seq;
}

/* What it will close, and whether that is meant. */
static enum status ask(struct order_run *o, const char *node)
{
    const struct cluster_table *t = o->nodes.rows;
    long long connections = t->row_count > 0 ? cluster_table_int(t, 0, "connections") : 0;
    struct arena arena;
    if (connections == 0)
        return STATUS_DONE;
    arena_init(&arena, 0);
    enum status status = confirm(
        o->call, xarena_printf(&arena,
                               "%s has %lld connections and %lld requests in flight: these are "
                               "answered, the connections closed.",
                               node, connections, (long long)cluster_table_int(t, 0, "in_flight")));
    arena_fini(&arena);
    return status;
}

static enum status run(struct call *c)
{
    struct order_run o;
    struct cluster_request request;
    struct error e;
    const char *node = args_get(&c->args, "node", NULL);
    cluster_request_init(&request, CLUSTER_ORDER);
    request.order.kind = ORDER_DRAIN;
    request.order.node = slice_str(node);
    if (node == NULL) {
        error_set(&e, ERROR_USAGE, "Which node? -node NAME; see m2sh nodes.");
        return cmd_fail(c, &e);
    }
    if (args_get_int(&c->args, "max", 0, 31536000, 0, &request.order.expires_s, &e) != 0)
        return cmd_fail(c, &e);
    enum status status = order_begin(&o, c, node);
    if (status != STATUS_DONE)
        return status;
    status = ask(&o, node);
    if (status != STATUS_DONE) {
        cluster_close(&o.cl);
        return status;
    }
    status = order_give(&o, &request);
    if (status == STATUS_DONE)
        status = order_wait(&o, node, is_empty);
    if (status == STATUS_DONE)
        order_tell(&o, "drain", node,
                   o.wait_s > 0 ? "It is empty, and stays so until m2sh undrain."
                                : "It drains until m2sh undrain.");
    return status;
}

const struct cmd cmd_drain = {
    .name = "drain",
    .help = "Empties a node: finishes its requests, sends clients elsewhere.",
    .arguments = "-node NAME [-why TEXT] [-max S] [-wait S] [-yes 1] [-cluster SPEC]",
    .more = "The order stands, also over restarts of the node, until undrain or -max is over.",
    .options = (const struct args_option[]){{"node", "NAME", "Which node, by name or UUID."},
                                            {"max", "SECONDS", "End it by itself after that."},
                                            OPTION_YES,
                                            OPTIONS_ORDER,
                                            OPTION_END},
    .run = run,
};
