/* Inside the loader: one object of the language to one row of the model. */
#ifndef M2SH_LANG_LOADER_ROW_H
#define M2SH_LANG_LOADER_ROW_H

#include "m2sh/lang/loader.h"

struct loader {
    const struct program *program;
    struct diag_list *diags;
    struct model *model;
    struct origins *origins;
    struct map targets; /* address of an object node -> its row, so that it becomes one row */
    size_t rows_left;
};

/* A row with its place; NULL after reporting that there are too many. */
struct row *loader_add_row(struct loader *l, enum table_id table, struct position at);

/* The row of an object: its scalar parameters set, unknown ones warned of, wrong types reported.
 * Parameters that hold other objects (hosts, routes …) are the caller's. NULL: too many rows. */
struct row *loader_add_object(struct loader *l, enum table_id table, const struct node *object);

/* The parameter's value as written; NULL when the object has none of that name. */
const struct node *loader_parameter(const struct node *object, const char *name);

/* What `n` leads to if it is of that kind; else NULL after reporting that `wanted` was expected. */
const struct node *loader_want(struct loader *l, const struct node *n, enum node_kind kind,
                               const char *wanted);

/* Reports that `n` (which leads to `resolved`) is not what was wanted. */
void loader_report_unexpected(struct loader *l, const struct node *n, const struct node *resolved,
                              const char *wanted);

void loader_set_text(struct loader *l, struct row *row, size_t column, struct slice text);

/* An int64 from digits; false when it does not fit. */
bool loader_number(struct slice digits, int64_t *out);

#endif
