/* One configuration as the node serves it: immutable after build, counted. Each exchange holds the
 * one it began with; the last reference frees it. Settings are fields here, not variables.
 *
 * build.h makes it (everything that can fail happens there), swap.h puts it in place. */
#ifndef NODE_CONF_SNAPSHOT_H
#define NODE_CONF_SNAPSHOT_H

#include "node/conf/plugin_set.h"
#include "node/conf/target.h"
#include "proto/base/arena.h"
#include "proto/model/model.h"
#include "proto/route/host_table.h"
#include "proto/route/route_table.h"

#include <stdbool.h>
#include <stdint.h>

struct mime_table;
struct tls_context;
struct worker;

struct settings {
    size_t head_bytes;          /* limits.buffer_size */
    size_t url_path;            /* limits.url_path, bytes of the path without the query */
    unsigned header_count;      /* limits.header_count */
    uint64_t content_length;    /* limits.content_length: body buffered for a handler */
    uint64_t output_queue;      /* limits.output_queue */
    uint64_t websocket_message; /* limits.websocket_message, bytes */
    const char *upload_file;    /* upload.temp_store, the model's; "" none */
    unsigned upload_mode;       /* upload.temp_store_mode */
    bool upload_stream;         /* upload.stream */
    bool flow_control;          /* download.flow_control */
    unsigned handler_targets;
    unsigned min_ping_s, min_read_rate, min_write_rate, kill_limit, tick_s;
    unsigned header_timeout_s, body_timeout_s, drain_timeout_s, idle_timeout_s;
    unsigned check_interval_s, check_timeout_s, check_rise, check_fall; /* proxy.check_… */
    unsigned tunnel_timeout_s;
    bool tcp_keepalive;
    bool websocket_deflate;
    bool no_clobber_xff;
    bool relaxed_target;
    bool access_log;
    bool access_log_json;
};

/* A route as configured. */
struct conf_route {
    struct slice pattern;  /* the complete route string */
    size_t prefix_len;     /* of its literal part */
    unsigned timeout_s;    /* for the whole answer; 0: none */
    struct target *target; /* may be led to by other routes too */
};

struct conf_host {
    struct slice name;
    struct route_table *routes; /* the targets of its hits are struct conf_route */
};

struct snapshot {
    unsigned refs;
    struct arena arena;
    struct model *model;      /* what it was built from */
    const struct row *server; /* in model */
    struct settings settings;
    struct host_table *hosts; /* of struct conf_host */
    struct conf_host *default_host;
    struct target **targets; /* each once */
    size_t target_count;
    struct mime_table *mime;
    struct plugin_set plugins;
    struct tls_context *tls; /* NULL: plain */
    uint64_t version;        /* of the commit; 0 for a single server */
    char hash[65];
};

struct snapshot *snapshot_ref(struct snapshot *s);
void snapshot_unref(struct snapshot *s); /* NULL is fine */

/* What a target's create() may look at while a snapshot is built. */
struct snapshot_build {
    struct snapshot *snapshot; /* settings and mime are ready; arena is free to use */
    struct worker *worker;     /* for backends, found by identity */
};

#endif
