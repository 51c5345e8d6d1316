/* kill: closes one connection of a client. */

#include "m2sh/base/xalloc.h"
#include "m2sh/cmd_table.h"
#include "m2sh/confirm.h"
#include "m2sh/node_call.h"

static enum status close_it(struct call *c, const char *node, int64_t id)
{
    struct error e;
    struct cluster cl;
    struct node_answer answer;
    if (cluster_open(&cl, c, &e) != 0)
        return cmd_fail(c, &e);
    int result = node_call(&cl, node, "kill", "id", NULL, id, &answer, &e);
    if (result != 0 && answer.reply.kind == CONTROL_REPLY_ERROR)
        error_set(&e, ERROR_NOT_FOUND, "%s has no connection %lld; see m2sh conns -node %s.", node,
                  (long long)id, node);
    node_answer_release(&answer);
    cluster_close(&cl);
    return result == 0 ? cmd_done(c) : cmd_fail(c, &e);
}

static enum status run(struct call *c)
{
    struct error e;
    struct arena arena;
    int64_t id;
    const char *node = args_get(&c->args, "node", NULL);
    if (args_get_int(&c->args, "id", 1, UINT32_MAX, 0, &id, &e) != 0)
        return cmd_fail(c, &e);
    if (node == NULL || id == 0) {
        error_set(&e, ERROR_USAGE, "Which connection? -node NAME -id ID; see m2sh conns.");
        return cmd_fail(c, &e);
    }
    arena_init(&arena, 0);
    enum status status = confirm(
        c, xarena_printf(&arena, "Connection %lld of %s is closed at once.", (long long)id, node));
    if (status == STATUS_DONE)
        status = close_it(c, node, id);
    arena_fini(&arena);
    return status;
}

const struct cmd cmd_kill = {
    .name = "kill",
    .help = "Closes a connection of a client.",
    .arguments = "-node NAME -id ID [-yes 1] [-cluster SPEC]",
    .more = "Its handler gets a disconnect notice. Exit status 1: there is no such connection.",
    .options = (const struct args_option[]){{"node", "NAME", "The node, by name or UUID."},
                                            {"id", "ID", "The connection, as m2sh conns shows it."},
                                            OPTION_YES,
                                            OPTIONS_CLUSTER,
                                            OPTION_END},
    .run = run,
};
