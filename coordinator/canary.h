/* A canary: a commit that a few nodes run while they are watched, before all do. Here: which nodes,
 * and whether they do worse than before. No sockets, no time; canary_run.h has those. */
#ifndef COORDINATOR_CANARY_H
#define COORDINATOR_CANARY_H

#include "coordinator/effect.h"
#include "coordinator/members.h"
#include "proto/base/buf.h"
#include "proto/base/error.h"

/* Fewer requests than this say nothing. */
#define CANARY_SAMPLE 100
/* What is allowed on top of what was before. */
#define CANARY_ERROR_POINTS 1.0 /* percentage points */
#define CANARY_P99_FACTOR   1.5
#define CANARY_P99_MS       10.0

enum canary_judgement {
    CANARY_GOOD,
    CANARY_WORSE,
    CANARY_UNKNOWN, /* too few requests */
};

/* The scope that `wanted` asks for ("2", "10%", or names separated by commas or blanks): live
 * nodes, chosen by name. ERROR_USAGE when it is malformed, or means no node or every one;
 * ERROR_NOT_FOUND for a node that is not there. */
int canary_choose(const struct members *ms, struct slice wanted, struct buf *scope,
                  struct error *e);

/* `why` gets the reason as a sentence; EFFECT_TEXT_MAX bytes. */
enum canary_judgement canary_judge(const struct effect_figures *before,
                                   const struct effect_figures *after, char why[EFFECT_TEXT_MAX]);

/* The name of a node of the scope that is not live, or NULL. */
const char *canary_lost(const struct members *ms, struct slice scope, char name[256]);

#endif
