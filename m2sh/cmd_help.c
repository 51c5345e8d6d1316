/* help: the commands, or what one of them is for. */

#include "m2sh/cmd_table.h"

#include <string.h>

static enum status explain(struct call *c, const char *name)
{
    struct error e;
    struct buf out = BUF_INIT;
    const struct cmd *cmd = cmd_find(name);
    if (cmd == NULL) {
        error_set(&e, ERROR_NOT_FOUND, "No help for %s. Use m2sh help to see a list.", name);
        return cmd_fail(c, &e);
    }
    buf_printf(&out, "%s\t%s\n", cmd->name, cmd->help);
    cmd_print(&out);
    return STATUS_DONE;
}

static enum status run(struct call *c)
{
    struct out_table t;
    struct buf out = BUF_INIT;
    const char *on = args_get(&c->args, "on", c->args.rest_count > 0 ? c->args.rest[0] : NULL);
    if (on != NULL)
        return explain(c, on);
    if (c->json) {
        out_table_init(&t, (const char *const[]){"name", "help", NULL});
        for (size_t i = 0; cmd_table[i] != NULL; i++) {
            out_table_text(&t, cmd_table[i]->name);
            out_table_text(&t, cmd_table[i]->help);
        }
        cmd_print_table(c, &t);
        return STATUS_DONE;
    }
    buf_append_str(&out, "Mongrel2 m2sh has these commands available:\n\n");
    for (size_t i = 0; cmd_table[i] != NULL; i++)
        buf_printf(&out, "%8s  %s\n", cmd_table[i]->name, cmd_table[i]->help);
    cmd_print(&out);
    return STATUS_DONE;
}

const struct cmd cmd_help_on = {
    .name = "help",
    .help = "Get help, lists commands.",
    .arguments = "[-on COMMAND]",
    .more = "m2sh COMMAND -help prints the options of a command.",
    .options = (const struct args_option[]){{"on", "COMMAND", "Only this command."}, OPTION_END},
    .words_max = 1,
    .is_classic = true,
    .run = run,
};
