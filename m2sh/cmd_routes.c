/* routes: the routes of one host, chosen by id or by server and name. */

#include "m2sh/cmd_table.h"
#include "m2sh/listing.h"
#include "m2sh/model_source.h"

#include <inttypes.h>

static const struct row *find_host(const struct model *m, const char *server_name, const char *name)
{
    const struct row *server = model_server_by_name(m, slice_str(server_name));
    for (size_t i = 0; server != NULL && i < model_count(m, TABLE_HOST); i++) {
        const struct row *host = model_row(m, TABLE_HOST, i);
        if (row_int(host, HOST_SERVER_ID) == row_id(server) &&
            slice_eq(row_text(host, HOST_NAME), slice_str(name)))
            return host;
    }
    return NULL;
}

static void list(struct call *c, const struct model *m, const struct row *host, const char *title)
{
    struct listing l;
    listing_init(&l, c, (const char *const[]){"path", NULL});
    listing_title(&l, "%s\n-----\n", title);
    for (size_t i = 0; i < model_count(m, TABLE_ROUTE); i++) {
        const struct row *route = model_row(m, TABLE_ROUTE, i);
        if (row_int(route, ROUTE_HOST_ID) == row_id(host))
            listing_value(&l, route, ROUTE_PATH);
    }
    listing_print(&l);
}

/* Fills in the title; NULL after setting *e. */
static const struct row *choose(struct call *c, const struct model *m, struct buf *title,
                                struct error *e)
{
    int64_t id;
    const char *server = args_get(&c->args, "server", NULL);
    const char *name = args_get(&c->args, "host", NULL);
    const struct row *host = NULL;
    if (args_get_int(&c->args, "id", 0, INT64_MAX, -1, &id, e) != 0)
        return NULL;
    if (id >= 0) {
        buf_printf(title, "ROUTES in host id %" PRId64, id);
        host = model_find(m, TABLE_HOST, id);
    } else if (server == NULL) {
        error_set(e, ERROR_USAGE, "Must set the -server name you want or use -id.");
        return NULL;
    } else if (name == NULL) {
        error_set(e, ERROR_USAGE, "Must set the -host in that server you want or use -id.");
        return NULL;
    } else {
        buf_printf(title, "ROUTES in host %s, server %s", name, server);
        host = find_host(m, server, name);
    }
    if (host == NULL)
        error_set(e, ERROR_NOT_FOUND, "There is no such host in %s; m2sh hosts lists them.",
                  model_source_name(c));
    return host;
}

static enum status run(struct call *c)
{
    struct error e;
    struct model *m;
    struct buf title = BUF_INIT;
    enum status status = model_source_read(c, &m);
    if (status != STATUS_DONE)
        return status;
    const struct row *host = choose(c, m, &title, &e);
    if (host == NULL)
        status = cmd_fail(c, &e);
    else
        list(c, m, host, buf_str(&title));
    buf_fini(&title);
    model_unref(m);
    return status;
}

const struct cmd cmd_routes = {
    .name = "routes",
    .help = "Lists the routes in a host.",
    .arguments = "-id HOSTID | -server NAME -host NAME [-db FILE | -cluster SPEC]",
    .options = (const struct args_option[]){OPTIONS_SOURCE,
                                            {"id", "HOSTID",
                                             "Id of the host, as m2sh hosts shows it."},
                                            {"server", "NAME", "Name of the server."},
                                            {"host", "NAME", "Name of the host in that server."},
                                            OPTION_END},
    .is_classic = true,
    .run = run,
};
