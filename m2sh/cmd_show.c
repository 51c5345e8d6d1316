/* show: a configuration in the configuration language, loadable again: that of a database, or a
 * revision of the cluster's. */

#include "m2sh/base/xalloc.h"
#include "m2sh/cmd_table.h"
#include "m2sh/lang/printer.h"
#include "m2sh/model_source.h"
#include "m2sh/revision.h"
#include "proto/view/moment.h"

static enum status print_model(struct call *c, const struct model *m, struct buf *text)
{
    struct error e;
    if (printer_print(m, text, &e) == 0) {
        cmd_print(text);
        return STATUS_DONE;
    }
    buf_fini(text);
    return cmd_fail(c, &e);
}

/* Text from a person as comment lines. */
static void put_comment(struct buf *out, const char *name, struct slice text)
{
    buf_printf(out, "# %-8s ", name);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\n')
            buf_append_str(out, "\n#          ");
        else
            buf_append_char(out, text.ptr[i]);
    }
    buf_append_char(out, '\n');
}

static void put_header(struct buf *out, const struct commit *commit)
{
    char when[MOMENT_LEN + 1];
    moment_format(commit->when_ms, when);
    buf_printf(out, "# revision %llu %s\n", (unsigned long long)commit->version, commit->hash);
    put_comment(out, "who", commit->who);
    put_comment(out, "where", commit->where);
    put_comment(out, "when", slice_str(when));
    put_comment(out, "how", commit->how);
    put_comment(out, "why", commit->why);
    buf_append_char(out, '\n');
}

static enum status show_revision(struct call *c, int64_t version)
{
    struct arena arena;
    struct commit commit;
    struct model *m;
    struct buf text = BUF_INIT;
    arena_init(&arena, 0);
    enum status status = revision_fetch(c, version, &arena, &commit, &m);
    if (status == STATUS_DONE) {
        put_header(&text, &commit);
        status = print_model(c, m, &text);
        model_unref(m);
    }
    arena_fini(&arena);
    return status;
}

static enum status run(struct call *c)
{
    struct error e;
    int64_t version;
    if (args_get_int(&c->args, "rev", 1, INT64_MAX, 0, &version, &e) != 0)
        return cmd_fail(c, &e);
    if (version > 0 || cluster_is_meant(c))
        return show_revision(c, version);
    struct model *m;
    struct buf text = BUF_INIT;
    enum status status = model_source_read(c, &m);
    if (status == STATUS_DONE) {
        status = print_model(c, m, &text);
        model_unref(m);
    }
    return status;
}

const struct cmd cmd_show = {
    .name = "show",
    .help = "Prints a configuration as a config file.",
    .arguments = "[-db FILE | -rev N [-cluster SPEC]]",
    .more = "With -cluster and without -rev: the head.",
    .options = (const struct args_option[]){OPTION_DB,
                                            {"rev", "N", "Revision of the cluster."},
                                            OPTIONS_CLUSTER,
                                            OPTION_END},
    .run = run,
};
