/* A program (program.h) to a model: what the assignments mean.
 *
 * `servers` is walked down to the targets of its routes; `settings`, `mimetypes` and `expect` are
 * optional. What nothing refers to is not looked at. A route target used in several places is one
 * row; a Host used twice is two. Types are checked here, sense in proto/model/check.h. */
#ifndef M2SH_LANG_LOADER_H
#define M2SH_LANG_LOADER_H

#include "m2sh/lang/program.h"
#include "proto/base/map.h"
#include "proto/model/model.h"

#include <stddef.h>

#define LOADER_ROWS_MAX 1000000

/* Which object a row was made of, for messages about single columns. */
struct origins {
    struct map nodes; /* the row's address -> const struct node * */
};

/* Fills `model` (fresh, not frozen). What is wrong goes to the program's diags; the model is worth
 * nothing then. At most `rows_max` rows are made. `origins` gets an entry per object. */
void loader_load(const struct program *program, struct model *model, size_t rows_max,
                 struct origins *origins);

/* Where column `column` of the row was written: the parameter, else the object, else nowhere. */
struct position origins_find(const struct origins *o, const struct row *row, size_t column);
void origins_fini(struct origins *o);

#endif
