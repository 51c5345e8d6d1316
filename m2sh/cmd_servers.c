/* servers: the servers of a configuration. */

#include "m2sh/cmd_table.h"
#include "m2sh/listing.h"
#include "m2sh/model_source.h"

static enum status run(struct call *c)
{
    struct model *m;
    struct listing l;
    enum status status = model_source_read(c, &m);
    if (status != STATUS_DONE)
        return status;
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
    .arguments = "[-db FILE | -cluster SPEC]",
    .options = (const struct args_option[]){OPTIONS_SOURCE, OPTION_END},
    .is_classic = true,
    .run = run,
};
