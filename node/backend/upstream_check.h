/* Health checks of upstreams: is what a route needs of this server all right? A check belongs to an
 * upstream and a path, whoever asks for it, and outlives configurations: the next one that names
 * both goes on with what is known. One that the running configuration does not name pauses.
 *
 * GET of the path on a connection of its own, at an interval with some jitter; healthy is a 2xx or
 * 3xx before the time is over. The first check decides alone; afterwards `fall` failures in a row
 * are needed, and `rise` successes to come back. Failures to connect are seen by upstream.c as with
 * every use, so that the upstream is avoided from the first one on. */
#ifndef NODE_BACKEND_UPSTREAM_CHECK_H
#define NODE_BACKEND_UPSTREAM_CHECK_H

#include "node/backend/upstream.h"

#include <stdbool.h>
#include <stdint.h>

struct upstream_check_limits {
    unsigned interval_ms; /* from the end of one check to the next */
    unsigned timeout_ms;  /* for the whole of one: connection and head of the answer */
    unsigned rise, fall;  /* results in a row that change the state; at least 1 */
};

struct upstream_check;

/* The check of this path, made when there is none yet, with one more reference. It does nothing
 * before upstream_check_run. NULL when out of memory. */
struct upstream_check *upstream_check_get(struct upstream *u, const char *path, struct error *e);
void upstream_check_unref(struct upstream_check *c); /* NULL is fine */

/* The configuration that becomes the running one asks for the check: it goes on, or begins. */
void upstream_check_run(struct upstream_check *c, const struct upstream_check_limits *limits);

/* False while nothing is known. */
bool upstream_check_is_down(const struct upstream_check *c);

/* How many checks of this upstream say that it is down. */
unsigned upstream_checks_down(const struct upstream *u);

#endif
