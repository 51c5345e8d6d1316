/* The page for operators on a route: Status(what="dashboard"). In a cluster it is the cluster's, as
 * a coordinator renders it; while none answers, and on a single server, it is about this server.
 * One per worker, made by the first configuration that has such a route. */
#ifndef NODE_TARGET_DASHBOARD_H
#define NODE_TARGET_DASHBOARD_H

#include "proto/base/error.h"
#include "proto/base/slice.h"

struct dashboard;
struct exchange;
struct worker;

/* Where the cluster's page comes from. */
struct dashboard_source {
    /* Calls `done` once, with the content or an empty slice and *e; -1: it does not. */
    int (*fetch)(void *arg,
                 void (*done)(void *done_arg, struct slice content, const struct error *e),
                 void *done_arg, struct error *e);
    void *arg;
};

/* Makes w->dashboard unless it is there. ERROR_NO_MEMORY. */
int dashboard_open(struct worker *w, struct error *e);
void dashboard_destroy(struct dashboard *d); /* NULL is fine; there are no viewers any more */

/* Answers with the document, or with a stream for who accepts text/event-stream. */
void dashboard_answer(struct exchange *x);
/* The exchange is over. */
void dashboard_release(struct exchange *x);

#endif
