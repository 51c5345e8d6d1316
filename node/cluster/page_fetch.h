/* The cluster's page, fetched from a coordinator for a dashboard of this node. Part of the agent.
 */
#ifndef NODE_CLUSTER_PAGE_FETCH_H
#define NODE_CLUSTER_PAGE_FETCH_H

#include "node/cluster/coordinator_link.h"
#include "proto/base/slice.h"

/* Exactly once per fetch: the content, or empty with *e. Borrowed. */
typedef void page_fetched(void *arg, struct slice content, const struct error *e);

struct page_fetch {
    page_fetched *done; /* NULL: nothing is being fetched */
    void *arg;
    size_t turn; /* which coordinator is asked; another after each failure */
};

/* One at a time. -1, and `done` is not called: ERROR_UNREACHABLE, ERROR_EXISTS. */
int page_fetch(struct page_fetch *f, struct coordinator_link *const *links, size_t count,
               page_fetched *done, void *arg, struct error *e);

#endif
