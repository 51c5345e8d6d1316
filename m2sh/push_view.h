/* What a push looks like from outside: one line per node as it happens, then the verdict; for
 * scripts one JSON object at the end. Used by push and rollback. */
#ifndef M2SH_PUSH_VIEW_H
#define M2SH_PUSH_VIEW_H

#include "m2sh/cluster.h"

/* Options that push and rollback share. */
#define OPTIONS_PUSH                                                                    \
    {"why", "TEXT", "The reason; kept with the commit for ever."},                      \
        {"policy", "all|majority|any", "How many nodes must be ready (all)."},          \
        {"canary", "N|P%|NAMES", "These nodes first: a count, a share or names."},      \
        {"hold", "SECONDS", "How long the canary is watched (60)."},                    \
        {"base", "N", "Refuse unless revision N is the head (the head as it is now)."}, \
        {"dry", "[1]", "Go all the way to the decision, then take it back."},           \
    {                                                                                   \
        "timeout", "SECONDS", "How long to wait for the nodes, twice (10)."             \
    }

/* Fills author, policy, canary, hold, base, dry and timeout from the options. ERROR_USAGE. */
int push_view_options(const struct cluster *cl, struct cluster_push *push, struct error *e);

/* Sends the request (push or rollback) on the open cluster, shows what happens and closes. */
enum status push_view_run(struct cluster *cl, struct cluster_request *request);

#endif
