/* promote: goes on with a push that is held at its canary. */

#include "m2sh/cmd_table.h"
#include "m2sh/decide.h"

static enum status run(struct call *c)
{
    return decide_run(c, CLUSTER_PROMOTE, "goes on to all nodes");
}

const struct cmd cmd_promote = {
    .name = "promote",
    .help = "Goes on with a push held at its canary.",
    .arguments = "[-rev N] [-why TEXT] [-cluster SPEC]",
    .options = (const struct args_option[]){OPTIONS_DECIDE, OPTION_END},
    .run = run,
};
