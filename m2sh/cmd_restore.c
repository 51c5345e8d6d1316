/* restore: a backup becomes the history of a store that no coordinator has open. Done by a
 * mongrel2-coordinator that is started for it: only that knows stores. */

#include "m2sh/cmd_table.h"
#include "m2sh/store_program.h"

static enum status run(struct call *c)
{
    struct error e;
    const char *path = args_get(&c->args, "file", "");
    if (path[0] != '\0' && args_has(&c->args, "store"))
        return store_program_run(c, "-restore", path);
    error_set(&e, ERROR_USAGE, "Name the file and where it goes: -file FILE -store URL.");
    return cmd_fail(c, &e);
}

const struct cmd cmd_restore = {
    .name = "restore",
    .help = "Puts a backup into a store.",
    .arguments = "-file FILE -store URL",
    .more = "The store is empty, or has the beginning of the same history. Stop its coordinators\n"
            "before, start them afterwards; nodes go on serving meanwhile.",
    .options = (const struct args_option[]){{"file", "FILE", "What m2sh backup has written."},
                                            {"store", "URL", "sqlite:PATH, redis://…"},
                                            OPTION_END},
    .run = run,
};
