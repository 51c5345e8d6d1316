/* A model as text in the configuration language; loading the text gives an equal configuration.
 *
 * What stands at its default is left out; a target that several routes share becomes a name, all
 * else stands where it is used. */
#ifndef M2SH_LANG_PRINTER_H
#define M2SH_LANG_PRINTER_H

#include "proto/base/buf.h"
#include "proto/base/error.h"
#include "proto/model/model.h"

/* Appends the text of a frozen model. ERROR_UNSUPPORTED, naming the object, for a value that the
 * language cannot write (a negative number, text with both quotes, a NUL byte); ERROR_INVALID for a
 * model that check_model refuses. */
int printer_print(const struct model *m, struct buf *out, struct error *e);

/* Appends a value as a string of the language. ERROR_UNSUPPORTED. */
int printer_put_string(struct slice value, struct buf *out, struct error *e);

#endif
