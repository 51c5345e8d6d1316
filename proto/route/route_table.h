/* The routes of one host: from the path of a request to a target.
 *
 * A route is cut at its first `(`: before it the prefix, bytes taken literally; from it on a
 * pattern (pattern.h) for the rest of the path. The longest prefix decides, and only it: when none
 * of its patterns fits, no shorter prefix is asked. A path that is shorter than every prefix that
 * begins with it goes to the first of them. The whole rule, with what it keeps of upstream's and
 * why, is in docs/decisions/0002-routing.md.
 *
 * Paths are raw bytes: nothing is decoded, normalised or folded here. A lookup costs the length of
 * the path (and, where patterns are, their length too), not the number of routes; it allocates
 * nothing. A table takes about 32 bytes for each route, 32 for each node of the tree (one to two a
 * route), its text, and for a pattern 32 + 8 for each item + 32 for each set.
 *
 * A table lives in the arena it was built in and is never written again. Targets are opaque. */
#ifndef PROTO_ROUTE_ROUTE_TABLE_H
#define PROTO_ROUTE_ROUTE_TABLE_H

#include "proto/base/arena.h"
#include "proto/base/error.h"
#include "proto/base/slice.h"

#include <stdbool.h>
#include <stddef.h>

struct route_table;

struct route_row {
    struct slice route; /* e.g. "/users/([0-9]+)" */
    void *target;       /* borrowed, never looked into */
};

struct route_hit {
    void *target;
    struct slice route; /* as configured; lives as long as the table */
    size_t prefix_len;  /* bytes of the route before its pattern; may exceed the path's length */
    size_t row;         /* the number of the row, in the order given */
};

/* Builds the table of rows[0..count), in which the order matters (see the decision). The rows are
 * copied; the targets are borrowed. No rows at all is fine. Returns 0; -1 with ERROR_INVALID,
 * naming the route, for a malformed pattern, or ERROR_NO_MEMORY, and then *out is NULL. */
int route_table_build(struct route_table **out, const struct route_row *rows, size_t count,
                      struct arena *a, struct error *e);

/* Finds the route of a path, without its query. Returns false when there is none. */
bool route_table_find(const struct route_table *t, struct slice path, struct route_hit *hit);

/* Cuts a route; both parts borrow from it. Without a pattern *pattern is empty. */
void route_split(struct slice route, struct slice *prefix, struct slice *pattern);

/* Says whether a table could be built with this route. Returns 0, or -1 with ERROR_INVALID. */
int route_check(struct slice route, struct error *e);

#endif
