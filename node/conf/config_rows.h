/* What the functions of a configuration module answer, as rows of a model.
 *
 * An answer is a tnetstring, in one of three forms: a list of rows, each a list of columns in
 * Mongrel2's order; a table `{"headers": [names], "rows": [rows]}`, with any columns of schema.h in
 * any order (which is how additions are given); an error `{"code": WORD, "error": TEXT}`. */
#ifndef NODE_CONF_CONFIG_ROWS_H
#define NODE_CONF_CONFIG_ROWS_H

#include "proto/base/error.h"
#include "proto/base/slice.h"
#include "proto/model/model.h"

/* Adds the rows of `answer` to the table. `function` names the module's function in errors. The
 * place of the first new row is model_count before the call. ERROR_INVALID: no such answer, a wrong
 * number of columns, a wrong type, an unknown column, no id; ERROR_REFUSED: the answer is an error;
 * ERROR_TOO_LARGE, ERROR_NO_MEMORY. */
int config_rows_add(struct model *m, enum table_id table, struct slice answer, const char *function,
                    struct error *e);

#endif
