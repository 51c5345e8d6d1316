/* Handlers: a pool or a pair of endpoints, and what two of them cannot share. */

#include "proto/base/map.h"
#include "proto/model/check_rules.h"
#include "proto/model/check_syntax.h"
#include "proto/model/describe.h"

#define QUEUE_MAX   10000000
#define RETRIES_MAX 100

static bool is_empty(const struct row *r, size_t column)
{
    return r->values[column].kind == VALUE_TEXT && r->values[column].text.len == 0;
}

static void check_pool_member(struct checking *c, const struct row *r)
{
    static const size_t unused[] = {HANDLER_SEND_SPEC, HANDLER_SEND_IDENT, HANDLER_RECV_SPEC,
                                    HANDLER_RECV_IDENT};
    check_text(c, r, HANDLER_POOL, syntax_pool_name);
    for (size_t i = 0; i < sizeof unused / sizeof *unused; i++)
        if (row_text(r, unused[i]).len > 0)
            check_warning(c, r, (int)unused[i], "%s has no effect beside pool",
                          check_column_name(r, unused[i]));
}

static void check_classic(struct checking *c, const struct row *r)
{
    static const size_t specs[] = {HANDLER_SEND_SPEC, HANDLER_RECV_SPEC};
    for (size_t i = 0; i < 2; i++) {
        if (is_empty(r, specs[i]))
            check_error(c, r, (int)specs[i],
                        "%s is missing; give send_spec, send_ident and "
                        "recv_spec, or pool",
                        check_column_name(r, specs[i]));
        else
            check_text(c, r, specs[i], syntax_endpoint);
    }
    if (is_empty(r, HANDLER_SEND_IDENT))
        check_error(c, r, HANDLER_SEND_IDENT, "send_ident is missing; m2sh uuid makes a good one");
    else
        check_text(c, r, HANDLER_SEND_IDENT, syntax_ident);
    if (row_text(r, HANDLER_SEND_SPEC).len > 0 &&
        slice_eq(row_text(r, HANDLER_SEND_SPEC), row_text(r, HANDLER_RECV_SPEC)))
        check_error(c, r, HANDLER_RECV_SPEC,
                    "recv_spec is the same as send_spec; each needs its own endpoint");
}

static void check_common(struct checking *c, const struct row *r)
{
    struct slice protocol;
    int64_t raw;
    if (check_has_int(r, HANDLER_RAW_PAYLOAD, &raw) && raw != 0 && raw != 1)
        check_warning(c, r, HANDLER_RAW_PAYLOAD,
                      "raw_payload is %lld and counts as 0; write 0 or 1", (long long)raw);
    if (check_has_text(r, HANDLER_PROTOCOL, &protocol) && !slice_eq(protocol, SLICE("json")) &&
        !slice_eq(protocol, SLICE("tnetstring"))) {
        struct buf shown = BUF_INIT;
        describe_text(&shown, protocol);
        check_warning(c, r, HANDLER_PROTOCOL,
                      "protocol is %s and counts as json; write json or tnetstring",
                      buf_str(&shown));
        buf_fini(&shown);
    }
    check_range(c, r, HANDLER_QUEUE, 0, QUEUE_MAX);
    check_range(c, r, HANDLER_QUEUE_TIMEOUT, 0, TIMEOUT_MAX_S);
    check_range(c, r, HANDLER_TIMEOUT, 0, TIMEOUT_MAX_S);
    check_range(c, r, HANDLER_RETRIES, 0, RETRIES_MAX);
    check_range(c, r, HANDLER_NUL, 0, 1);
    check_words(c, r, HANDLER_WEBSOCKET, "raw messages");
}

/* The queue is the pool's: two rows of one pool must agree about it. */
static void check_same_queue(struct checking *c, const struct row *first, const struct row *r)
{
    static const size_t columns[] = {HANDLER_QUEUE, HANDLER_QUEUE_TIMEOUT};
    for (size_t i = 0; i < 2; i++)
        if (row_int(first, columns[i]) != row_int(r, columns[i]))
            check_error(
                c, r, (int)columns[i],
                "%s is %lld, but another Handler of the pool says %lld; a pool has one queue",
                check_column_name(r, columns[i]), (long long)row_int(r, columns[i]),
                (long long)row_int(first, columns[i]));
}

/* Two rows with both endpoints equal are one handler, the first's. */
static void check_same_handler(struct checking *c, const struct row *first, const struct row *r)
{
    static const size_t columns[] = {HANDLER_SEND_IDENT, HANDLER_RECV_IDENT};
    for (size_t i = 0; i < 2; i++)
        if (!slice_eq(row_text(first, columns[i]), row_text(r, columns[i])))
            check_warning(c, r, (int)columns[i],
                          "%s has no effect: another Handler with the same endpoints comes first",
                          check_column_name(r, columns[i]));
}

static void check_same_spec(struct checking *c, const struct row *first, const struct row *r,
                            size_t column)
{
    if (slice_eq(row_text(first, HANDLER_SEND_SPEC), row_text(r, HANDLER_SEND_SPEC)) &&
        slice_eq(row_text(first, HANDLER_RECV_SPEC), row_text(r, HANDLER_RECV_SPEC))) {
        if (column == HANDLER_SEND_SPEC)
            check_same_handler(c, first, r);
        return;
    }
    check_warning(c, r, (int)column,
                  "%s is also an endpoint of another Handler, which differs in the other one; only "
                  "one of them can bind it",
                  check_column_name(r, column));
}

/* The first row under a key; `r` is remembered when there was none. */
static const struct row *first_of(struct checking *c, struct map *map, const struct row *r,
                                  size_t column)
{
    const struct row *first = map_get(map, row_text(r, column));
    if (first == NULL && map_put(map, row_text(r, column), (void *)r, NULL) < 0)
        c->is_out_of_memory = true;
    return first;
}

void check_handlers(struct checking *c)
{
    struct map pools = MAP_INIT, specs[2] = {MAP_INIT, MAP_INIT};
    static const size_t columns[2] = {HANDLER_SEND_SPEC, HANDLER_RECV_SPEC};
    for (size_t i = 0; i < model_count(c->model, TABLE_HANDLER); i++) {
        const struct row *r = model_row(c->model, TABLE_HANDLER, i), *first;
        check_common(c, r);
        if (row_text(r, HANDLER_POOL).len > 0) {
            check_pool_member(c, r);
            if ((first = first_of(c, &pools, r, HANDLER_POOL)) != NULL)
                check_same_queue(c, first, r);
            continue;
        }
        check_classic(c, r);
        for (int s = 0; s < 2; s++)
            if (row_text(r, columns[s]).len > 0 &&
                (first = first_of(c, &specs[s], r, columns[s])) != NULL)
                check_same_spec(c, first, r, columns[s]);
    }
    map_fini(&pools, NULL);
    map_fini(&specs[0], NULL);
    map_fini(&specs[1], NULL);
}
