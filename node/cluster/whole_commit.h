/* A commit that came as what has changed from its parent, made whole again. */
#ifndef NODE_CLUSTER_WHOLE_COMMIT_H
#define NODE_CLUSTER_WHOLE_COMMIT_H

#include "proto/base/buf.h"
#include "proto/base/error.h"
#include "proto/base/slice.h"
#include "proto/model/canon.h"
#include "proto/model/model.h"

/* What runs, and what is to come of it. */
struct whole_wanted {
    const struct model *base;
    const char *base_hash;   /* of the commit that runs: the parent */
    const char *config_hash; /* of the base's canonical bytes; NULL: not known */
    int64_t version;
    const char *hash;
};

/* Appends the commit of `record`, which lacks its configuration, with the one that `delta` makes of
 * the base, and gives that one as a frozen model (a reference) and its hash too. That all is right
 * is shown by the hashes. ERROR_CONFLICT: it is not of this base, or not the commit that is wanted;
 * ERROR_INVALID; ERROR_NO_MEMORY. On failure nothing is given. */
int whole_commit(struct buf *out, struct model **m, char config_hash[CANON_HASH_LEN + 1],
                 struct slice record, struct slice delta, const struct whole_wanted *wanted,
                 struct error *e);

#endif
