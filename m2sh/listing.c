/* Both forms are made side by side: a listing is small. */

#include "m2sh/listing.h"

#include <stdarg.h>

void listing_init(struct listing *l, const struct call *c, const char *const *columns)
{
    *l = (struct listing){.call = c, .text = BUF_INIT};
    out_table_init(&l->table, columns);
    l->columns = l->table.column_count;
}

void listing_title(struct listing *l, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    buf_vprintf(&l->text, fmt, args);
    va_end(args);
}

static void end_cell(struct listing *l)
{
    buf_append_str(&l->text, l->table.cell_count % l->columns == 0 ? " \n" : " ");
}

void listing_text(struct listing *l, const char *text)
{
    out_table_text(&l->table, text);
    buf_append_str(&l->text, text != NULL ? text : "(null)");
    end_cell(l);
}

void listing_value(struct listing *l, const struct row *row, size_t column)
{
    const struct value *v = &row->values[column];
    if (v->kind != VALUE_INT) {
        listing_text(l, v->kind == VALUE_TEXT ? v->text.ptr : NULL);
        return;
    }
    out_table_int(&l->table, v->n);
    buf_append_int(&l->text, v->n);
    end_cell(l);
}

void listing_print(struct listing *l)
{
    if (l->call->json) {
        cmd_print_table(l->call, &l->table);
        buf_fini(&l->text);
        return;
    }
    bool is_empty = l->table.cell_count == 0;
    cmd_print(&l->text);
    if (is_empty)
        fputs("No results to display.\n", stderr);
    out_table_fini(&l->table);
}
