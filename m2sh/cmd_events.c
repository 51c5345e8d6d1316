/* events: what happens in the cluster, in order. A follower asks again with the last number it has,
 * so nothing is lost when it has to change coordinators in between. */

#include "m2sh/cluster.h"
#include "m2sh/cmd_table.h"
#include "proto/view/moment.h"

#define WAIT_MS 30000

static void put_line(const struct cluster_table *t, size_t row, struct buf *out)
{
    char when[MOMENT_LEN + 1];
    struct slice node = cluster_table_text(t, row, "node");
    moment_format(cluster_table_int(t, row, "when_ms"), when);
    buf_printf(out, "%lld %s %.*s %.*s%s%.*s\n", (long long)cluster_table_int(t, row, "id"), when,
               SLICE_ARG(cluster_table_text(t, row, "kind")), SLICE_ARG(node),
               node.len > 0 ? ": " : "", SLICE_ARG(cluster_table_text(t, row, "text")));
}

static void print(const struct call *c, const struct cluster_table *t, bool follows)
{
    struct buf out = BUF_INIT;
    if (c->json && !follows) {
        cluster_print_json(t);
        return;
    }
    for (size_t row = 0; row < t->row_count; row++) {
        if (c->json) { /* one object a line, as they come */
            struct out_json j;
            struct cluster_table one = *t;
            one.row_count = 1;
            one.cells = t->cells + row * t->column_count;
            out_json_init(&j, &out);
            cluster_put_json(&one, &j);
            buf_append_char(&out, '\n');
        } else {
            put_line(t, row, &out);
        }
    }
    cmd_print(&out);
}

static enum status watch(struct cluster *cl, const struct call *c, int64_t since, int64_t count)
{
    bool follows = args_has(&c->args, "follow");
    for (;;) {
        struct cluster_request request;
        const struct cluster_reply *reply;
        cluster_request_init(&request, CLUSTER_WATCH);
        request.watch.since = since;
        request.watch.count = count;
        request.watch.wait_ms = follows ? WAIT_MS : 0;
        enum status status = cluster_ask_again(cl, &request, WAIT_MS + 10000, NULL, NULL, &reply);
        if (status != STATUS_DONE)
            return status;
        print(c, &reply->table, follows);
        if (reply->table.row_count > 0)
            since = cluster_table_int(&reply->table, reply->table.row_count - 1, "id");
        if (!follows)
            break;
    }
    cluster_close(cl);
    return STATUS_DONE;
}

static enum status run(struct call *c)
{
    struct error e;
    struct cluster cl;
    int64_t since, count;
    if (args_get_int(&c->args, "since", -1, INT64_MAX, 0, &since, &e) != 0 ||
        args_get_int(&c->args, "n", 1, 1000, 1000, &count, &e) != 0 ||
        cluster_open(&cl, c, &e) != 0)
        return cmd_fail(c, &e);
    return watch(&cl, c, since, count);
}

const struct cmd cmd_events = {
    .name = "events",
    .help = "What happens in the cluster.",
    .arguments = "[-follow] [-since ID] [-n COUNT] [-cluster SPEC]",
    .more = "Each line begins with the event's number; -since goes on after one. With -json and\n"
            "-follow one JSON list per line.",
    .options =
        (const struct args_option[]){
            {"follow", NULL, "Go on for ever."},
            {"since", "ID", "Only events after this one; -1: only new ones (0: all kept)."},
            {"n", "COUNT", "At most so many at a time (1000)."},
            OPTIONS_CLUSTER,
            OPTION_END},
    .run = run,
};
