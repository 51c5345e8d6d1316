/* load, config: a configuration file into a database, whole or not at all. The file is read, loaded
 * and checked before the database is opened, and the rows go in as one transaction together with
 * the row of the deployment log; so a failed load leaves the database as it was, to the byte. */

#include "m2sh/base/xalloc.h"
#include "m2sh/cmd_table.h"
#include "m2sh/config.h"
#include "m2sh/journal.h"
#include "proto/model/model_sqlite.h"

static const struct args_option options[] = {OPTION_CONFIG, OPTION_DB, OPTION_END};

static void print_json(const struct model *m, const char *config, const char *db)
{
    struct buf out = BUF_INIT;
    struct out_json j;
    out_json_init(&j, &out);
    out_json_object(&j);
    out_json_pair_str(&j, "config", config);
    out_json_pair_str(&j, "db", db);
    out_json_pair_int(&j, "servers", (int64_t)model_count(m, TABLE_SERVER));
    out_json_pair_int(&j, "hosts", (int64_t)model_count(m, TABLE_HOST));
    out_json_pair_int(&j, "routes", (int64_t)model_count(m, TABLE_ROUTE));
    out_json_end(&j);
    buf_append_char(&out, '\n');
    cmd_print(&out);
}

static enum status run(struct call *c)
{
    struct error e;
    struct config config;
    struct journal_author author;
    const char *path = args_get(&c->args, "config", "mongrel2.conf");
    enum status status = config_open(&config, c, path);
    if (status != STATUS_DONE)
        return STATUS_INVALID;
    struct log_entry entry = journal_entry(&author, "load", path, "command");
    if (model_sqlite_write(config.model, cmd_db(c), &entry, &e) != 0)
        status = cmd_fail(c, &e);
    else if (c->json)
        print_json(config.model, path, cmd_db(c));
    config_close(&config);
    return status;
}

const struct cmd cmd_load = {
    .name = "load",
    .help = "Load a config.",
    .arguments = "[-config FILE] [-db FILE]",
    .more = "The database changes only when the whole configuration is valid; its log is kept.\n"
            "Exit status 3: the configuration is not valid, nothing was changed.",
    .options = options,
    .is_classic = true,
    .run = run,
};

const struct cmd cmd_config = {
    .name = "config",
    .help = "Alias for load.",
    .arguments = "[-config FILE] [-db FILE]",
    .options = options,
    .is_classic = true,
    .run = run,
};
