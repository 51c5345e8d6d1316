/* The coordinator passes the bytes of the request on and those of the answer back. */

#include "m2sh/control_nodes.h"

#include "m2sh/base/xalloc.h"
#include "m2sh/cluster.h"
#include "m2sh/control_session.h"
#include "m2sh/node_table.h"

#include <stdlib.h>

struct link {
    struct cluster cluster;
    const char *node;
    int timeout_ms;
};

static int ask(void *arg, struct slice bytes, struct buf *reply, struct error *e)
{
    struct link *l = arg;
    struct cluster_request request;
    const struct cluster_reply *answer;
    cluster_request_init(&request, CLUSTER_CONTROL);
    request.control.node = slice_str(l->node);
    request.control.request = bytes;
    if (caller_call_within(l->cluster.caller, &request, l->timeout_ms, NULL, NULL, &answer, e) != 0)
        return -1;
    buf_append_slice(reply, cluster_table_text(&answer->table, 0, "reply"));
    xbuf_str(reply);
    return 0;
}

static enum status talk(struct call *c, const char *node, const char *command, int timeout_ms)
{
    struct error e;
    struct link l = {.node = node, .timeout_ms = timeout_ms};
    struct control_session session = {.call = c, .name = node, .ask = ask, .arg = &l};
    if (cluster_open(&l.cluster, c, &e) != 0)
        return cmd_fail(c, &e);
    enum status status = control_session_run(&session, command);
    cluster_close(&l.cluster);
    return status;
}

/* The names of all nodes; NULL-terminated, in the arena. */
static enum status list_nodes(struct call *c, struct arena *a, const char ***names)
{
    struct cluster cl;
    struct node_table nodes;
    enum status status = node_table_read(&nodes, &cl, c, NULL);
    if (status != STATUS_DONE)
        return status;
    *names = xarena_alloc(a, (nodes.rows->row_count + 1) * sizeof **names);
    for (size_t row = 0; row < nodes.rows->row_count; row++)
        (*names)[row] = cluster_text(nodes.rows, row, "node", a);
    cluster_close(&cl);
    return STATUS_DONE;
}

static enum status send_to_all(struct call *c, const char *command, int timeout_ms)
{
    struct arena arena;
    const char **names;
    arena_init(&arena, 0);
    enum status status = list_nodes(c, &arena, &names);
    for (size_t i = 0; status == STATUS_DONE && names[i] != NULL; i++) {
        if (!c->json)
            printf("%s:\n", names[i]);
        status = talk(c, names[i], command, timeout_ms);
    }
    arena_fini(&arena);
    return status;
}

enum status control_nodes_run(struct call *c, const char *node, const char *command, int timeout_ms)
{
    struct error e;
    if (node != NULL)
        return talk(c, node, command, timeout_ms);
    if (command != NULL)
        return send_to_all(c, command, timeout_ms);
    error_set(&e, ERROR_USAGE,
              "Say which node (-node NAME), or what to send to all (-cmd COMMAND).");
    return cmd_fail(c, &e);
}
