/* The rows of a table by the row they belong to: the hosts of a server, the routes of a host.
 * Borrows the model's rows. */
#ifndef M2SH_LANG_ROW_GROUPS_H
#define M2SH_LANG_ROW_GROUPS_H

#include "proto/model/model.h"

#include <stddef.h>

struct row_groups {
    const struct row **rows; /* by owner, in the model's order within each */
    size_t count;
    size_t column; /* holds the owner's id */
};

void row_groups_init(struct row_groups *g, const struct model *m, enum table_id table,
                     size_t column);
void row_groups_fini(struct row_groups *g);

/* The rows of `owner`; *count may be 0. */
const struct row *const *row_groups_find(const struct row_groups *g, const struct row *owner,
                                         size_t *count);

#endif
