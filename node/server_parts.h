/* What server.c and server_cluster.c share: the server itself. Nobody else includes it. */
#ifndef NODE_SERVER_PARTS_H
#define NODE_SERVER_PARTS_H

#include "node/admin/control.h"
#include "node/backend/backend.h"
#include "node/backend/upstream.h"
#include "node/cluster/agent.h"
#include "node/conf/swap.h"
#include "node/deliver/inbox.h"
#include "node/plugin/plugin.h"
#include "node/process.h"
#include "node/server.h"
#include "node/target/dashboard.h"
#include "node/worker.h"
#include "proto/link/credentials.h"
#include "proto/link/evwork.h"
#include "proto/link/zap.h"

#include <ev.h>
#include <stdbool.h>

#define SERVER_BUFFER_SIZE (16 << 10) /* bytes of input per connection, at least */

/* Reading the configuration again (server_reload.c). */
struct reload {
    struct evwork *work; /* NULL until the first */
    struct evwork_job job;
    struct model *model; /* what was read */
    const struct row *row;
    struct error error; /* why it was not; code ERROR_NONE: it was */
    server_reloaded *done;
    void *arg;
    bool is_running, is_wanted_again, is_over;
    server_reloaded *next_done; /* of the one that is wanted again */
    void *next_arg;
};

/* Keys of a node of a cluster (server_keys.c). */
struct server_keys {
    struct credentials credentials;
    struct zap zap;
    struct keyring none;        /* accepted before any is known */
    const struct keyring *ring; /* NULL: the node runs without keys */
    struct link_security handler, control;
};

struct server {
    struct server_options options;
    struct source source; /* of the configuration; on a node of a cluster there is none */
    struct process_plan process;
    struct worker worker;
    struct backends backends;
    struct upstreams upstreams;
    struct plugins plugins;
    struct plugin_set first_plugins; /* loaded ahead of the first snapshot, outside the chroot */
    struct channels channels;
    struct inbox inbox;
    struct live live;
    struct listen_fds inherited;
    struct control *control;
    struct agent *agent; /* NULL on a single server */
    struct dashboard_source dashboard_source;
    struct server_keys keys;
    struct reload reload;
    struct ev_signal on_int, on_term, on_hup;
    struct ev_timer drain_limit;
    char which_uuid[64]; /* of the server row, from the first load on */
    unsigned stops;      /* how often we were told */
    int exit_status;
    bool loop_ready;
    bool entered; /* the pid file may be ours */
};

/* Makes the loop and all that hangs on it. `buffer_size`: bytes of input per connection. */
int server_build_worker(struct server *s, size_t buffer_size, int io_threads, struct error *e);
/* Opens the access log that the running configuration names; the old one stays when that fails. */
int server_open_access_log(struct server *s, struct error *e);
int server_open_control(struct server *s, const char *spec, struct error *e);

/* Drains, without an end: what runs is finished, what comes is served and its connection closed,
 * the health route says 503; or is as ever again. */
void server_drain(struct server *s, bool drains);

/* Waits for a reload under way, which changes nothing any more. */
void server_reload_fini(struct server *s);

/* The keys that the options name, if any; needs the loop and ZeroMQ's context. */
int server_open_keys(struct server *s, struct error *e);
/* These are accepted from now on; borrowed until the next call. */
void server_accept_keys(struct server *s, const struct keyring *ring);
/* After the sockets that ask about keys. */
void server_close_keys(struct server *s);

/* A node of a cluster: everything up to serving what it has on its disk (server_cluster.c). */
int server_create_node(struct server *s, struct error *e);

#endif
