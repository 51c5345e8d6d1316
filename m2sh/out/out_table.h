/* Rows for people and for scripts: aligned columns on a terminal, tab-separated in a pipe, a JSON
 * list of objects on request. Cells are copied in; a table is printed once, at its end. */
#ifndef M2SH_OUT_OUT_TABLE_H
#define M2SH_OUT_OUT_TABLE_H

#include "m2sh/out/out_json.h"
#include "m2sh/out/out_term.h"
#include "proto/base/arena.h"
#include "proto/base/buf.h"
#include "proto/base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct out_cell;

struct out_table {
    const char *const *names; /* borrowed: lower-case words, keys in JSON; ends with NULL */
    size_t column_count;
    struct arena arena;
    struct out_cell *cells; /* row by row */
    size_t cell_count, cell_room;
};

void out_table_init(struct out_table *t, const char *const *names);
void out_table_fini(struct out_table *t);

/* The next cell, from left to right, row after row. */
void out_table_text(struct out_table *t, const char *text); /* NULL: nothing there */
void out_table_slice(struct out_table *t, struct slice text);
void out_table_styled(struct out_table *t, enum out_style style, const char *text);
void out_table_int(struct out_table *t, int64_t n);
void out_table_real(struct out_table *t, double d, unsigned decimals);
void out_table_bool(struct out_table *t, bool b);

size_t out_table_row_count(const struct out_table *t);

/* For a terminal: names in capitals, columns aligned, numbers to the right. For a pipe: names and
 * cells separated by tabs; tabs and line ends inside cells become spaces. */
void out_table_print(const struct out_table *t, const struct out_term *term, struct buf *out);

/* A list of objects as one JSON value. */
void out_table_json(const struct out_table *t, struct out_json *j);

#endif
