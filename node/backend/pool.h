/* A pool of workers (docs/reference/pool-protocol.md): late binding of requests to workers that
 * have room, credit and reservations, a bounded queue, retries after a worker's death. Workers of
 * all pools connect to one ROUTER socket per node, the handler port. */
#ifndef NODE_BACKEND_POOL_H
#define NODE_BACKEND_POOL_H

#include "node/backend/backend.h"
#include "proto/base/error.h"

struct pool_options {
    const char *name;
    struct backend_limits limits; /* of a new pool; an old one's change by backend_ops.limit */
};

/* The pool of this name with one more reference; the first pool binds the handler port, which can
 * fail. NULL with *e. */
struct backend *pool_get(struct backends *s, const struct pool_options *o, struct error *e);

struct pool_worker;

/* The name of the pool that the worker has joined. */
const char *pool_name_of(const struct pool_worker *w);

/* The name of a backend that is a pool; NULL: it is none. */
const char *pool_name_of_backend(const struct backend *b);

/* Which pools are paused from now on, those that do not exist yet included; all others are not.
 * ERROR_NO_MEMORY: some of the names are missing. */
int pools_pause(struct backends *s, const struct slice *names, size_t count, struct error *e);

#endif
