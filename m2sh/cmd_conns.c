/* conns: the connections of clients that a node has. */

#include "m2sh/cmd_table.h"
#include "m2sh/node_call.h"

static const char *kind_of(int64_t type)
{
    static const char *const kinds[] = {"new", "http", "json", "websocket"};
    return type >= 0 && type < 4 ? kinds[type] : "?";
}

static void print(const struct call *c, const struct node_answer *a)
{
    static const char *const names[] = {"id",   "kind",       "read_s",        "written_s",
                                        "ping", "bytes_read", "bytes_written", NULL};
    struct out_table out;
    out_table_init(&out, names);
    for (size_t row = 0; row < node_answer_rows(a); row++) {
        int64_t id = node_answer_int(a, row, "id");
        if (id >= 0)
            out_table_int(&out, id);
        else
            out_table_text(&out, NULL); /* no handler was asked: it has none */
        out_table_text(&out, kind_of(node_answer_int(a, row, "type")));
        out_table_int(&out, node_answer_int(a, row, "last_read"));
        out_table_int(&out, node_answer_int(a, row, "last_write"));
        out_table_int(&out, node_answer_int(a, row, "last_ping"));
        out_table_int(&out, node_answer_int(a, row, "bytes_read"));
        out_table_int(&out, node_answer_int(a, row, "bytes_written"));
    }
    cmd_print_table(c, &out);
}

static enum status run(struct call *c)
{
    struct error e;
    struct cluster cl;
    struct node_answer answer;
    const char *node = args_get(&c->args, "node", NULL);
    if (node == NULL) {
        error_set(&e, ERROR_USAGE, "Which node? -node NAME; see m2sh nodes.");
        return cmd_fail(c, &e);
    }
    if (cluster_open(&cl, c, &e) != 0)
        return cmd_fail(c, &e);
    int result = node_call(&cl, node, "status", "what", "net", 0, &answer, &e);
    if (result == 0)
        print(c, &answer);
    node_answer_release(&answer);
    cluster_close(&cl);
    return result == 0 ? STATUS_DONE : cmd_fail(c, &e);
}

const struct cmd cmd_conns = {
    .name = "conns",
    .help = "Lists the connections of clients to a node.",
    .arguments = "-node NAME [-cluster SPEC]",
    .more =
        "read_s, written_s, ping: seconds ago. A connection has an id once a handler was asked;\n"
        "m2sh kill closes it.",
    .options = (const struct args_option[]){{"node", "NAME", "The node, by name or UUID."},
                                            OPTIONS_CLUSTER,
                                            OPTION_END},
    .run = run,
};
