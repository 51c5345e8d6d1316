/* Two walks over the ops: the first finds which row of the base becomes which row of the result,
 * the second builds the rows, renumbering references by what the first found. What comes out is
 * encoded and must have the promised hash, so a malformed delta can do no more than be refused. */

#include "proto/base/arena.h"
#include "proto/model/canon_order.h"
#include "proto/model/canon_row.h"
#include "proto/model/delta.h"
#include "proto/wire/tnetstring.h"

struct applying {
    struct canon_order base;
    uint32_t *becomes[TABLE_COUNT]; /* [number in the base - 1]: number in the result; 0 dropped */
    struct tns_reader ops[TABLE_COUNT]; /* at the table's first op */
    bool has_ops[TABLE_COUNT];
    struct model *result;
    struct arena arena;
};

struct op {
    enum { OP_STAY, OP_PASS, OP_NEW, OP_OF } kind;
    uint32_t count;       /* OP_STAY, OP_PASS */
    uint32_t of;          /* OP_OF */
    bool has_row;         /* OP_OF */
    struct tns_item row;  /* OP_NEW, OP_OF with a row */
    struct tns_reader in; /* what `row` was read from */
};

static int malformed(const char *what, struct error *e)
{
    return error_set(e, ERROR_INVALID, "This is no delta of a configuration: %s.", what);
}

static int read_count(struct op *op, int64_t n, struct error *e)
{
    if (n == 0 || n > UINT32_MAX || n < -(int64_t)UINT32_MAX)
        return malformed("a count is out of range", e);
    op->kind = n > 0 ? OP_STAY : OP_PASS;
    op->count = (uint32_t)(n > 0 ? n : -n);
    return 0;
}

static int read_of(struct op *op, const struct tns_reader *ops, const struct tns_item *dict,
                   struct error *e)
{
    struct tns_item item;
    struct slice key;
    bool has_of = false;
    enum tns_status status;
    if (tns_enter(ops, dict, &op->in) < 0)
        return malformed("it is too deep", e);
    op->kind = OP_OF;
    while ((status = tns_read_pair(&op->in, &key, &item)) == TNS_ITEM) {
        if (slice_eq(key, SLICE("of")) && item.type == TNS_INT && item.integer > 0 &&
            item.integer <= UINT32_MAX) {
            op->of = (uint32_t)item.integer;
            has_of = true;
        } else if (slice_eq(key, SLICE("row")) && item.type == TNS_LIST) {
            op->row = item;
            op->has_row = true;
        } else {
            return malformed("a moved row is given by other than \"of\" and \"row\"", e);
        }
    }
    return status == TNS_END && has_of ? 0 : malformed("a moved row has no \"of\"", e);
}

/* 1: an op; 0: the end; -1. */
static int read_op(struct op *op, struct tns_reader *ops, struct error *e)
{
    struct tns_item item;
    *op = (struct op){.kind = OP_NEW};
    enum tns_status status = tns_read(ops, &item);
    if (status != TNS_ITEM)
        return status == TNS_END ? 0 : malformed("a table is no list", e);
    int rc = 0;
    switch (item.type) {
    case TNS_INT: rc = read_count(op, item.integer, e); break;
    case TNS_DICT: rc = read_of(op, ops, &item, e); break;
    default: op->row = item; op->in = *ops;
    }
    return rc < 0 ? -1 : 1;
}

/* ---- which row becomes which --------------------------------------------------------------- */

static int map_row(struct applying *x, enum table_id table, uint32_t number, uint32_t result,
                   struct error *e)
{
    if (number > x->base.tables[table].count)
        return malformed("it names a row that the base does not have", e);
    if (x->becomes[table][number - 1] != 0)
        return malformed("it uses a row of the base twice", e);
    x->becomes[table][number - 1] = result;
    return 0;
}

static int map_ops(struct applying *x, enum table_id table, struct error *e)
{
    struct tns_reader ops = x->ops[table];
    struct op op;
    uint64_t cursor = 0, result = 0;
    uint64_t count = x->base.tables[table].count;
    int rc;
    while ((rc = read_op(&op, &ops, e)) > 0) {
        if (op.kind == OP_NEW) {
            result++;
        } else if (op.kind == OP_OF) {
            if (map_row(x, table, op.of, (uint32_t)++result, e) < 0)
                return -1;
        } else if (op.count > count - cursor) {
            return malformed("it passes the end of a table of the base", e);
        } else if (op.kind == OP_PASS) {
            cursor += op.count;
        } else {
            for (uint32_t i = 0; i < op.count; i++)
                if (map_row(x, table, (uint32_t)++cursor, (uint32_t)++result, e) < 0)
                    return -1;
        }
    }
    return rc;
}

static int map_table(struct applying *x, enum table_id table, struct error *e)
{
    size_t count = x->base.tables[table].count;
    x->becomes[table] = arena_zalloc(&x->arena, (count + 1) * sizeof(uint32_t));
    if (x->becomes[table] == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory for a delta.");
    if (x->has_ops[table])
        return map_ops(x, table, e);
    for (size_t i = 0; i < count; i++)
        x->becomes[table][i] = (uint32_t)i + 1;
    return 0;
}

/* ---- the rows of the result ---------------------------------------------------------------- */

static int copy_row(struct applying *x, enum table_id table, uint32_t number, struct error *e)
{
    const struct row *from = x->base.tables[table].rows[number - 1];
    struct row *to = model_add(x->result, table, e);
    if (to == NULL)
        return -1;
    for (size_t i = 1; i < schema_tables[table].column_count; i++) {
        struct value v = canon_value(&x->base, from, i);
        int reference = canon_reference(from, i);
        if (v.kind == VALUE_TEXT && row_set_text(x->result, to, i, v.text, e) < 0)
            return -1;
        if (v.kind == VALUE_INT)
            row_set_int(to, i, reference < 0 ? v.n : x->becomes[reference][v.n - 1]);
    }
    return 0;
}

static int build_ops(struct applying *x, enum table_id table, struct error *e)
{
    struct tns_reader ops = x->ops[table];
    struct op op;
    uint32_t cursor = 0;
    int rc;
    while ((rc = read_op(&op, &ops, e)) > 0) {
        if (op.kind == OP_PASS) {
            cursor += op.count;
        } else if (op.kind == OP_STAY) {
            for (uint32_t i = 0; i < op.count && rc >= 0; i++)
                rc = copy_row(x, table, ++cursor, e);
        } else if (op.kind == OP_OF && !op.has_row) {
            rc = copy_row(x, table, op.of, e);
        } else {
            rc = canon_row_read(x->result, table, &op.in, &op.row, e);
        }
        if (rc < 0)
            return -1;
    }
    return rc;
}

static int build_table(struct applying *x, enum table_id table, struct error *e)
{
    if (x->has_ops[table])
        return build_ops(x, table, e);
    for (uint32_t number = 1; number <= x->base.tables[table].count; number++)
        if (copy_row(x, table, number, e) < 0)
            return -1;
    return 0;
}

/* ---- the message --------------------------------------------------------------------------- */

static int table_of_name(struct slice name)
{
    for (int t = 0; t < TABLE_COUNT; t++)
        if (slice_eq(name, slice_str(schema_tables[t].name)))
            return t;
    return -1;
}

static int read_tables(struct applying *x, const struct tns_reader *around,
                       const struct tns_item *dict, struct error *e)
{
    struct tns_reader in;
    struct tns_item item;
    struct slice name;
    enum tns_status status;
    if (dict->type != TNS_DICT || tns_enter(around, dict, &in) < 0)
        return malformed("\"tables\" is no dict", e);
    while ((status = tns_read_pair(&in, &name, &item)) == TNS_ITEM) {
        int table = table_of_name(name);
        if (table < 0 || x->has_ops[table] || item.type != TNS_LIST ||
            tns_enter(&in, &item, &x->ops[table]) < 0)
            return malformed("a table is unknown, there twice, or no list", e);
        x->has_ops[table] = true;
    }
    return status == TNS_END ? 0 : malformed("\"tables\" is no dict", e);
}

/* Reads the three parts; the hashes are borrowed from the delta. */
static int read_message(struct applying *x, struct slice delta, struct slice *from,
                        struct slice *to, struct error *e)
{
    struct tns_reader outside, in;
    struct tns_item item;
    struct slice key;
    enum tns_status status;
    unsigned seen = 0;
    tns_reader_init(&outside, delta);
    if (tns_read(&outside, &item) != TNS_ITEM || item.type != TNS_DICT ||
        outside.at != outside.end || tns_enter(&outside, &item, &in) < 0)
        return malformed("it is no dict", e);
    while ((status = tns_read_pair(&in, &key, &item)) == TNS_ITEM) {
        unsigned part = slice_eq(key, SLICE("from"))     ? 1
                        : slice_eq(key, SLICE("to"))     ? 2
                        : slice_eq(key, SLICE("tables")) ? 4
                                                         : 0;
        if (part == 0 || (seen & part) != 0 || (part != 4 && item.type != TNS_STRING))
            return malformed("a part is unknown, there twice, or of the wrong type", e);
        seen |= part;
        if (part == 4 && read_tables(x, &in, &item, e) < 0)
            return -1;
        if (part != 4)
            *(part == 1 ? from : to) = item.bytes;
    }
    return status == TNS_END && seen == 7 ? 0 : malformed("a part is missing", e);
}

/* ---- applying ------------------------------------------------------------------------------ */

static int hash_of_base(const struct model *base, char hex[CANON_HASH_LEN + 1], struct error *e)
{
    struct buf bytes = BUF_INIT;
    int rc = canon_encode(base, &bytes, e);
    if (rc == 0)
        canon_hash(buf_slice(&bytes), hex);
    buf_fini(&bytes);
    return rc;
}

static int check_base(const struct model *base, const char *known, struct slice from,
                      struct error *e)
{
    char hex[CANON_HASH_LEN + 1];
    if (known == NULL && hash_of_base(base, hex, e) < 0)
        return -1;
    const char *hash = known != NULL ? known : hex;
    if (slice_eq(from, slice_str(hash)))
        return 0;
    return error_set(e, ERROR_CONFLICT,
                     "The delta was made for another configuration than this one (%.12s…).", hash);
}

static int check_result(struct delta_result *r, struct slice to, struct error *e)
{
    if (model_freeze(r->model, e) < 0 || canon_encode(r->model, &r->canonical, e) < 0)
        return -1;
    canon_hash(buf_slice(&r->canonical), r->hash);
    if (slice_eq(to, slice_str(r->hash)))
        return 0;
    return error_set(e, ERROR_INVALID,
                     "The delta gives a configuration with another hash than it promises.");
}

static int build(struct applying *x, const struct model *base, const char *base_hash,
                 struct slice delta, struct delta_result *out, struct error *e)
{
    struct slice from = SLICE_EMPTY, to = SLICE_EMPTY;
    if (read_message(x, delta, &from, &to, e) < 0 || check_base(base, base_hash, from, e) < 0 ||
        canon_order_init(&x->base, base, e) < 0)
        return -1;
    for (int t = 0; t < TABLE_COUNT; t++)
        if (map_table(x, (enum table_id)t, e) < 0)
            return -1;
    x->result = out->model = model_create(e);
    if (x->result == NULL)
        return -1;
    for (int t = 0; t < TABLE_COUNT; t++)
        if (build_table(x, (enum table_id)t, e) < 0)
            return -1;
    return check_result(out, to, e);
}

int delta_apply(const struct model *base, const char *base_hash, struct slice delta,
                struct delta_result *out, struct error *e)
{
    struct applying x = {.result = NULL};
    *out = (struct delta_result){.model = NULL};
    arena_init(&x.arena, 0);
    int rc = build(&x, base, base_hash, delta, out, e);
    if (rc < 0)
        delta_result_fini(out);
    canon_order_fini(&x.base);
    arena_fini(&x.arena);
    return rc;
}

void delta_result_fini(struct delta_result *r)
{
    model_unref(r->model);
    buf_fini(&r->canonical);
    r->model = NULL;
}
