/* Which row of one configuration is which row of another: what diff and delta share.
 *
 * Rows are paired by identity, not by number: first by what names them surely (uuid, path in its
 * host, the whole content of a target), then those left over by what still tells them (a server's
 * name, a handler's endpoints). Rows of one identity are paired in their order. */
#ifndef PROTO_MODEL_ALIGN_H
#define PROTO_MODEL_ALIGN_H

#include "proto/base/arena.h"
#include "proto/base/error.h"
#include "proto/model/canon_order.h"
#include "proto/model/model.h"

#include <stdbool.h>
#include <stdint.h>

struct align {
    struct canon_order before, after;
    uint32_t *to_after[TABLE_COUNT];  /* [number before - 1]: number after; 0 none */
    uint32_t *to_before[TABLE_COUNT]; /* [number after - 1]: number before; 0 none */
    struct arena arena;
};

/* Pairs the rows of two frozen models, which must outlive it. Release with align_fini also after a
 * failure. ERROR_INVALID as canon_order_init, ERROR_NO_MEMORY. */
int align_init(struct align *a, const struct model *before, const struct model *after,
               struct error *e);
void align_fini(struct align *a);

/* The rows by their numbers. */
const struct row *align_before(const struct align *a, enum table_id table, uint32_t number);
const struct row *align_after(const struct align *a, enum table_id table, uint32_t number);

/* Do two rows of one table hold the same in a column? A reference: to rows that are paired. */
bool align_is_same(const struct align *a, const struct row *before, const struct row *after,
                   size_t column);

#endif
