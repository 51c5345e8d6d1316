/* The settings of a Filter or Xrequest: a dict of any nesting, stored as one tnetstring. */
#ifndef M2SH_LANG_PLUGIN_SETTINGS_H
#define M2SH_LANG_PLUGIN_SETTINGS_H

#include "m2sh/lang/loader_row.h"

#define PLUGIN_SETTINGS_BYTES_MAX (1u << 20)

/* Sets the settings column of `row`; what is wrong goes to the diags. */
void plugin_settings_set(struct loader *l, struct row *row, const struct node *written);

#endif
