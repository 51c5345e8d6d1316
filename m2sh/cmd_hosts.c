/* hosts: the hosts of one server. */

#include "m2sh/cmd_table.h"
#include "m2sh/listing.h"
#include "m2sh/model_source.h"

static enum status list(struct call *c, const struct model *m, const char *name)
{
    struct error e;
    struct listing l;
    const struct row *server = model_server_by_name(m, slice_str(name));
    if (server == NULL) {
        error_set(&e, ERROR_NOT_FOUND,
                  "There is no server named %s in %s; m2sh servers lists them.", name,
                  model_source_name(c));
        return cmd_fail(c, &e);
    }
    listing_init(&l, c, (const char *const[]){"id", "name", NULL});
    listing_title(&l, "HOSTS in %s:\n-----\n", name);
    for (size_t i = 0; i < model_count(m, TABLE_HOST); i++) {
        const struct row *host = model_row(m, TABLE_HOST, i);
        if (row_int(host, HOST_SERVER_ID) != row_id(server))
            continue;
        listing_value(&l, host, HOST_ID);
        listing_value(&l, host, HOST_NAME);
    }
    listing_print(&l);
    return STATUS_DONE;
}

static enum status run(struct call *c)
{
    struct error e;
    struct model *m;
    const char *name = args_get(&c->args, "server", NULL);
    if (name == NULL) {
        error_set(&e, ERROR_USAGE, "You need to give a -server of the server to list hosts from.");
        return cmd_fail(c, &e);
    }
    enum status status = model_source_read(c, &m);
    if (status != STATUS_DONE)
        return status;
    status = list(c, m, name);
    model_unref(m);
    return status;
}

const struct cmd cmd_hosts = {
    .name = "hosts",
    .help = "Lists the hosts in a server.",
    .arguments = "-server NAME [-db FILE | -cluster SPEC]",
    .options = (const struct args_option[]){OPTIONS_SOURCE,
                                            {"server", "NAME", "Name of the server."},
                                            OPTION_END},
    .is_classic = true,
    .run = run,
};
