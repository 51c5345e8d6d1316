/* servers: the servers of a database. */

#include "m2sh/cmd_table.h"
#include "m2sh/listing.h"
#include "proto/model/model_sqlite.h"

static enum status run(struct call *c)
{
    struct error e;
    struct model *m;
    struct listing l;
    if (model_sqlite_read(&m, cmd_db(c), &e) != 0)
        return cmd_fail(c, &e);
    listing_init(&l, c, (const char *const[]){"name", "default_host", "uuid", NULL});
    listing_title(&l, "SERVERS:\n------\n");
    for (size_t i = 0; i < model_count(m, TABLE_SERVER); i++) {
        const struct row *server = model_row(m, TABLE_SERVER, i);
        listing_value(&l, server, SERVER_NAME);
        listing_value(&l, server, SERVER_DEFAULT_HOST);
        listing_value(&l, server, SERVER_UUID);
    }
    listing_print(&l);
    model_unref(m);
    return STATUS_DONE;
}

const struct cmd cmd_servers = {
    .name = "servers",
    .help = "Lists the servers in a config database.",
    .arguments = "[-db FILE]",
    .options = (const struct args_option[]){OPTION_DB, OPTION_END},
    .is_classic = true,
    .run = run,
};
