/* The configuration as a value: rows of the tables of schema.h.
 *
 * A model is built row by row (by the language loader, the SQLite reader, the canonical decoder),
 * then frozen; after that it is immutable and may be read by anyone who holds a reference.
 * Everything in it lives in the model's own arena. A model may be incomplete or wrong: check.h
 * tells. */
#ifndef PROTO_MODEL_MODEL_H
#define PROTO_MODEL_MODEL_H

#include "proto/base/error.h"
#include "proto/base/slice.h"
#include "proto/model/schema.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum value_kind { VALUE_NULL, VALUE_INT, VALUE_TEXT };

struct value {
    enum value_kind kind;
    int64_t n;         /* VALUE_INT */
    struct slice text; /* VALUE_TEXT; NUL-terminated in the model's arena */
};

/* Where a row was written, for messages; file NULL when it came from a database. */
struct place {
    const char *file; /* borrowed from the model's arena */
    unsigned line;    /* from 1 */
    unsigned column;  /* from 1, in bytes */
};

struct row {
    enum table_id table;
    struct place place;
    struct value values[]; /* schema_tables[table].column_count of them */
};

struct model;

struct model *model_create(struct error *e); /* with one reference; NULL when out of memory */
struct model *model_ref(struct model *m);    /* returns m */
void model_unref(struct model *m);           /* NULL is fine; frees with the last reference */

/* Adds a row with every column at its default (required ones NULL) and the id one above the highest
 * of the rows before it. The row is the model's; set its values (its id, if at all, before the next
 * row is added) before model_freeze. NULL when out of memory. */
struct row *model_add(struct model *m, enum table_id table, struct error *e);

/* Copies the text into the model. -1 when out of memory. */
int row_set_text(struct model *m, struct row *r, size_t column, struct slice text, struct error *e);
void row_set_int(struct row *r, size_t column, int64_t n);
void row_set_null(struct row *r, size_t column);
int row_set_place(struct model *m, struct row *r, const char *file, unsigned line, unsigned column);

/* Ends building: fills each empty host.matching with the host's name, builds the id index
 * (model_find becomes O(1)); no row may change afterwards. Again: no effect. */
int model_freeze(struct model *m, struct error *e);
bool model_is_frozen(const struct model *m);

/* Removes all rows of a table; for loaders that override (mimetypes). Not after freeze. */
void model_clear_table(struct model *m, enum table_id table);

size_t model_count(const struct model *m, enum table_id table);
const struct row *model_row(const struct model *m, enum table_id table,
                            size_t i); /* insertion order */
/* As model_row, to be changed: not after freeze. */
struct row *model_row_edit(struct model *m, enum table_id table, size_t i);
/* The first row with this id; NULL when none. Works before freeze too, then in linear time. */
const struct row *model_find(const struct model *m, enum table_id table, int64_t id);
/* What a route leads to; NULL when that is missing, or of a kind that is not known. */
const struct row *model_target(const struct model *m, const struct row *route);

/* As model_find, giving the row's place for model_row; false when none. */
bool model_find_place(const struct model *m, enum table_id table, int64_t id, size_t *i);

/* Typed access. A NULL value gives "" or 0. */
int64_t row_id(const struct row *r);
int64_t row_int(const struct row *r, size_t column);
struct slice row_text(const struct row *r, size_t column);
const char *row_str(const struct row *r, size_t column); /* NUL-terminated, never NULL */

/* The value of a setting, or NULL / `fallback`. The last row of a key wins. Numbers as C atoi reads
 * them, upstream's way. */
const char *model_setting(const struct model *m, const char *key);
int64_t model_setting_int(const struct model *m, const char *key, int64_t fallback);

/* The server row selected by uuid or by name; NULL when none. */
const struct row *model_server_by_uuid(const struct model *m, struct slice uuid);
const struct row *model_server_by_name(const struct model *m, struct slice name);

#endif
