/* resume: a paused pool goes on. */

#include "m2sh/cmd_table.h"
#include "m2sh/order.h"

static enum status run(struct call *c)
{
    struct order_run o;
    struct cluster_request request;
    struct error e;
    const char *pool = args_get(&c->args, "pool", NULL);
    cluster_request_init(&request, CLUSTER_ORDER);
    request.order.kind = ORDER_RESUME;
    request.order.pool = slice_str(pool);
    if (pool == NULL) {
        error_set(&e, ERROR_USAGE, "Which pool? -pool NAME; see m2sh status.");
        return cmd_fail(c, &e);
    }
    enum status status = order_begin(&o, c, NULL);
    if (status == STATUS_DONE)
        status = order_give(&o, &request);
    if (status == STATUS_DONE)
        status = order_wait(&o, NULL, order_is_followed);
    if (status == STATUS_DONE)
        order_tell(&o, "resume", pool, "Its requests go on.");
    return status;
}

const struct cmd cmd_resume = {
    .name = "resume",
    .help = "Lets a paused pool go on.",
    .arguments = "-pool NAME [-why TEXT] [-wait S] [-cluster SPEC]",
    .options =
        (const struct args_option[]){{"pool", "NAME", "Which pool."}, OPTIONS_ORDER, OPTION_END},
    .run = run,
};
