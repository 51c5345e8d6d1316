/* A commit that came as what has changed from its parent, made whole again. */
#ifndef NODE_CLUSTER_WHOLE_COMMIT_H
#define NODE_CLUSTER_WHOLE_COMMIT_H

#include "proto/base/buf.h"
#include "proto/base/error.h"
#include "proto/base/slice.h"
#include "proto/model/model.h"

/* Appends the commit of `record`, which lacks its configuration, with the one that `delta` makes of
 * `base` (NULL: there is none). ERROR_CONFLICT: the delta is for another base. ERROR_INVALID,
 * ERROR_NO_MEMORY. That the result is the commit's own configuration is shown by its hash. */
int whole_commit(struct buf *out, struct slice record, struct slice delta, const struct model *base,
                 struct error *e);

#endif
