/* commit: a note in the deployment log. */

#include "m2sh/cmd_table.h"
#include "m2sh/journal.h"

static enum status run(struct call *c)
{
    struct error e;
    struct journal_author author;
    struct log_entry entry = journal_entry(&author, args_get(&c->args, "what", ""),
                                           args_get(&c->args, "how", "m2sh"),
                                           args_get(&c->args, "why", NULL));
    entry.location = args_get(&c->args, "where", author.where);
    if (model_log_append(cmd_db(c), &entry, &e) != 0)
        return cmd_fail(c, &e);
    return STATUS_DONE;
}

const struct cmd cmd_commit = {
    .name = "commit",
    .help = "Adds a message to the log.",
    .arguments = "-what TEXT -why TEXT [-where TEXT] [-how TEXT] [-db FILE]",
    .options = (const struct args_option[]){OPTION_DB,
                                            {"what", "TEXT", "What was done."},
                                            {"why", "TEXT", "The reason."},
                                            {"where", "TEXT", "Where (this machine's name)."},
                                            {"how", "TEXT", "By what means (m2sh)."},
                                            OPTION_END},
    .is_classic = true,
    .run = run,
};
