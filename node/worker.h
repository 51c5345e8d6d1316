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
#include "proto/base/buf.h"
#include "proto/base/map.h"

#include <stdbool.h>

struct snapshot;
struct live;
struct registry;
struct backends;
struct upstreams;
struct access_log;
struct file_cache;
struct ws_deflate;
struct evwork;
struct tls_shared;
struct plugins;
struct dashboard;
struct dashboard_source;

struct worker {
    struct loop loop;
    struct deadlines deadlines;
    struct conns conns;
    struct counters counters;
    struct snapshot *snapshot;   /* current; requests in flight hold references of their own */
    const struct live *live;     /* the snapshot's listener, see conf/swap.h */
    struct registry *registry;   /* connection ids of handlers */
    struct channels *channels;   /* of connections */
    struct backends *backends;   /* handlers and pools: outlive snapshots */
    struct upstreams *upstreams; /* proxied servers: likewise */
    struct plugins *plugins;     /* loaded filters and xrequests: likewise */
    struct map plugin_conns;     /* what is kept for connections with filters: plugin_conn.h */
    struct access_log *access_log;
    struct file_cache *files;      /* of all Dirs; made by the first, outlives snapshots */
    struct ws_deflate *ws_deflate; /* of all WebSockets; made by the first that compresses */
    struct evwork *uploads;        /* their side thread; made by the first */
    struct dashboard *dashboard;   /* made by the first configuration that has such a route */
    const struct dashboard_source *dashboard_source; /* the cluster; NULL on a single server */
    struct tls_shared *tls; /* made by the first configuration that needs it; outlives snapshots */
    struct freelist exchanges;
    struct freelist heads;     /* of struct head_box, see exchange/head_box.h */
    struct freelist blocks;    /* of the arenas of exchanges */
    struct freelist http1s;    /* state of HTTP/1 sessions that are not idle */
    struct freelist jssockets; /* likewise of JSON and XML sockets */
    char date[40];             /* the Date header line with CRLF, made once a second by reply.c */
    size_t date_len;
    int64_t date_s;     /* wall second that `date` shows */
    void *zmq;          /* the ZeroMQ context */
    struct buf scratch; /* for messages that are built and handed on within one call */
    const char *root;   /* in front of paths inside the chroot: it, until it is entered; "" else */
    bool draining;      /* no connection is kept, the health route says so */
    bool stopping; /* and the loop ends with the last connection; nothing is accepted any more */
    bool in_cluster;
    char uuid[37]; /* this node */
};

#endif
