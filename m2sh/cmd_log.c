/* log: the deployment log of a database, oldest entry first. */

#include "m2sh/cmd_table.h"
#include "m2sh/listing.h"
#include "proto/model/model_log.h"

static enum status run(struct call *c)
{
    struct error e;
    struct arena arena;
    struct log_entry *entries;
    struct listing l;
    size_t count;
    int64_t limit;
    if (args_get_int(&c->args, "n", 0, INT32_MAX, 0, &limit, &e) != 0)
        return cmd_fail(c, &e);
    arena_init(&arena, 0);
    if (model_log_read(&entries, &count, cmd_db(c), (size_t)limit, &arena, &e) != 0) {
        arena_fini(&arena);
        return cmd_fail(c, &e);
    }
    listing_init(
        &l, c, (const char *const[]){"happened_at", "who", "location", "how", "what", "why", NULL});
    listing_title(&l, "LOG MESSAGES:\n------\n");
    for (size_t i = 0; i < count; i++) {
        listing_text(&l, entries[i].happened_at);
        listing_text(&l, entries[i].who);
        listing_text(&l, entries[i].location);
        listing_text(&l, entries[i].how);
        listing_text(&l, entries[i].what);
        listing_text(&l, entries[i].why);
    }
    listing_print(&l);
    arena_fini(&arena);
    return STATUS_DONE;
}

const struct cmd cmd_log = {
    .name = "log",
    .help = "Prints the commit log.",
    .arguments = "[-db FILE] [-n COUNT]",
    .options = (const struct args_option[]){OPTION_DB,
                                            {"n", "COUNT", "Only the newest so many (all)."},
                                            OPTION_END},
    .is_classic = true,
    .run = run,
};
