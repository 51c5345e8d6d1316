/* Tables are ordered after those they refer to, so that a row can be sorted by the canonical number
 * of what it belongs to. */

#include "proto/model/canon_order.h"

#include <stdlib.h>

static const enum table_id sequence[TABLE_COUNT] = {
    TABLE_SERVER,  TABLE_DIRECTORY, TABLE_PROXY,  TABLE_HANDLER, TABLE_REDIRECT,
    TABLE_STATUS,  TABLE_HOST,      TABLE_ROUTE,  TABLE_FILTER,  TABLE_XREQUEST,
    TABLE_SETTING, TABLE_MIMETYPE,  TABLE_EXPECT,
};

int canon_reference(const struct row *r, size_t column)
{
    if (r->table == TABLE_ROUTE && column == ROUTE_TARGET_ID)
        return schema_table_of_target(row_text(r, ROUTE_TARGET_TYPE));
    return schema_tables[r->table].columns[column].reference;
}

struct value canon_value(const struct canon_order *o, const struct row *r, size_t column)
{
    int table = canon_reference(r, column);
    if (table < 0)
        return r->values[column];
    size_t place;
    BUG_ON(!model_find_place(o->model, (enum table_id)table, r->values[column].n, &place));
    return (struct value){VALUE_INT, o->tables[table].numbers[place], SLICE_EMPTY};
}

static bool is_default_addition(const struct row *r, size_t column)
{
    const struct column *c = &schema_tables[r->table].columns[column];
    if ((c->flags & COLUMN_ADDITION) == 0 || (c->flags & COLUMN_REQUIRED) != 0)
        return false;
    const struct value *v = &r->values[column];
    return c->type == COLUMN_INT ? v->n == c->default_int
                                 : slice_eq(v->text, slice_str(c->default_text));
}

size_t canon_width(const struct row *r)
{
    size_t width = schema_tables[r->table].column_count;
    while (is_default_addition(r, width - 1))
        width--;
    return width;
}

size_t canon_width_min(enum table_id table)
{
    const struct table *t = &schema_tables[table];
    size_t width = t->column_count;
    while ((t->columns[width - 1].flags & (COLUMN_ADDITION | COLUMN_REQUIRED)) == COLUMN_ADDITION)
        width--;
    return width;
}

int canon_compare(const struct value *a, const struct value *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->kind != VALUE_TEXT)
        return (a->n > b->n) - (a->n < b->n);
    size_t common = a->text.len < b->text.len ? a->text.len : b->text.len;
    int order = memcmp(a->text.ptr, b->text.ptr, common);
    return order != 0 ? order : (a->text.len > b->text.len) - (a->text.len < b->text.len);
}

static int compare_column(const struct row *a, const struct row *b, size_t column)
{
    return canon_compare(&a->values[column], &b->values[column]);
}

static int compare_content(const struct row *a, const struct row *b)
{
    int order = 0;
    if (a->table == TABLE_MIMETYPE) /* by what a person looks for */
        order = compare_column(a, b, MIMETYPE_EXTENSION);
    for (size_t i = 1; order == 0 && i < schema_tables[a->table].column_count; i++)
        order = compare_column(a, b, i);
    return order;
}

/* The number of what the row belongs to; 0 when it belongs to nothing. */
static uint32_t owner_of(const struct canon_order *o, const struct row *r)
{
    switch (r->table) {
    case TABLE_HOST: return (uint32_t)canon_value(o, r, HOST_SERVER_ID).n;
    case TABLE_ROUTE: return (uint32_t)canon_value(o, r, ROUTE_HOST_ID).n;
    case TABLE_FILTER:
    case TABLE_XREQUEST: return (uint32_t)canon_value(o, r, PLUGIN_SERVER_ID).n;
    default: return 0;
    }
}

struct item {
    const struct row *row;
    uint32_t owner;
    uint32_t place; /* in the model */
};

static int compare_place(const struct item *a, const struct item *b)
{
    return (a->place > b->place) - (a->place < b->place);
}

static int by_owner(const void *x, const void *y)
{
    const struct item *a = x, *b = y;
    return a->owner != b->owner ? (a->owner > b->owner) - (a->owner < b->owner)
                                : compare_place(a, b);
}

static int by_content(const void *x, const void *y)
{
    const struct item *a = x, *b = y;
    int order = compare_content(a->row, b->row);
    return order != 0 ? order : compare_place(a, b);
}

static int by_key(const void *x, const void *y)
{
    const struct item *a = x, *b = y;
    int order = compare_column(a->row, b->row, SETTING_KEY);
    return order != 0 ? order : compare_place(b, a); /* the last one first */
}

static bool is_ordered(enum table_id table)
{
    return table == TABLE_HOST || table == TABLE_ROUTE || table == TABLE_FILTER ||
           table == TABLE_XREQUEST;
}

/* Are two neighbours in the order one canonical row? */
static bool is_same(const struct row *a, const struct row *b)
{
    if (a->table == TABLE_SETTING)
        return compare_column(a, b, SETTING_KEY) == 0;
    return a->table != TABLE_SERVER && !is_ordered(a->table) && compare_content(a, b) == 0;
}

static void number_rows(struct canon_table *t, const struct item *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || !is_same(items[i - 1].row, items[i].row))
            t->rows[t->count++] = items[i].row;
        t->numbers[items[i].place] = (uint32_t)t->count;
    }
}

static int no_memory(struct error *e)
{
    return error_set(e, ERROR_NO_MEMORY, "Out of memory while ordering the configuration.");
}

static int order_table(struct canon_order *o, enum table_id table, struct error *e)
{
    size_t count = model_count(o->model, table);
    struct canon_table *t = &o->tables[table];
    if (count == 0)
        return 0;
    struct item *items = calloc(count, sizeof *items);
    t->rows = arena_alloc(&o->arena, count * sizeof *t->rows);
    t->numbers = arena_alloc(&o->arena, count * sizeof *t->numbers);
    if (items == NULL || t->rows == NULL || t->numbers == NULL) {
        free(items);
        return no_memory(e);
    }
    for (size_t i = 0; i < count; i++) {
        const struct row *r = model_row(o->model, table, i);
        items[i] = (struct item){r, owner_of(o, r), (uint32_t)i};
    }
    qsort(items, count, sizeof *items,
          table == TABLE_SETTING ? by_key
          : is_ordered(table)    ? by_owner
                                 : by_content);
    number_rows(t, items, count);
    free(items);
    return 0;
}

static int refuse(const struct row *r, size_t column, const char *what, struct error *e)
{
    const struct table *t = &schema_tables[r->table];
    return error_set_object(e, ERROR_INVALID, t->name, "Table %s, row %lld, column %s %s.", t->name,
                            (long long)row_id(r), t->columns[column].name, what);
}

/* The ordering relies on right types and on references that lead somewhere. */
static int check_row(const struct model *m, const struct row *r, struct error *e)
{
    const struct table *t = &schema_tables[r->table];
    for (size_t i = 1; i < t->column_count; i++) {
        bool is_int = t->columns[i].type == COLUMN_INT;
        if (r->values[i].kind != (is_int ? VALUE_INT : VALUE_TEXT))
            return refuse(r, i, is_int ? "holds no number" : "holds no text", e);
    }
    for (size_t i = 1; i < t->column_count; i++) {
        int table = canon_reference(r, i);
        if (table >= 0 && model_find(m, (enum table_id)table, r->values[i].n) == NULL)
            return refuse(r, i, "refers to a row that does not exist", e);
        if (r->table == TABLE_ROUTE && i == ROUTE_TARGET_ID && table < 0)
            return refuse(r, ROUTE_TARGET_TYPE, "is no kind of target", e);
    }
    return 0;
}

int canon_order_init(struct canon_order *o, const struct model *m, struct error *e)
{
    BUG_ON(!model_is_frozen(m));
    memset(o, 0, sizeof *o);
    o->model = m;
    arena_init(&o->arena, 65536);
    for (int t = 0; t < TABLE_COUNT; t++)
        for (size_t i = 0; i < model_count(m, (enum table_id)t); i++)
            if (check_row(m, model_row(m, (enum table_id)t, i), e) < 0)
                return -1;
    for (size_t i = 0; i < TABLE_COUNT; i++)
        if (order_table(o, sequence[i], e) < 0)
            return -1;
    return 0;
}

void canon_order_fini(struct canon_order *o)
{
    arena_fini(&o->arena);
}
