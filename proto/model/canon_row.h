/* One row of the canonical form, in bytes: shared by canon.h and delta.h. */
#ifndef PROTO_MODEL_CANON_ROW_H
#define PROTO_MODEL_CANON_ROW_H

#include "proto/base/buf.h"
#include "proto/base/error.h"
#include "proto/model/canon_order.h"
#include "proto/model/model.h"
#include "proto/wire/tnetstring.h"

/* Appends the row as a list of its canonical values. */
void canon_row_put(struct buf *out, const struct canon_order *o, const struct row *r);

/* Adds the row that `list`, an item read from `around`, holds. References stay the numbers that
 * they are. ERROR_INVALID for a wrong number or type of values, ERROR_NO_MEMORY. */
int canon_row_read(struct model *m, enum table_id table, const struct tns_reader *around,
                   const struct tns_item *list, struct error *e);

#endif
