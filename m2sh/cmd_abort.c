/* abort: takes back a push that is running or held at its canary. */

#include "m2sh/cmd_table.h"
#include "m2sh/decide.h"

static enum status run(struct call *c)
{
    return decide_run(c, CLUSTER_ABORT, "is taken back");
}

const struct cmd cmd_abort = {
    .name = "abort",
    .help = "Takes back a push that is not done.",
    .arguments = "[-rev N] [-why TEXT] [-cluster SPEC]",
    .options = (const struct args_option[]){OPTIONS_DECIDE, OPTION_END},
    .run = run,
};
