/* check: would a server run this configuration? Loads it, checks it and runs its routing tests; no
 * network, nothing changes. */

#include "m2sh/cmd_table.h"
#include "m2sh/config.h"

static void put_count(struct buf *out, const struct model *m, enum table_id table,
                      const char *between)
{
    size_t count = model_count(m, table);
    buf_printf(out, "%s%zu %s%s", between, count, schema_tables[table].name, count == 1 ? "" : "s");
}

static void print(const struct call *c, const struct model *m, const char *path)
{
    struct buf out = BUF_INIT;
    if (c->json) {
        struct out_json j;
        out_json_init(&j, &out);
        out_json_object(&j);
        out_json_pair_bool(&j, "valid", true);
        out_json_pair_int(&j, "servers", (int64_t)model_count(m, TABLE_SERVER));
        out_json_pair_int(&j, "hosts", (int64_t)model_count(m, TABLE_HOST));
        out_json_pair_int(&j, "routes", (int64_t)model_count(m, TABLE_ROUTE));
        out_json_pair_int(&j, "expects", (int64_t)model_count(m, TABLE_EXPECT));
        out_json_end(&j);
    } else {
        put_count(&out, m, TABLE_SERVER, "");
        put_count(&out, m, TABLE_HOST, ", ");
        put_count(&out, m, TABLE_ROUTE, ", ");
        put_count(&out, m, TABLE_EXPECT, ", ");
        buf_printf(&out, ": %s is valid.", path);
    }
    buf_append_char(&out, '\n');
    cmd_print(&out);
}

static enum status run(struct call *c)
{
    struct config config;
    const char *path = args_get(&c->args, "config", "mongrel2.conf");
    enum status status = config_open(&config, c, path);
    if (status != STATUS_DONE)
        return status;
    print(c, config.model, path);
    config_close(&config);
    return STATUS_DONE;
}

const struct cmd cmd_check = {
    .name = "check",
    .help = "Checks a configuration, changes nothing.",
    .arguments = "[-config FILE]",
    .more = "FILE is a configuration file or a database. Exit status 3: it is not valid.",
    .options = (const struct args_option[]){OPTION_CONFIG, OPTION_END},
    .run = run,
};
