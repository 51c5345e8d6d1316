/* Configurations from anything: a shared object that gives the rows instead of a database
 * (node/plugin/mongrel2/plugin.h, the part on configuration modules). */
#ifndef NODE_CONF_CONFIG_MODULE_H
#define NODE_CONF_CONFIG_MODULE_H

#include "proto/base/error.h"
#include "proto/model/model.h"

struct config_module;

/* Loads the shared object; it stays as it is until the end, whatever becomes of the file. Errors
 * name the path. */
int config_module_open(struct config_module **out, const char *path, struct error *e);
void config_module_close(struct config_module *c); /* NULL is fine */

/* Asks it for the server with this UUID and all that belongs to it. The model is frozen, not
 * checked, and has one reference. On any thread, one at a time. ERROR_REFUSED: the module does not
 * begin; ERROR_IO: it gives nothing where there must be something; others as config_rows_add. */
int config_module_read(struct config_module *c, const char *url, const char *uuid,
                       struct model **out, struct error *e);

#endif
