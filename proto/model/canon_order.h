/* The canonical order of a model's rows: what the canonical form, the diff and the delta share.
 *
 * Rows whose order has no meaning are sorted by content and equal ones are one; of a setting given
 * twice the last is the one; hosts, routes and plugins stand in the order of the configuration,
 * grouped by what they belong to. A row's number is its place in that order, from 1. */
#ifndef PROTO_MODEL_CANON_ORDER_H
#define PROTO_MODEL_CANON_ORDER_H

#include "proto/base/arena.h"
#include "proto/base/error.h"
#include "proto/model/model.h"

#include <stddef.h>
#include <stdint.h>

struct canon_table {
    const struct row **rows; /* in canonical order */
    size_t count;
    uint32_t *numbers; /* of the model's rows in their own order: canonical number, from 1 */
};

struct canon_order {
    const struct model *model;
    struct canon_table tables[TABLE_COUNT];
    struct arena arena;
};

/* Orders a frozen model, which must outlive the result; release with canon_order_fini also after a
 * failure. ERROR_INVALID for a value of the wrong type or a reference to nothing,
 * ERROR_NO_MEMORY. */
int canon_order_init(struct canon_order *o, const struct model *m, struct error *e);
void canon_order_fini(struct canon_order *o);

/* What the canonical row holds in a column: the value itself, for a reference the number of the row
 * that it refers to. */
struct value canon_value(const struct canon_order *o, const struct row *r, size_t column);

/* The table that a reference column of this row points into; -1 when it is none. */
int canon_reference(const struct row *r, size_t column);

/* Numbers by size, text by byte; 0 when equal. */
int canon_compare(const struct value *a, const struct value *b);

/* How many columns of the row are written: all but the defaults of additions at its end. */
size_t canon_width(const struct row *r);

/* The columns that every row of the table has at least. */
size_t canon_width_min(enum table_id table);

#endif
