/* check: would a server run this configuration? Loads it, checks it and runs its routing tests; no
 * network. With -cluster the nodes are asked too: each builds it beside what it runs and throws it
 * away. Nothing changes. */

#include "m2sh/base/xalloc.h"
#include "m2sh/cluster.h"
#include "m2sh/cmd_table.h"
#include "m2sh/config.h"
#include "proto/model/canon.h"

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

/* One line per node or finding, whichever the coordinator answers with. */
static void show_rows(const struct cluster_table *t)
{
    for (size_t row = 0; row < t->row_count; row++) {
        struct slice node = cluster_table_text(t, row, "node");
        struct slice answer = cluster_table_text(t, row, "answer");
        struct slice object = cluster_table_text(t, row, "object");
        struct slice text = cluster_table_text(t, row, node.len > 0 ? "error" : "text");
        if (node.len > 0)
            fprintf(stderr, "%-8.*s %.*s: ", SLICE_ARG(answer), SLICE_ARG(node));
        fprintf(stderr, "%.*s%s%.*s\n", SLICE_ARG(object), object.len > 0 ? ": " : "",
                SLICE_ARG(text));
    }
}

static void on_report(void *arg, const struct cluster_reply *report)
{
    const struct cluster_table *t = &report->table;
    const struct call *c = arg;
    if (c->json || !slice_eq(report->progress, SLICE("prepared")))
        return;
    for (size_t row = 0; row < t->row_count; row++)
        if (cluster_table_bool(t, row, "ok"))
            printf("ready    %.*s\n", SLICE_ARG(cluster_table_text(t, row, "node")));
    fflush(stdout);
}

static enum status ask_nodes(struct call *c, struct slice bytes)
{
    struct error e;
    struct cluster cl;
    struct cluster_request request;
    const struct cluster_reply *reply;
    cluster_request_init(&request, CLUSTER_CHECK);
    request.check.config = bytes;
    request.check.nodes = true;
    if (cluster_open(&cl, c, &e) != 0)
        return cmd_fail(c, &e);
    enum status status = STATUS_DONE;
    if (caller_call_within(cl.caller, &request, (int)request.check.timeout_ms + 10000, on_report, c,
                           &reply, &e) != 0) {
        status = cmd_fail(c, &e);
        if (reply != NULL)
            show_rows(&reply->table);
    }
    cluster_close(&cl);
    return status;
}

static enum status check_in_cluster(struct call *c, const struct model *m)
{
    struct error e;
    struct buf bytes = BUF_INIT;
    enum status status;
    if (canon_encode(m, &bytes, &e) != 0)
        status = cmd_fail(c, &e);
    else
        status = ask_nodes(c, buf_slice(&bytes));
    buf_fini(&bytes);
    return status;
}

static enum status run(struct call *c)
{
    struct config config;
    const char *path = args_get(&c->args, "config", args_get(&c->args, "db", "mongrel2.conf"));
    enum status status = config_open(&config, c, path);
    if (status != STATUS_DONE)
        return status;
    if (cluster_is_meant(c))
        status = check_in_cluster(c, config.model);
    if (status == STATUS_DONE)
        print(c, config.model, path);
    config_close(&config);
    return status;
}

const struct cmd cmd_check = {
    .name = "check",
    .help = "Checks a configuration, changes nothing.",
    .arguments = "[-config FILE | -db FILE] [-cluster SPEC]",
    .more = "FILE is a configuration file or a database. With -cluster the nodes try it too.\n"
            "Exit status 3: it is not valid; 4: a node refuses it.",
    .options = (const struct args_option[]){OPTION_CONFIG, OPTION_DB, OPTIONS_CLUSTER, OPTION_END},
    .run = run,
};
