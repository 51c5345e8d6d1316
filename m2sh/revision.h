/* One revision of the cluster's configuration, fetched and verified. */
#ifndef M2SH_REVISION_H
#define M2SH_REVISION_H

#include "m2sh/cluster.h"
#include "proto/model/commit.h"
#include "proto/model/model.h"

/* Fetches revision `version` (0: the head) into *commit, whose bytes live in the arena, and *model,
 * frozen, for the caller to unref. The hashes are verified. STATUS_DONE, or the failure was shown.
 */
enum status revision_fetch(struct call *c, int64_t version, struct arena *a, struct commit *commit,
                           struct model **model);

#endif
