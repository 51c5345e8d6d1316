/* Cells keep their type, so that JSON has numbers where there are numbers, and a terminal aligns
 * them to the right. */

#include "m2sh/out/out_table.h"

#include "m2sh/base/xalloc.h"

#include <ctype.h>
#include <stdlib.h>

enum cell_kind { CELL_TEXT, CELL_INT, CELL_REAL, CELL_BOOL, CELL_NULL };

struct out_cell {
    enum cell_kind kind;
    enum out_style style;
    struct slice text; /* as shown */
    int64_t n;
    double d;
};

void out_table_init(struct out_table *t, const char *const *names)
{
    *t = (struct out_table){.names = names};
    arena_init(&t->arena, 0);
    while (names[t->column_count] != NULL)
        t->column_count++;
}

void out_table_fini(struct out_table *t)
{
    arena_fini(&t->arena);
    free(t->cells);
    t->cells = NULL;
}

static struct out_cell *add(struct out_table *t, enum cell_kind kind)
{
    if (t->cell_count == t->cell_room) {
        t->cell_room = t->cell_room * 2 + 64;
        t->cells = xrealloc(t->cells, t->cell_room, sizeof *t->cells);
    }
    struct out_cell *c = &t->cells[t->cell_count++];
    *c = (struct out_cell){.kind = kind, .text = SLICE_EMPTY};
    return c;
}

void out_table_slice(struct out_table *t, struct slice text)
{
    add(t, CELL_TEXT)->text = xarena_slice(&t->arena, text);
}

void out_table_text(struct out_table *t, const char *text)
{
    if (text == NULL)
        add(t, CELL_NULL);
    else
        out_table_slice(t, slice_str(text));
}

void out_table_styled(struct out_table *t, enum out_style style, const char *text)
{
    struct out_cell *c = add(t, CELL_TEXT);
    c->text = xarena_slice(&t->arena, slice_str(text));
    c->style = style;
}

void out_table_int(struct out_table *t, int64_t n)
{
    struct out_cell *c = add(t, CELL_INT);
    c->n = n;
    c->text = slice_str(xarena_printf(&t->arena, "%lld", (long long)n));
}

void out_table_real(struct out_table *t, double d, unsigned decimals)
{
    struct out_cell *c = add(t, CELL_REAL);
    c->d = d;
    c->text = slice_str(xarena_printf(&t->arena, "%.*f", (int)decimals, d));
}

void out_table_bool(struct out_table *t, bool b)
{
    struct out_cell *c = add(t, CELL_BOOL);
    c->n = b;
    c->text = b ? SLICE("yes") : SLICE("no");
}

size_t out_table_row_count(const struct out_table *t)
{
    return t->column_count > 0 ? t->cell_count / t->column_count : 0;
}

/* Bytes that would break a line or steer a terminal become spaces. */
static void put_shown(struct buf *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        buf_append_char(out, c < ' ' || c == 0x7f ? ' ' : (char)c);
    }
}

static void print_piped(const struct out_table *t, struct buf *out)
{
    for (size_t i = 0; i < t->column_count; i++)
        buf_printf(out, "%s%s", i > 0 ? "\t" : "", t->names[i]);
    buf_append_char(out, '\n');
    for (size_t i = 0; i < t->cell_count; i++) {
        put_shown(out, t->cells[i].text);
        buf_append_char(out, (i + 1) % t->column_count == 0 ? '\n' : '\t');
    }
}

static bool is_number(const struct out_cell *c)
{
    return c->kind == CELL_INT || c->kind == CELL_REAL;
}

static size_t column_width(const struct out_table *t, size_t column)
{
    size_t width = strlen(t->names[column]);
    for (size_t i = column; i < t->cell_count; i += t->column_count) {
        size_t own = out_term_columns(t->cells[i].text);
        width = own > width ? own : width;
    }
    return width;
}

/* Numbers stand to the right, and so does the name above them. */
static void print_cell(const struct out_table *t, size_t column, size_t width,
                       const struct out_cell *c, const struct out_term *term, struct buf *out)
{
    bool is_last = column + 1 == t->column_count;
    size_t gap = width - out_term_columns(c->text);
    if (is_number(c))
        buf_printf(out, "%*s", (int)gap, "");
    buf_append_str(out, out_term_begin(term, c->style));
    put_shown(out, c->text);
    buf_append_str(out, out_term_end(term, c->style));
    if (!is_number(c) && !is_last)
        buf_printf(out, "%*s", (int)gap, "");
    buf_append_str(out, is_last ? "\n" : "  ");
}

static void print_aligned(const struct out_table *t, const struct out_term *term, struct buf *out)
{
    size_t *widths = xrealloc(NULL, t->column_count + 1, sizeof *widths);
    for (size_t i = 0; i < t->column_count; i++)
        widths[i] = column_width(t, i);
    for (size_t i = 0; i < t->column_count; i++) {
        char name[64];
        size_t len = 0;
        for (; t->names[i][len] != '\0' && len < sizeof name - 1; len++)
            name[len] = (char)(t->names[i][len] == '_' ? ' ' : toupper(t->names[i][len]));
        bool numbers = i < t->cell_count && is_number(&t->cells[i]);
        struct out_cell head = {
            .kind = numbers ? CELL_INT : CELL_TEXT, .style = OUT_BOLD, .text = slice_of(name, len)};
        print_cell(t, i, widths[i], &head, term, out);
    }
    for (size_t i = 0; i < t->cell_count; i++)
        print_cell(t, i % t->column_count, widths[i % t->column_count], &t->cells[i], term, out);
    free(widths);
}

void out_table_print(const struct out_table *t, const struct out_term *term, struct buf *out)
{
    if (t->column_count == 0)
        return;
    if (term->is_tty)
        print_aligned(t, term, out);
    else
        print_piped(t, out);
}

static void put_json(const struct out_cell *c, struct out_json *j)
{
    switch (c->kind) {
    case CELL_TEXT: out_json_slice(j, c->text); break;
    case CELL_INT: out_json_int(j, c->n); break;
    case CELL_REAL: out_json_real(j, c->d); break;
    case CELL_BOOL: out_json_bool(j, c->n != 0); break;
    case CELL_NULL: out_json_null(j); break;
    }
}

void out_table_json(const struct out_table *t, struct out_json *j)
{
    out_json_array(j);
    for (size_t i = 0; i < t->cell_count; i++) {
        size_t column = i % t->column_count;
        if (column == 0)
            out_json_object(j);
        out_json_key(j, t->names[column]);
        put_json(&t->cells[i], j);
        if (column + 1 == t->column_count)
            out_json_end(j);
    }
    out_json_end(j);
}
