/* diff: what loading a configuration would change in a database. */

#include "m2sh/cmd_table.h"
#include "m2sh/config.h"
#include "proto/model/diff.h"
#include "proto/model/model_sqlite.h"

#include <unistd.h>

static const char *kind_name(enum change_kind kind)
{
    static const char *const names[] = {"added", "removed", "changed"};
    return names[kind];
}

static void print(const struct call *c, const struct diff *d)
{
    struct buf out = BUF_INIT;
    if (!c->json) {
        diff_format(d, &out);
        cmd_print(&out);
        return;
    }
    struct out_table t;
    out_table_init(&t, (const char *const[]){"change", "object", "text", NULL});
    for (size_t i = 0; i < d->count; i++) {
        out_table_text(&t, kind_name(d->changes[i].kind));
        out_table_text(&t, d->changes[i].object);
        out_table_text(&t, d->changes[i].text);
    }
    cmd_print_table(c, &t);
}

static enum status compare(struct call *c, const struct model *after)
{
    struct error e;
    struct model *before = NULL;
    struct diff *d;
    enum status status;
    if (model_sqlite_read(&before, cmd_db(c), &e) != 0)
        return cmd_fail(c, &e);
    if (diff_make(&d, before, after, &e) != 0) {
        status = cmd_fail(c, &e);
    } else {
        status = d->count > 0 ? STATUS_NO : STATUS_DONE;
        print(c, d);
        diff_destroy(d);
    }
    model_unref(before);
    return status;
}

static enum status run(struct call *c)
{
    struct config config;
    enum status status = config_open(&config, c, args_get(&c->args, "config", "mongrel2.conf"));
    if (status != STATUS_DONE)
        return status;
    status = compare(c, config.model);
    config_close(&config);
    return status;
}

const struct cmd cmd_diff = {
    .name = "diff",
    .help = "Shows what a configuration would change.",
    .arguments = "[-config FILE] [-db FILE]",
    .more = "Exit status 0: nothing; 1: something.",
    .options = (const struct args_option[]){OPTION_CONFIG, OPTION_DB, OPTION_END},
    .run = run,
};
