/* pause: new requests of a pool wait in the nodes while its workers are replaced; clients only see
 * a delay. */

#include "m2sh/base/xalloc.h"
#include "m2sh/cmd_table.h"
#include "m2sh/order.h"

static void tell(const struct order_run *o, const char *pool, int64_t max_s)
{
    struct arena arena;
    arena_init(&arena, 0);
    order_tell(o, "pause", pool,
               xarena_printf(&arena,
                             "Requests of %s wait for at most %lld s; go on with m2sh resume -pool "
                             "%s.",
                             pool, (long long)max_s, pool));
    arena_fini(&arena);
}

static enum status run(struct call *c)
{
    struct order_run o;
    struct cluster_request request;
    struct error e;
    const char *pool = args_get(&c->args, "pool", NULL);
    cluster_request_init(&request, CLUSTER_ORDER);
    request.order.kind = ORDER_PAUSE;
    request.order.pool = slice_str(pool);
    if (pool == NULL) {
        error_set(&e, ERROR_USAGE, "Which pool? -pool NAME; see m2sh pools.");
        return cmd_fail(c, &e);
    }
    if (args_get_int(&c->args, "max", 1, 86400, 60, &request.order.expires_s, &e) != 0)
        return cmd_fail(c, &e);
    enum status status = order_begin(&o, c, NULL);
    if (status == STATUS_DONE)
        status = order_give(&o, &request);
    if (status == STATUS_DONE)
        status = order_wait(&o, NULL, order_is_followed);
    if (status == STATUS_DONE)
        tell(&o, pool, request.order.expires_s);
    return status;
}

const struct cmd cmd_pause = {
    .name = "pause",
    .help = "Holds the new requests of a pool while its workers are replaced.",
    .arguments = "-pool NAME [-max S] [-why TEXT] [-wait S] [-cluster SPEC]",
    .more = "No socket closes. After -max seconds the pool goes on by itself.",
    .options = (const struct args_option[]){{"pool", "NAME", "Which pool."},
                                            {"max", "SECONDS", "At most so long (60)."},
                                            OPTIONS_ORDER,
                                            OPTION_END},
    .run = run,
};
