#include "m2sh/node_table.h"

#include "m2sh/base/xalloc.h"

#include <stdio.h>

enum status node_table_read(struct node_table *t, struct cluster *cl, const struct call *c,
                            const char *node)
{
    struct cluster_request request;
    const struct cluster_reply *reply;
    cluster_request_init(&request, CLUSTER_HEAD);
    enum status status = cluster_ask(cl, c, &request, &reply);
    if (status != STATUS_DONE)
        return status;
    t->head = cluster_table_int(&reply->table, 0, "version");
    snprintf(t->scope, sizeof t->scope, "%.*s",
             SLICE_ARG(cluster_table_text(&reply->table, 0, "scope")));
    snprintf(t->held, sizeof t->held, "%.*s",
             SLICE_ARG(cluster_table_text(&reply->table, 0, "held")));
    cluster_request_init(&request, CLUSTER_NODES);
    request.nodes.node = slice_str(node);
    status = cluster_ask_again(cl, &request, 10000, NULL, NULL, &reply);
    if (status == STATUS_DONE)
        t->rows = &reply->table;
    return status;
}

enum node_word node_table_word(const struct node_table *t, size_t row)
{
    return node_word_of(t->rows, row, t->head);
}

enum out_style node_word_style(enum node_word word)
{
    if (word == NODE_SYNCED)
        return OUT_GOOD;
    return node_word_is_bad(word) ? OUT_BAD : OUT_WARN;
}

static void put_row(struct out_table *out, const struct node_table *t, size_t row)
{
    const struct cluster_table *rows = t->rows;
    enum node_word word = node_table_word(t, row);
    out_table_slice(out, cluster_table_text(rows, row, "node"));
    out_table_styled(out, node_word_style(word), node_word_name(word));
    out_table_int(out, cluster_table_int(rows, row, "version"));
    out_table_slice(out, cluster_table_text(rows, row, "server"));
    out_table_slice(out, cluster_table_text(rows, row, "addresses"));
    out_table_int(out, cluster_table_int(rows, row, "connections"));
    out_table_int(out, cluster_table_int(rows, row, "requests"));
    out_table_int(out, cluster_table_int(rows, row, "errors"));
    out_table_real(out, (double)cluster_table_int(rows, row, "p50_us") / 1000, 1);
    out_table_real(out, (double)cluster_table_int(rows, row, "p99_us") / 1000, 1);
    out_table_real(out, (double)cluster_table_int(rows, row, "age_ms") / 1000, 1);
    out_table_slice(out, cluster_table_text(rows, row, "error"));
}

void node_table_print(const struct node_table *t, const struct call *c)
{
    static const char *const names[] = {
        "node",   "state",  "revision", "server", "addresses", "connections", "requests",
        "errors", "p50_ms", "p99_ms",   "age_s",  "error",     NULL};
    struct out_table out;
    out_table_init(&out, names);
    for (size_t row = 0; row < t->rows->row_count; row++)
        put_row(&out, t, row);
    cmd_print_table(c, &out);
}
