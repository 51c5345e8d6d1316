/* A commit in a node's hands: read from its record, or made of what runs and what has changed.
 * Either way it is proved by its hashes before anybody sees it. Part of follow.c's room, without
 * its states. */
#ifndef NODE_CLUSTER_HELD_COMMIT_H
#define NODE_CLUSTER_HELD_COMMIT_H

#include "proto/base/buf.h"
#include "proto/base/error.h"
#include "proto/base/slice.h"
#include "proto/model/canon.h"
#include "proto/model/model.h"
#include "proto/wire/cluster_update.h"

#include <stdint.h>

struct held_commit {
    int64_t version; /* 0: none, or a seed */
    char hash[CANON_HASH_LEN + 1];
    char config_hash[CANON_HASH_LEN + 1]; /* "": not known */
    struct buf record;                    /* with its configuration */
    struct model *model;
    void *prepared; /* follow_env.prepare's; whoever holds the commit lets go of it */
};

/* Frees all but `prepared`; it is empty then. */
void held_commit_release(struct held_commit *h);

/* Reads a record. ERROR_INVALID; ERROR_CONFLICT when it does not fit its hashes or is no successor
 * of what runs. On failure as much of *out is filled as could be read: release it. */
int held_commit_read(struct held_commit *out, struct slice record,
                     const struct held_commit *running, struct error *e);

/* Makes the commit that `p` publishes of what runs and p->delta. ERROR_CONFLICT: it is not of this
 * base; ERROR_INVALID; ERROR_NO_MEMORY. On failure *out is empty. */
int held_commit_make(struct held_commit *out, const struct cluster_prepare *p,
                     const struct held_commit *running, struct error *e);

#endif
