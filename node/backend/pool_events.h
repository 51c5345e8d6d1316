/* The pool's side of its workers' socket (pool_worker.h). */
#ifndef NODE_BACKEND_POOL_EVENTS_H
#define NODE_BACKEND_POOL_EVENTS_H

#include "node/backend/pool_worker.h"

extern const struct pool_port_ops pool_events;

#endif
