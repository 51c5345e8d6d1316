/* One loop and what hangs on it. There are no other mutable globals in the node: whoever needs the
 * current configuration, the connections or the counters gets here from its own object. Only
 * server.c builds and tears down a worker. Nothing but snapshots may be shared by several workers.
 */
#ifndef NODE_WORKER_H
#define NODE_WORKER_H

#include "node/io/conn.h"
#include "node/io/deadline.h"
#include "node/io/loop.h"
#include "node/stats/counters.h"

#include <stdbool.h>

struct snapshot;
struct registry;
struct backends;
struct access_log;

struct worker {
    struct loop loop;
    struct deadlines deadlines;
    struct conns conns;
    struct counters counters;
    struct snapshot *snapshot; /* current; requests in flight hold references of their own */
    struct registry *registry; /* connection ids of handlers */
    struct backends *backends; /* handlers, pools, upstreams: outlive snapshots */
    struct access_log *access_log;
    struct freelist exchanges;
    struct freelist heads;
    char date[32];  /* "Date: …\r\n" is made once a second by reply.c */
    int64_t date_s; /* wall second that `date` shows */
    void *zmq;      /* the ZeroMQ context */
    bool draining;
    char uuid[37]; /* this node */
};

#endif
