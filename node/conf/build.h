/* From a model to a snapshot: everything that may fail happens here, beside the running
 * configuration, which is not touched. Undoing a build is one snapshot_unref. */
#ifndef NODE_CONF_BUILD_H
#define NODE_CONF_BUILD_H

#include "node/conf/snapshot.h"

/* Builds what the server of this row serves. `kinds` is the table of target kinds, ended by NULL.
 * The model must be frozen and pass check_model. *out has one reference. Errors name the object. */
int build_snapshot(struct snapshot **out, struct model *m, const struct row *server,
                   struct worker *w, const struct target_ops *const *kinds, struct error *e);

#endif
