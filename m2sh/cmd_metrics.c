/* metrics: counters in the text format of Prometheus, of a node or of the coordinator. */

#include "m2sh/base/xalloc.h"
#include "m2sh/cmd_table.h"
#include "m2sh/node_call.h"

/* Counters end in _total, as Prometheus wants it. */
static void put(struct buf *out, const struct cluster_table *t, size_t row)
{
    struct slice name = cluster_table_text(t, row, "name"),
                 type = cluster_table_text(t, row, "type");
    const char *end = slice_eq(type, SLICE("counter")) ? "_total" : "";
    buf_printf(out, "# HELP mongrel2_coordinator_%.*s%s %.*s\n", SLICE_ARG(name), end,
               SLICE_ARG(cluster_table_text(t, row, "help")));
    buf_printf(out, "# TYPE mongrel2_coordinator_%.*s%s %.*s\n", SLICE_ARG(name), end,
               SLICE_ARG(type));
    buf_printf(out, "mongrel2_coordinator_%.*s%s %lld\n", SLICE_ARG(name), end,
               (long long)cluster_table_int(t, row, "value"));
}

static void print(const struct call *c, const struct cluster_table *t)
{
    struct buf out = BUF_INIT;
    (void)c;
    for (size_t row = 0; row < t->row_count; row++)
        put(&out, t, row);
    cmd_print(&out);
}

static enum status of_coordinator(struct call *c)
{
    struct cluster_request request;
    cluster_request_init(&request, CLUSTER_STATS);
    return cluster_show(c, &request, print);
}

static void print_node(const struct call *c, struct slice text)
{
    struct buf out = BUF_INIT;
    struct out_json j;
    if (c->json) {
        out_json_init(&j, &out);
        out_json_slice(&j, text);
        buf_append_char(&out, '\n');
    } else {
        buf_append_slice(&out, text);
    }
    cmd_print(&out);
}

static enum status of_node(struct call *c, const char *node)
{
    struct error e;
    struct cluster cl;
    struct node_answer answer;
    if (cluster_open(&cl, c, &e) != 0)
        return cmd_fail(c, &e);
    int result = node_call(&cl, node, "metrics", NULL, NULL, 0, &answer, &e);
    if (result == 0)
        print_node(c, node_answer_text(&answer, 0, "metrics"));
    node_answer_release(&answer);
    cluster_close(&cl);
    return result == 0 ? STATUS_DONE : cmd_fail(c, &e);
}

static enum status run(struct call *c)
{
    const char *node = args_get(&c->args, "node", NULL);
    return node != NULL ? of_node(c, node) : of_coordinator(c);
}

const struct cmd cmd_metrics = {
    .name = "metrics",
    .help = "Counters in the format of Prometheus.",
    .arguments = "[-node NAME] [-cluster SPEC]",
    .more =
        "Of the coordinator, or with -node of a node, which serves them itself at a route with\n"
        "Status(what=\"metrics\").",
    .options = (const struct args_option[]){{"node", "NAME", "A node, by name or UUID."},
                                            OPTIONS_CLUSTER,
                                            OPTION_END},
    .run = run,
};
