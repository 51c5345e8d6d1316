/* The settings of a plugin, stored as a tnetstring, as text in the configuration language. */
#ifndef M2SH_LANG_PRINTER_SETTINGS_H
#define M2SH_LANG_PRINTER_SETTINGS_H

#include "proto/base/buf.h"
#include "proto/base/error.h"
#include "proto/base/slice.h"

/* ERROR_INVALID when it is no tnetstring, ERROR_UNSUPPORTED for values that the language lacks. */
int printer_put_settings(struct slice tnetstring, struct buf *out, struct error *e);

#endif
