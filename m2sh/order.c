/* A node tells in its beats which orders it follows (their number, seq), so waiting is reading the
 * table of nodes. */

#include "m2sh/order.h"

#include "proto/base/clock.h"

#include <unistd.h>

enum { LOOK_MS = 200 };

enum status order_begin(struct order_run *o, const struct call *c, const char *node)
{
    struct error e;
    *o = (struct order_run){.call = c};
    if (args_get_int(&c->args, "wait", 0, 86400, 60, &o->wait_s, &e) != 0)
        return cmd_fail(c, &e);
    out_progress_init(&o->progress, NULL, stderr);
    return node_table_read(&o->nodes, &o->cl, c, node);
}

enum status order_give(struct order_run *o, struct cluster_request *request)
{
    const struct cluster_reply *reply;
    request->order.author = cluster_author(&o->cl, args_get(&o->call->args, "why", ""));
    enum status status = cluster_ask_again(&o->cl, request, 10000, NULL, NULL, &reply);
    if (status == STATUS_DONE)
        o->seq = cluster_table_int(&reply->table, 0, "seq");
    return status;
}

static enum status look(struct order_run *o, const char *node)
{
    struct cluster_request request;
    const struct cluster_reply *reply;
    cluster_request_init(&request, CLUSTER_NODES);
    request.nodes.node = slice_str(node);
    enum status status = cluster_ask_again(&o->cl, &request, 10000, NULL, NULL, &reply);
    if (status == STATUS_DONE)
        o->nodes.rows = &reply->table;
    return status;
}

enum status order_wait(struct order_run *o, const char *node, order_check *is_true)
{
    struct error e;
    uint64_t until_ms = clock_monotonic_ms() + (uint64_t)o->wait_s * 1000;
    for (;;) {
        enum status status = look(o, node);
        if (status != STATUS_DONE)
            return status;
        error_set(&e, ERROR_TIMEOUT, "Not all nodes follow the order yet.");
        if (is_true(o, &e) || o->wait_s == 0)
            break;
        out_progress_status(&o->progress, "%s", e.text);
        if (clock_monotonic_ms() >= until_ms) {
            out_progress_end(&o->progress);
            cluster_close(&o->cl);
            return cmd_fail(o->call, &e);
        }
        usleep(LOOK_MS * 1000);
    }
    out_progress_end(&o->progress);
    cluster_close(&o->cl);
    return STATUS_DONE;
}

bool order_is_followed(const struct order_run *o, struct error *e)
{
    size_t live = 0, follow = 0;
    for (size_t i = 0; i < o->nodes.rows->row_count; i++) {
        enum node_word word = node_table_word(&o->nodes, i);
        if (word == NODE_LOST || word == NODE_SUSPECT)
            continue;
        live++;
        follow += cluster_table_int(o->nodes.rows, i, "orders") >= o->seq;
    }
    error_set(e, ERROR_TIMEOUT, "%zu of %zu nodes follow the order.", follow, live);
    return follow == live;
}

void order_tell(const struct order_run *o, const char *order, const char *target,
                const char *sentence)
{
    struct buf out = BUF_INIT;
    struct out_json j;
    if (!o->call->json) {
        printf("%s\n", sentence);
        return;
    }
    out_json_init(&j, &out);
    out_json_object(&j);
    out_json_pair_str(&j, "order", order);
    out_json_pair_str(&j, "target", target);
    out_json_pair_str(&j, "result", sentence);
    out_json_end(&j);
    buf_append_char(&out, '\n');
    cmd_print(&out);
}
