/* version: the version of all the programs, which are built together. */

#include "m2sh/cmd_table.h"

static enum status run(struct call *c)
{
    struct buf out = BUF_INIT;
    if (c->json)
        buf_append_str(&out, "{\"version\":\"" M2_VERSION "\"}\n");
    else
        buf_append_str(&out, "Mongrel2/" M2_VERSION "\n");
    cmd_print(&out);
    return STATUS_DONE;
}

const struct cmd cmd_version = {
    .name = "version",
    .help = "Prints the Mongrel2 and m2sh version.",
    .arguments = "",
    .is_classic = true,
    .run = run,
};
