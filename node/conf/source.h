/* Where a single server's configuration comes from: a Mongrel2 SQLite database, or a module. (A
 * node of a cluster gets it from node/cluster/.) */
#ifndef NODE_CONF_SOURCE_H
#define NODE_CONF_SOURCE_H

#include "node/conf/config_module.h"
#include "proto/base/error.h"
#include "proto/model/model.h"

/* How the server is chosen among those of the configuration; exactly one is set, or none when there
 * is only one server. */
struct source_selector {
    const char *uuid;
    const char *name;
    const char *host; /* its default_host */
};

/* Without a module `place` is the path of a database, with one whatever the module understands;
 * then the server is chosen by its UUID. */
struct source {
    const char *place;
    struct config_module *module; /* NULL: SQLite */
    struct source_selector which;
};

/* Reads, checks and selects. *out has one reference, *server points into it. Errors say what is
 * wrong with which object; warnings are logged. On any thread. */
int source_load(const struct source *s, struct model **out, const struct row **server,
                struct error *e);

/* The row of a model that the selector names. */
const struct row *source_select(const struct model *m, const struct source_selector *which,
                                struct error *e);

/* Checks the model and logs the findings; -1 when there are errors, *e holding the first. */
int source_check(const struct model *m, struct error *e);

#endif
