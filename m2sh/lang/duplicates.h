/* Keys that stand twice in one object or dict: the last one counts, as upstream, but not silently.
 */
#ifndef M2SH_LANG_DUPLICATES_H
#define M2SH_LANG_DUPLICATES_H

#include "m2sh/lang/ast.h"
#include "m2sh/lang/diag.h"

/* Marks the items of `n` whose key comes again later, with a warning for each. */
void duplicates_mark(struct node *n, struct diag_list *diags);

#endif
