/* diff: what loading a configuration would change in a database, what pushing it would change in
 * the cluster, or what lies between two revisions. */

#include "m2sh/change_list.h"
#include "m2sh/cluster.h"
#include "m2sh/cmd_table.h"
#include "m2sh/config.h"
#include "proto/model/canon.h"
#include "proto/model/diff.h"
#include "proto/model/model_sqlite.h"

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

static enum status compare_with_database(struct call *c, const struct model *after)
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

/* ---- cluster ------------------------------------------------------------------------------- */

/* No commit closes any (docs/reference/commits.md): what people want to be told before they push.
 */
static void put_connections(struct cluster *cl)
{
    struct cluster_request request;
    const struct cluster_reply *reply;
    struct error e;
    long long open = 0;
    cluster_request_init(&request, CLUSTER_NODES);
    if (caller_call(cl->caller, &request, NULL, NULL, &reply, &e) != 0)
        return;
    for (size_t row = 0; row < reply->table.row_count; row++)
        open += cluster_table_int(&reply->table, row, "connections");
    printf("Closes 0 of %lld connections.\n", open);
}

static enum status ask(struct call *c, struct cluster_request *request, bool is_plan)
{
    struct cluster cl;
    const struct cluster_reply *reply;
    enum status status = cluster_ask(&cl, c, request, &reply);
    if (status != STATUS_DONE)
        return status;
    if (c->json)
        cluster_print_json(&reply->table);
    else
        change_list_print(&reply->table, 0);
    status = reply->table.row_count > 0 ? STATUS_NO : STATUS_DONE;
    if (is_plan && !c->json && status == STATUS_NO)
        put_connections(&cl);
    cluster_close(&cl);
    return status;
}

static enum status compare_revisions(struct call *c)
{
    struct error e;
    struct cluster_request request;
    cluster_request_init(&request, CLUSTER_DIFF);
    if (args_get_int(&c->args, "rev", 1, INT64_MAX, 0, &request.diff.from, &e) != 0 ||
        args_get_int(&c->args, "to", 1, INT64_MAX, 0, &request.diff.to, &e) != 0)
        return cmd_fail(c, &e);
    return ask(c, &request, false);
}

static enum status compare_with_cluster(struct call *c, const struct model *after)
{
    struct error e;
    struct buf bytes = BUF_INIT;
    struct cluster_request request;
    enum status status;
    cluster_request_init(&request, CLUSTER_DIFF);
    if (canon_encode(after, &bytes, &e) != 0 ||
        args_get_int(&c->args, "rev", 1, INT64_MAX, 0, &request.diff.from, &e) != 0) {
        status = cmd_fail(c, &e);
    } else {
        request.diff.config = buf_slice(&bytes);
        status = ask(c, &request, true);
    }
    buf_fini(&bytes);
    return status;
}

static enum status run(struct call *c)
{
    struct config config;
    bool has_revision = args_has(&c->args, "rev") || args_has(&c->args, "to");
    if (has_revision && !args_has(&c->args, "config"))
        return compare_revisions(c);
    enum status status = config_open(&config, c, args_get(&c->args, "config", "mongrel2.conf"));
    if (status != STATUS_DONE)
        return status;
    if (has_revision || cluster_is_meant(c))
        status = compare_with_cluster(c, config.model);
    else
        status = compare_with_database(c, config.model);
    config_close(&config);
    return status;
}

const struct cmd cmd_diff = {
    .name = "diff",
    .help = "Shows what a configuration would change.",
    .arguments = "[-config FILE] [-db FILE | -cluster SPEC] | -rev N [-to M]",
    .more = "+ added, - removed, ~ changed. Without -to, the newest revision.\n"
            "Exit status 0: nothing; 1: something.",
    .options = (const struct args_option[]){OPTION_CONFIG,
                                            OPTION_DB,
                                            {"rev", "N", "From this revision of the cluster."},
                                            {"to", "M", "To this one (the head)."},
                                            OPTIONS_CLUSTER,
                                            OPTION_END},
    .run = run,
};
