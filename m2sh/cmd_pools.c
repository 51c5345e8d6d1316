/* pools: which nodes have which handler pool, and where workers connect. */

#include "m2sh/cluster.h"
#include "m2sh/cmd_table.h"

static void print(const struct call *c, const struct cluster_table *t)
{
    struct out_table out;
    out_table_init(&out, (const char *const[]){"pool", "node", "endpoint", NULL});
    for (size_t row = 0; row < t->row_count; row++) {
        out_table_slice(&out, cluster_table_text(t, row, "pool"));
        out_table_slice(&out, cluster_table_text(t, row, "node"));
        out_table_slice(&out, cluster_table_text(t, row, "endpoint"));
    }
    cmd_print_table(c, &out);
}

static enum status run(struct call *c)
{
    struct cluster_request request;
    cluster_request_init(&request, CLUSTER_POOLS);
    request.pools.pool = slice_str(args_get(&c->args, "pool", NULL));
    return cluster_show(c, &request, print);
}

const struct cmd cmd_pools = {
    .name = "pools",
    .help = "Lists the handler pools.",
    .arguments = "[-pool NAME] [-cluster SPEC]",
    .options = (const struct args_option[]){{"pool", "NAME", "Only this pool."},
                                            OPTIONS_CLUSTER,
                                            OPTION_END},
    .run = run,
};
