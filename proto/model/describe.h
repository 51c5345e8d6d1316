/* Rows in words, for people: findings and changes name their objects alike.
 *
 *     server "main": host "shop.test": route "/api/"
 *     Handler pool "chat"
 *
 * What comes from a configuration is quoted, control bytes are shown as \xHH and long text is cut,
 * so that nothing in it can disturb a terminal or a log. */
#ifndef PROTO_MODEL_DESCRIBE_H
#define PROTO_MODEL_DESCRIBE_H

#include "proto/base/buf.h"
#include "proto/base/slice.h"
#include "proto/model/model.h"

/* Appends the text in quotes. */
void describe_text(struct buf *out, struct slice text);

/* Appends a value: a number, a text in quotes, or "nothing". */
void describe_value(struct buf *out, const struct value *v);

/* Appends the row and all that it belongs to, outermost first. */
void describe_row(struct buf *out, const struct model *m, const struct row *r);

#endif
