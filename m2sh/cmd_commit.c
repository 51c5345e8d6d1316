/* commit: a note in the deployment log of a database, or in the time line of the cluster. */

#include "m2sh/cluster.h"
#include "m2sh/cmd_table.h"
#include "m2sh/journal.h"

static enum status note_in_cluster(struct call *c)
{
    struct error e;
    struct cluster cl;
    struct cluster_request request;
    const struct cluster_reply *reply;
    const char *why = args_get(&c->args, "why", "");
    cluster_request_init(&request, CLUSTER_NOTE);
    if (cluster_open_leader(&cl, c, &e) != 0)
        return cmd_fail(c, &e);
    request.note.what = slice_str(args_get(&c->args, "what", ""));
    request.note.author = cluster_author(&cl, why);
    if (args_has(&c->args, "where"))
        request.note.author.where = slice_str(args_get(&c->args, "where", ""));
    if (args_has(&c->args, "how"))
        request.note.author.how = slice_str(args_get(&c->args, "how", ""));
    enum status status = cluster_ask_again(&cl, &request, 10000, NULL, NULL, &reply);
    if (status != STATUS_DONE)
        return status;
    cluster_close(&cl);
    return cmd_done(c);
}

static enum status run(struct call *c)
{
    struct error e;
    struct journal_author author;
    if (cluster_is_meant(c))
        return note_in_cluster(c);
    struct log_entry entry = journal_entry(&author, args_get(&c->args, "what", ""),
                                           args_get(&c->args, "how", "m2sh"),
                                           args_get(&c->args, "why", NULL));
    entry.location = args_get(&c->args, "where", author.where);
    if (model_log_append(cmd_db(c), &entry, &e) != 0)
        return cmd_fail(c, &e);
    return cmd_done(c);
}

const struct cmd cmd_commit = {
    .name = "commit",
    .help = "Adds a message to the log.",
    .arguments = "-what TEXT -why TEXT [-where TEXT] [-how TEXT] [-db FILE | -cluster SPEC]",
    .options = (const struct args_option[]){OPTION_DB,
                                            {"what", "TEXT", "What was done."},
                                            {"why", "TEXT", "The reason."},
                                            {"where", "TEXT", "Where (this machine's name)."},
                                            {"how", "TEXT", "By what means (m2sh)."},
                                            OPTIONS_CLUSTER,
                                            OPTION_END},
    .is_classic = true,
    .run = run,
};
