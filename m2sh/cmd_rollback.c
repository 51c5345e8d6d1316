/* rollback: the content of an older revision as a new one. History only grows. */

#include "m2sh/cmd_table.h"
#include "m2sh/push_view.h"

static enum status run(struct call *c)
{
    struct error e;
    struct cluster cl;
    struct cluster_request request;
    cluster_request_init(&request, CLUSTER_ROLLBACK);
    if (!args_has(&c->args, "rev")) {
        error_set(&e, ERROR_USAGE, "Say which revision: -rev N; m2sh log -cluster lists them.");
        return cmd_fail(c, &e);
    }
    if (args_get_int(&c->args, "rev", 1, INT64_MAX, 0, &request.push.version, &e) != 0 ||
        cluster_open_leader(&cl, c, &e) != 0)
        return cmd_fail(c, &e);
    if (push_view_options(&cl, &request.push, &e) != 0) {
        cluster_close(&cl);
        return cmd_fail(c, &e);
    }
    return push_view_run(&cl, &request);
}

const struct cmd cmd_rollback = {
    .name = "rollback",
    .help = "Makes an older revision the newest.",
    .arguments = "-rev N -why TEXT [-policy all|majority|any] [-base N] [-dry 1]",
    .more = "As push, with the content of revision N.",
    .options = (const struct args_option[]){{"rev", "N", "The revision to return to."},
                                            OPTIONS_PUSH,
                                            OPTIONS_CLUSTER,
                                            OPTION_END},
    .run = run,
};
