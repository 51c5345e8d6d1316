/* nodes: who is in the cluster, and in which state. */

#include "m2sh/cmd_table.h"
#include "m2sh/node_table.h"

static enum status run(struct call *c)
{
    struct cluster cl;
    struct node_table nodes;
    enum status status = node_table_read(&nodes, &cl, c, args_get(&c->args, "node", NULL));
    if (status != STATUS_DONE)
        return status;
    if (c->json)
        cluster_print_json(nodes.rows);
    else
        node_table_print(&nodes, c);
    cluster_close(&cl);
    return STATUS_DONE;
}

const struct cmd cmd_nodes = {
    .name = "nodes",
    .help = "Lists the nodes of the cluster.",
    .arguments = "[-node NAME] [-cluster SPEC]",
    .more = "SYNCED: runs the head; BEHIND: fetches it; REFUSED: cannot apply it; DRAINING;\n"
            "JOINING; SUSPECT, LOST: does not answer; DIVERGED: has another history.",
    .options = (const struct args_option[]){{"node", "NAME", "Only this one, by name or UUID."},
                                            OPTIONS_CLUSTER,
                                            OPTION_END},
    .run = run,
};
