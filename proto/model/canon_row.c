/* Rows as lists of their values, without the id. */

#include "proto/model/canon_row.h"

#define COLUMNS_MAX 64

static void put_value(struct buf *out, const struct value *v)
{
    if (v->kind == VALUE_INT)
        tns_put_int(out, v->n);
    else
        tns_put_string(out, v->text);
}

void canon_row_put(struct buf *out, const struct canon_order *o, const struct row *r)
{
    size_t width = canon_width(r);
    size_t list = tns_open(out);
    for (size_t i = 1; i < width; i++) {
        struct value v = canon_value(o, r, i);
        put_value(out, &v);
    }
    tns_close_list(out, list);
}

static int malformed(const char *what, struct error *e)
{
    return error_set(e, ERROR_INVALID, "These are no rows of a configuration: %s.", what);
}

static int set_item(struct model *m, struct row *r, size_t column, const struct tns_item *item,
                    struct error *e)
{
    bool is_int = schema_tables[r->table].columns[column].type == COLUMN_INT;
    if (item->type != (is_int ? TNS_INT : TNS_STRING))
        return malformed("a column has a value of the wrong type", e);
    if (!is_int)
        return row_set_text(m, r, column, item->bytes, e);
    row_set_int(r, column, item->integer);
    return 0;
}

int canon_row_read(struct model *m, enum table_id table, const struct tns_reader *around,
                   const struct tns_item *list, struct error *e)
{
    struct tns_item items[COLUMNS_MAX];
    struct tns_reader in;
    size_t count = 0;
    enum tns_status status = TNS_BAD;
    if (list->type == TNS_LIST && tns_enter(around, list, &in) == 0)
        while (count < COLUMNS_MAX && (status = tns_read(&in, &items[count])) == TNS_ITEM)
            count++;
    if (status != TNS_END)
        return malformed("a row is no list of values", e);
    if (count + 1 < canon_width_min(table))
        return malformed("a row has too few values", e);
    if (count + 1 > schema_tables[table].column_count)
        return malformed("a row has more values than this version knows columns; it was made by a "
                         "newer one",
                         e);
    struct row *r = model_add(m, table, e);
    if (r == NULL)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (set_item(m, r, i + 1, &items[i], e) < 0)
            return -1;
    return 0;
}
