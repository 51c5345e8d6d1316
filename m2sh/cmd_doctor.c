/* doctor: what is, or will soon be, wrong, and what to do: asks coordinators and nodes one by one.
 * What status says already (nodes that are lost, or behind) is not said again. */

#include "m2sh/base/xalloc.h"
#include "m2sh/cmd_table.h"
#include "m2sh/coordinators.h"
#include "m2sh/node_call.h"
#include "m2sh/node_table.h"
#include "proto/base/clock.h"

#include <stdlib.h>

enum { CLOCK_OFF_S = 2 };

struct exam {
    struct call *call;
    struct cluster cl;
    struct arena arena;
    struct out_table table;
    size_t wrong; /* findings that are no notes */
};

static void put(struct exam *x, const char *where, const char *check, const char *state,
                const char *text)
{
    bool is_note = strcmp(state, "note") == 0;
    out_table_text(&x->table, where);
    out_table_text(&x->table, check);
    out_table_styled(&x->table,
                     is_note                         ? OUT_DIM
                     : strcmp(state, "problem") == 0 ? OUT_BAD
                                                     : OUT_WARN,
                     state);
    out_table_text(&x->table, text);
    x->wrong += !is_note;
}

/* ---- nodes -------------------------------------------------------------------------------- */

static void check_clock(struct exam *x, const char *node)
{
    struct node_answer a;
    struct error e;
    int64_t before_ms = clock_wall_ms();
    if (node_call(&x->cl, node, "time", NULL, NULL, 0, &a, &e) == 0) {
        int64_t here_s = (before_ms + clock_wall_ms()) / 2000;
        int64_t there_s = strtoll(xarena_slice(&x->arena, node_answer_text(&a, 0, "time")).ptr,
                                  NULL, 10);
        if (llabs(there_s - here_s) > CLOCK_OFF_S)
            put(x, node, "clock", "warning",
                xarena_printf(&x->arena, "Its clock is %lld s %s this machine's; run NTP on both.",
                              llabs(there_s - here_s), there_s > here_s ? "ahead of" : "behind"));
    }
    node_answer_release(&a);
}

static void check_node(struct exam *x, const char *node)
{
    struct node_answer a;
    struct error e;
    if (node_call(&x->cl, node, "doctor", NULL, NULL, 0, &a, &e) != 0)
        put(x, node, "control", "problem",
            xarena_printf(&x->arena, "It cannot be asked: %s", e.text));
    for (size_t i = 0; i < node_answer_rows(&a); i++)
        put(x, node, xarena_slice(&x->arena, node_answer_text(&a, i, "check")).ptr,
            xarena_slice(&x->arena, node_answer_text(&a, i, "state")).ptr,
            xarena_slice(&x->arena, node_answer_text(&a, i, "text")).ptr);
    node_answer_release(&a);
    check_clock(x, node);
}

static enum status check_nodes(struct exam *x)
{
    struct node_table nodes;
    enum status status = node_table_read(&nodes, &x->cl, x->call, NULL);
    if (status != STATUS_DONE)
        return status;
    size_t count = nodes.rows->row_count;
    const char **names = xarena_alloc(&x->arena, (count + 1) * sizeof *names);
    const char **programs = xarena_alloc(&x->arena, (count + 1) * sizeof *programs);
    for (size_t i = 0; i < count; i++) { /* the next question takes the table's place */
        enum node_word word = node_table_word(&nodes, i);
        names[i] = word == NODE_LOST || word == NODE_SUSPECT
                       ? NULL
                       : cluster_text(nodes.rows, i, "node", &x->arena);
        programs[i] = cluster_text(nodes.rows, i, "program", &x->arena);
    }
    for (size_t i = 0; i < count; i++) {
        if (names[i] == NULL)
            continue;
        if (strcmp(programs[i], "mongrel2 " M2_VERSION) != 0)
            put(x, names[i], "version", "warning",
                xarena_printf(&x->arena, "It runs %s, this is m2sh " M2_VERSION ".", programs[i]));
        check_node(x, names[i]);
    }
    return STATUS_DONE;
}

/* ---- coordinators ------------------------------------------------------------------------- */

/* Reached from another machine without keys, whoever reaches it may push. */
static void check_security(struct exam *x, const struct coordinator_view *v)
{
    if (!x->cl.has_keys && !endpoint_is_local(v->spec))
        put(x, v->name, "keys", "warning",
            "It is talked to in the open and without keys: whoever reaches it may push. See "
            "m2sh keys.");
}

static int check_coordinators(struct exam *x, struct error *e)
{
    struct coordinators cs;
    if (coordinators_read(&cs, x->call, &x->arena, e) != 0)
        return -1;
    for (size_t i = 0; i < cs.count; i++) {
        const struct coordinator_view *v = &cs.list[i];
        if (!v->answers)
            put(x, v->spec, "coordinator", "problem", v->problem);
        else if (v->problem[0] != '\0')
            put(x, v->name, "store", "problem", v->problem);
        if (v->answers)
            check_security(x, v);
    }
    return 0;
}

static enum status examine(struct exam *x)
{
    static const char *const names[] = {"where", "check", "state", "text", NULL};
    struct error e;
    out_table_init(&x->table, names);
    enum status status = check_nodes(x);
    if (status == STATUS_DONE && check_coordinators(x, &e) != 0)
        status = cmd_fail(x->call, &e);
    if (status != STATUS_DONE) {
        out_table_fini(&x->table);
        return status;
    }
    bool is_empty = out_table_row_count(&x->table) == 0;
    if (is_empty && !x->call->json) {
        out_table_fini(&x->table);
        printf("Nothing is wrong.\n");
    } else {
        cmd_print_table(x->call, &x->table);
    }
    cluster_close(&x->cl);
    return x->wrong > 0 ? STATUS_NO : STATUS_DONE;
}

static enum status run(struct call *c)
{
    struct exam x = {.call = c};
    arena_init(&x.arena, 0);
    enum status status = examine(&x);
    arena_fini(&x.arena);
    return status;
}

const struct cmd cmd_doctor = {
    .name = "doctor",
    .help = "What is wrong, or will be, and what to do.",
    .arguments = "[-cluster SPEC]",
    .more = "Clocks, descriptors, certificates that end, versions, pools without workers, blind\n"
            "handlers, the store, keys. Exit status 1: there is more than notes.",
    .options = (const struct args_option[]){OPTIONS_CLUSTER, OPTION_END},
    .run = run,
};
