/* What every row must satisfy whatever its table: each column has a value of its type, ids are
 * unique, references lead to rows. */

#include "proto/model/check_rules.h"
#include "proto/model/describe.h"

static void check_value(struct checking *c, const struct row *r, size_t i)
{
    const struct column *column = &schema_tables[r->table].columns[i];
    const struct value *v = &r->values[i];
    bool is_int = column->type == COLUMN_INT;
    if (v->kind == (is_int ? VALUE_INT : VALUE_TEXT))
        return;
    if (v->kind == VALUE_NULL) {
        check_error(c, r, (int)i, "%s is missing", check_column_name(r, i));
        return;
    }
    struct buf shown = BUF_INIT;
    describe_value(&shown, v);
    check_error(c, r, (int)i, "%s is %s; it must be %s", check_column_name(r, i), buf_str(&shown),
                is_int ? "a number" : "text in quotes");
    buf_fini(&shown);
}

static void check_nul(struct checking *c, const struct row *r, size_t i)
{
    struct slice text;
    if (check_has_text(r, i, &text) && memchr(text.ptr, '\0', text.len) != NULL)
        check_error(c, r, (int)i, "%s holds a NUL byte", check_column_name(r, i));
}

static void check_reference(struct checking *c, const struct row *r, size_t i, int table)
{
    int64_t id;
    if (check_has_int(r, i, &id) && model_find(c->model, (enum table_id)table, id) == NULL)
        check_error(c, r, (int)i, "%s is %lld, but table %s has no such row",
                    check_column_name(r, i), (long long)id, schema_tables[table].name);
}

static void check_target_reference(struct checking *c, const struct row *r)
{
    struct slice type;
    if (!check_has_text(r, ROUTE_TARGET_TYPE, &type))
        return;
    int table = schema_table_of_target(type);
    if (table >= 0) {
        check_reference(c, r, ROUTE_TARGET_ID, table);
        return;
    }
    struct buf shown = BUF_INIT;
    describe_text(&shown, type);
    check_error(c, r, ROUTE_TARGET_TYPE,
                "target_type is %s; it must be dir, proxy, handler, redirect or status",
                buf_str(&shown));
    buf_fini(&shown);
}

static void check_row(struct checking *c, const struct row *r)
{
    const struct table *t = &schema_tables[r->table];
    for (size_t i = 1; i < t->column_count; i++) {
        check_value(c, r, i);
        check_nul(c, r, i);
        if (t->columns[i].reference >= 0)
            check_reference(c, r, i, t->columns[i].reference);
    }
    if (r->table == TABLE_ROUTE)
        check_target_reference(c, r);
    if (model_find(c->model, r->table, row_id(r)) != r)
        check_error(c, r, COLUMN_ID, "id %lld is used twice in table %s", (long long)row_id(r),
                    t->name);
}

void check_types(struct checking *c)
{
    for (int t = 0; t < TABLE_COUNT; t++)
        for (size_t i = 0; i < model_count(c->model, (enum table_id)t); i++)
            check_row(c, model_row(c->model, (enum table_id)t, i));
}
