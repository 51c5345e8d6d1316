/* workers: who serves a pool. The columns are what the nodes say of their workers. */

#include "m2sh/base/xalloc.h"
#include "m2sh/cluster.h"
#include "m2sh/cmd_table.h"

static void put_cell(struct out_table *out, const struct tns_value *v)
{
    switch (v->type) {
    case TNS_STRING: out_table_slice(out, v->string); break;
    case TNS_INT: out_table_int(out, v->integer); break;
    case TNS_BOOL: out_table_bool(out, v->boolean); break;
    default: out_table_text(out, NULL); break;
    }
}

static void print(const struct call *c, const struct cluster_table *t)
{
    struct arena arena;
    struct out_table out;
    arena_init(&arena, 0);
    const char **names = xarena_alloc(&arena, (t->column_count + 1) * sizeof *names);
    for (size_t i = 0; i < t->column_count; i++)
        names[i] = xarena_slice(&arena, t->headers[i]).ptr;
    out_table_init(&out, names);
    for (size_t i = 0; i < t->row_count * t->column_count; i++)
        put_cell(&out, &t->cells[i]);
    cmd_print_table(c, &out);
    arena_fini(&arena);
}

static enum status run(struct call *c)
{
    struct error e;
    struct cluster_request request;
    const char *pool = args_get(&c->args, "pool", NULL);
    if (pool == NULL) {
        error_set(&e, ERROR_USAGE, "Say which pool: -pool NAME; m2sh pools lists them.");
        return cmd_fail(c, &e);
    }
    cluster_request_init(&request, CLUSTER_WORKERS);
    request.pools.pool = slice_str(pool);
    return cluster_show(c, &request, print);
}

const struct cmd cmd_workers = {
    .name = "workers",
    .help = "Lists the workers of a pool.",
    .arguments = "-pool NAME [-cluster SPEC]",
    .options =
        (const struct args_option[]){{"pool", "NAME", "The pool."}, OPTIONS_CLUSTER, OPTION_END},
    .run = run,
};
