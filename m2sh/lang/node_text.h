/* Syntax tree nodes for messages: what was found, in words. */
#ifndef M2SH_LANG_NODE_TEXT_H
#define M2SH_LANG_NODE_TEXT_H

#include "m2sh/lang/ast.h"
#include "proto/base/buf.h"

/* Appends `the number 80`, `an object Dir(...)`, or, when the value was reached through a name,
 * `the name "x", which is the number 80`. `resolved` is what `written` leads to. */
void node_describe(const struct node *written, const struct node *resolved, struct buf *out);

#endif
