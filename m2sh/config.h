/* A configuration from a file of either kind: the configuration language or a database. */
#ifndef M2SH_CONFIG_H
#define M2SH_CONFIG_H

#include "m2sh/cmd.h"
#include "m2sh/lang/document.h"
#include "proto/model/model.h"

struct config {
    struct model *model;       /* frozen and valid; NULL unless it could be used */
    struct document *document; /* NULL for a database */
};

/* Reads, loads and checks `path` and shows what is wrong with it. STATUS_DONE, or STATUS_INVALID
 * with nothing to release, or the status of a file that could not be read. */
enum status config_open(struct config *config, const struct call *c, const char *path);
void config_close(struct config *config);

#endif
