/* push: a configuration to the whole cluster, atomically. Checked here first, so that what is wrong
 * is shown with its place in the file; then the coordinator asks every node, stores and activates.
 */

#include "m2sh/change_list.h"
#include "m2sh/cmd_table.h"
#include "m2sh/config.h"
#include "m2sh/push_view.h"
#include "proto/model/canon.h"

#define SHOW_CHANGES_MAX       20         /* lines */
#define SHOW_CHANGES_BYTES_MAX (1u << 20) /* larger configurations are not sent twice for this */

/* The head that this push builds on, unless -base names one: a push in between is then refused
 * instead of overwritten. */
static int fill_base(struct cluster *cl, struct cluster_push *push, struct error *e)
{
    struct cluster_request head;
    const struct cluster_reply *reply;
    if (push->base >= 0)
        return 0;
    cluster_request_init(&head, CLUSTER_HEAD);
    if (caller_call(cl->caller, &head, NULL, NULL, &reply, e) != 0)
        return -1;
    push->base = cluster_table_int(&reply->table, 0, "version");
    return 0;
}

/* What it will change, for people; a failure to find out is left to the push itself. */
static void show_changes(struct cluster *cl, const struct cluster_push *push)
{
    struct error e;
    struct cluster_request diff;
    const struct cluster_reply *reply;
    if (cl->call->json || push->base == 0 || push->config.len > SHOW_CHANGES_BYTES_MAX)
        return;
    cluster_request_init(&diff, CLUSTER_DIFF);
    diff.diff.from = push->base;
    diff.diff.config = push->config;
    if (caller_call(cl->caller, &diff, NULL, NULL, &reply, &e) == 0)
        change_list_print(&reply->table, SHOW_CHANGES_MAX);
}

static enum status push_bytes(struct call *c, struct slice config)
{
    struct error e;
    struct cluster cl;
    struct cluster_request request;
    cluster_request_init(&request, CLUSTER_PUSH);
    request.push.config = config;
    if (cluster_open_leader(&cl, c, &e) != 0)
        return cmd_fail(c, &e);
    if (push_view_options(&cl, &request.push, &e) != 0 || fill_base(&cl, &request.push, &e) != 0) {
        cluster_close(&cl);
        return cmd_fail(c, &e);
    }
    show_changes(&cl, &request.push);
    return push_view_run(&cl, &request);
}

static enum status run(struct call *c)
{
    struct error e;
    struct config config;
    struct buf bytes = BUF_INIT;
    enum status status = config_open(&config, c, args_get(&c->args, "config", "mongrel2.conf"));
    if (status != STATUS_DONE)
        return status;
    if (canon_encode(config.model, &bytes, &e) != 0)
        status = cmd_fail(c, &e);
    else
        status = push_bytes(c, buf_slice(&bytes));
    buf_fini(&bytes);
    config_close(&config);
    return status;
}

const struct cmd cmd_push = {
    .name = "push",
    .help = "Pushes a configuration to the cluster.",
    .arguments = "-config FILE -why TEXT [-policy all|majority|any] [-canary N|P%|NAMES] [-hold S] "
                 "[-base N] [-dry 1]",
    .more = "FILE is a configuration file or a database. One line per node, then the verdict.\n"
            "Exit status 3: not valid; 4: refused by a node; 5: timed out; 6: no coordinator;\n"
            "7: someone else pushed; 8: not allowed. Then the cluster runs what it ran.",
    .options = (const struct args_option[]){OPTION_CONFIG, OPTIONS_PUSH, OPTIONS_CLUSTER,
                                            OPTION_END},
    .run = run,
};
