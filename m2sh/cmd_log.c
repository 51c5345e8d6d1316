/* log: the deployment log of a database, oldest entry first; or the time line of the cluster,
 * newest first, with what became of each commit. */

#include "m2sh/cluster.h"
#include "m2sh/cmd_table.h"
#include "m2sh/listing.h"
#include "proto/model/model_log.h"
#include "proto/view/moment.h"

static enum status list_local(struct call *c, size_t limit)
{
    struct error e;
    struct arena arena;
    struct log_entry *entries;
    struct listing l;
    size_t count;
    arena_init(&arena, 0);
    if (model_log_read(&entries, &count, cmd_db(c), limit, &arena, &e) != 0) {
        arena_fini(&arena);
        return cmd_fail(c, &e);
    }
    listing_init(
        &l, c, (const char *const[]){"happened_at", "who", "location", "how", "what", "why", NULL});
    listing_title(&l, "LOG MESSAGES:\n------\n");
    for (size_t i = 0; i < count; i++) {
        listing_text(&l, entries[i].happened_at);
        listing_text(&l, entries[i].who);
        listing_text(&l, entries[i].location);
        listing_text(&l, entries[i].how);
        listing_text(&l, entries[i].what);
        listing_text(&l, entries[i].why);
    }
    listing_print(&l);
    arena_fini(&arena);
    return STATUS_DONE;
}

static void put_row(struct out_table *out, const struct cluster_table *t, size_t row)
{
    char when[MOMENT_LEN + 1];
    int64_t version = cluster_table_int(t, row, "version");
    bool is_note = slice_eq(cluster_table_text(t, row, "kind"), SLICE("note"));
    moment_format(cluster_table_int(t, row, "when_ms"), when);
    if (is_note)
        out_table_text(out, NULL);
    else
        out_table_int(out, version);
    out_table_text(out, when);
    out_table_slice(out, cluster_table_text(t, row, "who"));
    out_table_slice(out, cluster_table_text(t, row, "where"));
    out_table_slice(out, cluster_table_text(t, row, is_note ? "kind" : "verdict"));
    out_table_slice(out, cluster_table_text(t, row, is_note ? "what" : "nodes"));
    out_table_slice(out, cluster_table_text(t, row, "why"));
    out_table_slice(out, cluster_table_text(t, row, "effect"));
}

static enum status list_cluster(struct call *c, int64_t count)
{
    static const char *const names[] = {"revision", "when", "who",    "where", "verdict",
                                        "nodes",    "why",  "effect", NULL};
    struct cluster cl;
    struct out_table out;
    struct cluster_request request;
    const struct cluster_reply *reply;
    cluster_request_init(&request, CLUSTER_LOG);
    request.log.count = count;
    enum status status = cluster_ask(&cl, c, &request, &reply);
    if (status != STATUS_DONE)
        return status;
    if (c->json) {
        cluster_print_json(&reply->table);
    } else {
        out_table_init(&out, names);
        for (size_t row = 0; row < reply->table.row_count; row++)
            put_row(&out, &reply->table, row);
        cmd_print_table(c, &out);
    }
    cluster_close(&cl);
    return STATUS_DONE;
}

static enum status run(struct call *c)
{
    struct error e;
    int64_t limit;
    bool is_cluster = cluster_is_meant(c);
    if (args_get_int(&c->args, "n", 1, is_cluster ? 1000 : INT32_MAX, is_cluster ? 20 : 0, &limit,
                     &e) != 0)
        return cmd_fail(c, &e);
    return is_cluster ? list_cluster(c, limit) : list_local(c, (size_t)limit);
}

const struct cmd cmd_log = {
    .name = "log",
    .help = "Prints the commit log.",
    .arguments = "[-db FILE | -cluster SPEC] [-n COUNT]",
    .options =
        (const struct args_option[]){
            OPTION_DB,
            {"n", "COUNT", "Only the newest so many (all of a database, 20 of a cluster)."},
            OPTIONS_CLUSTER,
            OPTION_END},
    .is_classic = true,
    .run = run,
};
