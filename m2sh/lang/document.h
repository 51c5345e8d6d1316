/* A configuration file, read, loaded and checked: the way in for the commands.
 *
 * Everything that is wrong with it, from a missing bracket to a default_host that names no host, is
 * in one list of diagnostics with places. The document owns the text, the tree, the list and a
 * reference to the model. */
#ifndef M2SH_LANG_DOCUMENT_H
#define M2SH_LANG_DOCUMENT_H

#include "m2sh/lang/diag.h"
#include "proto/base/slice.h"
#include "proto/model/model.h"

#include <stdbool.h>
#include <stddef.h>

struct document;

/* Never NULL: a file that cannot be read is a diagnostic too. Included files are read. */
struct document *document_load(const char *path);

/* As document_load for a text without includes that makes at most `rows_max` rows. */
struct document *document_load_text(const char *name, struct slice text, size_t rows_max);

void document_destroy(struct document *d); /* NULL is fine */

/* No errors (there may be warnings). */
bool document_is_valid(const struct document *d);
const struct diag_list *document_diags(const struct document *d);

/* Borrowed, frozen; NULL unless valid. */
struct model *document_model(const struct document *d);

#endif
