/* Is a configuration one that a server will run?
 *
 * Finds all errors at once: everything for which a node would refuse it, with the object, the
 * column and the place in the configuration file; and as warnings what is allowed but hardly meant.
 * Looks at nothing outside the model: no file, no network. */
#ifndef PROTO_MODEL_CHECK_H
#define PROTO_MODEL_CHECK_H

#include "proto/base/buf.h"
#include "proto/base/error.h"
#include "proto/model/model.h"

#include <stdbool.h>
#include <stddef.h>

enum finding_severity { FINDING_ERROR, FINDING_WARNING };

struct finding {
    enum finding_severity severity;
    const struct row *row; /* in the model; NULL: about the whole */
    int column;            /* of the row's table; -1: about the whole row */
    const char *object;    /* in words: `server "main": host "shop": route "/api"` */
    const char *text;      /* what is wrong and what to do; goes on from the object, no period */
};

struct check {
    const struct finding *findings; /* errors before warnings, each in the order of the file */
    size_t count;
    size_t error_count;
};

/* Checks a frozen model, which must outlive the result. Returns -1 only when it could not be
 * checked (ERROR_NO_MEMORY); findings are no failure. */
int check_model(struct check **out, const struct model *m, struct error *e);
void check_destroy(struct check *c); /* NULL is fine */

/* Appends one line without its newline: `FILE:LINE:COLUMN: error: OBJECT: TEXT`, without the
 * place for a model from a database. */
void check_format(const struct finding *f, struct buf *out);

/* For those who only want yes or no: 0, or -1 with the first error in *e and how many there are. */
int check_require(const struct model *m, struct error *e);

#endif
