/* show: a configuration in the configuration language, loadable again. */

#include "m2sh/cmd_table.h"
#include "m2sh/lang/printer.h"
#include "proto/model/model_sqlite.h"

static enum status run(struct call *c)
{
    struct error e;
    struct model *m;
    struct buf text = BUF_INIT;
    enum status status = STATUS_DONE;
    if (model_sqlite_read(&m, cmd_db(c), &e) != 0)
        return cmd_fail(c, &e);
    if (printer_print(m, &text, &e) != 0) {
        status = cmd_fail(c, &e);
        buf_fini(&text);
    } else {
        cmd_print(&text);
    }
    model_unref(m);
    return status;
}

const struct cmd cmd_show = {
    .name = "show",
    .help = "Prints a configuration as a config file.",
    .arguments = "[-db FILE]",
    .options = (const struct args_option[]){OPTION_DB, OPTION_END},
    .run = run,
};
