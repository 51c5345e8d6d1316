/* What promote and abort have in common: a word to the push that is running. */
#ifndef M2SH_DECIDE_H
#define M2SH_DECIDE_H

#include "m2sh/cluster.h"

#define OPTIONS_DECIDE                                                                        \
    {"rev", "N", "The revision (the push that is running)."}, {"why", "TEXT", "The reason."}, \
        OPTIONS_CLUSTER

/* `verb` is CLUSTER_PROMOTE or CLUSTER_ABORT; `done` says what became of it. */
enum status decide_run(struct call *c, enum cluster_verb verb, const char *done);

#endif
