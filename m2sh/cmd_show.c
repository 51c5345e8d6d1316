/* show: a configuration in the configuration language, loadable again: that of a database, or a
 * revision of the cluster's. */

#include "m2sh/base/xalloc.h"
#include "m2sh/cmd_table.h"
#include "m2sh/lang/printer.h"
#include "m2sh/model_source.h"
#include "m2sh/out/out_json.h"
#include "m2sh/revision.h"
#include "proto/view/moment.h"

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

static void put_members(struct out_json *j, const struct commit *commit)
{
    out_json_pair_int(j, "version", (int64_t)commit->version);
    out_json_pair_str(j, "hash", commit->hash);
    out_json_key(j, "who");
    out_json_slice(j, commit->who);
    out_json_key(j, "where");
    out_json_slice(j, commit->where);
    out_json_pair_int(j, "when_ms", commit->when_ms);
    out_json_key(j, "how");
    out_json_slice(j, commit->how);
    out_json_key(j, "why");
    out_json_slice(j, commit->why);
}

static void put_json(struct buf *out, const struct commit *commit, const struct buf *config)
{
    struct out_json j;
    out_json_init(&j, out);
    out_json_object(&j);
    if (commit != NULL)
        put_members(&j, commit);
    out_json_pair_str(&j, "config", buf_str(config));
    out_json_end(&j);
    buf_append_char(out, '\n');
}

/* `commit` NULL: it is a database's. */
static enum status print(struct call *c, const struct model *m, const struct commit *commit)
{
    struct error e;
    struct buf config = BUF_INIT, text = BUF_INIT;
    if (printer_print(m, &config, &e) != 0) {
        buf_fini(&config);
        return cmd_fail(c, &e);
    }
    if (c->json)
        put_json(&text, commit, &config);
    else if (commit != NULL)
        put_header(&text, commit);
    if (!c->json)
        buf_append_slice(&text, buf_slice(&config));
    buf_fini(&config);
    cmd_print(&text);
    return STATUS_DONE;
}

static enum status show_revision(struct call *c, int64_t version)
{
    struct arena arena;
    struct commit commit;
    struct model *m;
    arena_init(&arena, 0);
    enum status status = revision_fetch(c, version, &arena, &commit, &m);
    if (status == STATUS_DONE) {
        status = print(c, m, &commit);
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
    enum status status = model_source_read(c, &m);
    if (status == STATUS_DONE) {
        status = print(c, m, NULL);
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
