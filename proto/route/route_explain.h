/* One pattern tried on one text, for `m2sh route`: what would the node make of it? The answer comes
 * from the tables that the node uses, built with this one row. Not for hot paths. */
#ifndef PROTO_ROUTE_ROUTE_EXPLAIN_H
#define PROTO_ROUTE_ROUTE_EXPLAIN_H

#include "proto/base/arena.h"
#include "proto/base/error.h"
#include "proto/base/slice.h"
#include "proto/route/host_table.h"

#include <stdbool.h>

struct route_explanation {
    bool matches;
    struct slice
        prefix; /* the literal part; of a host the suffix, back to front as upstream shows */
    struct slice pattern; /* as upstream shows it: of a route the whole of it; of a host the pattern
                             with `$` behind it, or the host itself when it is plain */
};

/* Tries a route on a path. Returns 0, or -1 with ERROR_INVALID for a malformed pattern. Results
 * live in the arena. */
int route_explain_path(struct route_explanation *out, struct slice route, struct slice path,
                       struct arena *a, struct error *e);

/* Tries the `matching` of a host on a name. As above. */
int route_explain_host(struct route_explanation *out, struct slice matching, struct slice name,
                       enum host_matching mode, struct arena *a, struct error *e);

#endif
