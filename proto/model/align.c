/* Tables are paired after those they belong to: the identity of a route begins with the pair that
 * its host is part of. Pairing is two passes of a map from identity to the rows before. */

#include "proto/model/align.h"

#include "proto/base/buf.h"
#include "proto/base/map.h"
#include "proto/wire/tnetstring.h"

enum { PASS_SURE, PASS_LIKELY, PASS_COUNT };

const struct row *align_before(const struct align *a, enum table_id table, uint32_t number)
{
    return a->before.tables[table].rows[number - 1];
}

const struct row *align_after(const struct align *a, enum table_id table, uint32_t number)
{
    return a->after.tables[table].rows[number - 1];
}

bool align_is_same(const struct align *a, const struct row *before, const struct row *after,
                   size_t column)
{
    struct value x = canon_value(&a->before, before, column);
    struct value y = canon_value(&a->after, after, column);
    int x_table = canon_reference(before, column), y_table = canon_reference(after, column);
    if (x_table < 0 && y_table < 0)
        return canon_compare(&x, &y) == 0;
    return x_table == y_table && a->to_after[x_table][x.n - 1] == (uint32_t)y.n;
}

/* Puts the number after of what the row belongs to; false when that has no counterpart. */
static bool put_owner(struct buf *key, const struct align *a, bool is_before, const struct row *r,
                      size_t column)
{
    const struct canon_order *o = is_before ? &a->before : &a->after;
    int table = canon_reference(r, column);
    uint32_t number = (uint32_t)canon_value(o, r, column).n;
    if (is_before)
        number = a->to_after[table][number - 1];
    else if (a->to_before[table][number - 1] == 0)
        number = 0;
    tns_put_int(key, number);
    return number != 0;
}

static void put_column(struct buf *key, const struct row *r, size_t column)
{
    if (r->values[column].kind == VALUE_INT)
        tns_put_int(key, r->values[column].n);
    else
        tns_put_string(key, r->values[column].text);
}

static void put_content(struct buf *key, const struct row *r)
{
    for (size_t i = 1; i < schema_tables[r->table].column_count; i++)
        put_column(key, r, i);
}

static bool put_columns(struct buf *key, const struct row *r, size_t first, size_t second)
{
    put_column(key, r, first);
    if (second != first)
        put_column(key, r, second);
    return true;
}

/* What tells a target whose content has changed. */
static bool put_likely_target(struct buf *key, const struct row *r)
{
    switch (r->table) {
    case TABLE_DIRECTORY: return put_columns(key, r, DIRECTORY_BASE, DIRECTORY_BASE);
    case TABLE_PROXY:
        put_column(key, r, PROXY_UPSTREAMS);
        return put_columns(key, r, PROXY_ADDR, PROXY_PORT);
    case TABLE_HANDLER:
        put_column(key, r, HANDLER_POOL);
        return row_text(r, HANDLER_POOL).len > 0 ||
               put_columns(key, r, HANDLER_SEND_SPEC, HANDLER_RECV_SPEC);
    case TABLE_REDIRECT: return put_columns(key, r, REDIRECT_TO, REDIRECT_TO);
    default: return false;
    }
}

/* Puts the row's identity; false when it has none in this pass. */
static bool put_identity(struct buf *key, const struct align *a, bool is_before,
                         const struct row *r, int pass)
{
    bool sure = pass == PASS_SURE;
    switch (r->table) {
    case TABLE_SERVER: put_column(key, r, sure ? SERVER_UUID : SERVER_NAME); return true;
    case TABLE_HOST:
        put_column(key, r, sure ? HOST_NAME : HOST_MATCHING);
        return put_owner(key, a, is_before, r, HOST_SERVER_ID);
    case TABLE_ROUTE:
        put_column(key, r, ROUTE_PATH);
        return sure && put_owner(key, a, is_before, r, ROUTE_HOST_ID);
    case TABLE_FILTER:
    case TABLE_XREQUEST:
        put_column(key, r, PLUGIN_NAME);
        return sure && put_owner(key, a, is_before, r, PLUGIN_SERVER_ID);
    case TABLE_SETTING: put_column(key, r, SETTING_KEY); return sure;
    case TABLE_MIMETYPE: put_column(key, r, MIMETYPE_EXTENSION); return sure;
    default:
        if (!sure)
            return put_likely_target(key, r);
        put_content(key, r);
        return true;
    }
}

struct pairing {
    struct align *a;
    enum table_id table;
    int pass;
    struct map heads;    /* identity -> number of the first unpaired row before, as a pointer */
    uint32_t *following; /* [number - 1]: the next one of that identity; 0 none */
    struct buf key;
};

static struct slice identity(struct pairing *p, bool is_before, const struct row *r)
{
    buf_clear(&p->key);
    if (!put_identity(&p->key, p->a, is_before, r, p->pass))
        return slice_of(NULL, 0);
    return buf_slice(&p->key);
}

static void *number_pointer(uint32_t number)
{
    return (void *)(uintptr_t)number;
}

/* From the last row to the first, so that each list begins with the first. */
static int collect_before(struct pairing *p)
{
    const struct canon_table *t = &p->a->before.tables[p->table];
    for (uint32_t number = (uint32_t)t->count; number > 0; number--) {
        if (p->a->to_after[p->table][number - 1] != 0)
            continue;
        struct slice key = identity(p, true, t->rows[number - 1]);
        void *old = NULL;
        if (p->key.failed ||
            (key.ptr != NULL && map_put(&p->heads, key, number_pointer(number), &old) < 0))
            return -1;
        p->following[number - 1] = (uint32_t)(uintptr_t)old;
    }
    return 0;
}

static int match_after(struct pairing *p)
{
    const struct canon_table *t = &p->a->after.tables[p->table];
    for (uint32_t number = 1; number <= t->count; number++) {
        if (p->a->to_before[p->table][number - 1] != 0)
            continue;
        struct slice key = identity(p, false, t->rows[number - 1]);
        if (p->key.failed)
            return -1;
        uint32_t found = key.ptr != NULL ? (uint32_t)(uintptr_t)map_get(&p->heads, key) : 0;
        if (found == 0)
            continue;
        p->a->to_before[p->table][number - 1] = found;
        p->a->to_after[p->table][found - 1] = number;
        if (map_put(&p->heads, key, number_pointer(p->following[found - 1]), NULL) < 0)
            return -1;
    }
    return 0;
}

static int pair_table(struct align *a, enum table_id table)
{
    size_t before = a->before.tables[table].count, after = a->after.tables[table].count;
    a->to_after[table] = arena_zalloc(&a->arena, (before + 1) * sizeof(uint32_t));
    a->to_before[table] = arena_zalloc(&a->arena, (after + 1) * sizeof(uint32_t));
    uint32_t *following = arena_zalloc(&a->arena, (before + 1) * sizeof(uint32_t));
    if (a->to_after[table] == NULL || a->to_before[table] == NULL || following == NULL)
        return -1;
    int rc = 0;
    for (int pass = 0; pass < PASS_COUNT && rc == 0; pass++) {
        struct pairing p = {a, table, pass, MAP_INIT, following, BUF_INIT};
        rc = collect_before(&p);
        if (rc == 0)
            rc = match_after(&p);
        map_fini(&p.heads, NULL);
        buf_fini(&p.key);
    }
    return rc;
}

int align_init(struct align *a, const struct model *before, const struct model *after,
               struct error *e)
{
    memset(a, 0, sizeof *a);
    arena_init(&a->arena, 0);
    if (canon_order_init(&a->before, before, e) < 0 || canon_order_init(&a->after, after, e) < 0)
        return -1;
    for (int t = 0; t < TABLE_COUNT; t++) /* in the schema's order owners come first */
        if (pair_table(a, (enum table_id)t) < 0)
            return error_set(e, ERROR_NO_MEMORY, "Out of memory while comparing configurations.");
    return 0;
}

void align_fini(struct align *a)
{
    canon_order_fini(&a->before);
    canon_order_fini(&a->after);
    arena_fini(&a->arena);
}
