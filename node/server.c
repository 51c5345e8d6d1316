/* Start-up is a list of steps, stopping is the same list backwards; each step's undoing accepts
 * that the step never happened. */

#include "node/server.h"

#include "node/backend/handler_peer.h"
#include "node/backend/pool_worker.h"
#include "node/conf/build_tls.h"
#include "node/exchange/access_log.h"
#include "node/exchange/exchange.h"
#include "node/exchange/filter.h"
#include "node/exchange/head_box.h"
#include "node/exchange/plugin_conn.h"
#include "node/exchange/xrequest.h"
#include "node/server_parts.h"
#include "node/session/http1.h"
#include "node/session/jssocket.h"
#include "node/target/dashboard.h"
#include "node/target/file_cache.h"
#include "node/tls/context.h"
#include "proto/base/log.h"
#include "proto/base/uuid.h"
#include "proto/http/ws_deflate.h"
#include "proto/link/evwork.h"
#include "proto/model/settings.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SPARE_EXCHANGES = 256, SPARE_ARENA_BLOCKS = 256, ARENA_BLOCK = 2048 };

/* --- wiring between rooms --- */

static void report_unknown(void *sender, uint32_t conn_id)
{
    handler_peer_report_unknown(sender, conn_id);
}

static void on_reply(void *arg, struct backend *origin, zmq_msg_t *message)
{
    struct server *s = arg;
    const struct snapshot *now = s->worker.snapshot; /* none: the first is only prepared */
    s->inbox.max_targets = now != NULL ? now->settings.handler_targets : 1;
    s->inbox.flow_control = now != NULL && now->settings.flow_control;
    bool is_addressed = s->worker.in_cluster || strcmp(origin->ops->kind, "pool") == 0;
    s->inbox.node = is_addressed ? s->worker.uuid : NULL;
    s->inbox.cluster = s->backends.cluster_uuid;
    struct inbox_sender from = {
        .name = origin->name,
        .unknown = report_unknown,
        .arg = origin,
        .raw_payload = origin->raw_payload,
        .nul = origin->nul,
    };
    inbox_take(&s->inbox, message, &from);
}

/* And how much of what it says has been written. */
static void on_reply_written(struct outq *q, uint64_t bytes)
{
    struct conn *c = container_of(q, struct conn, out);
    if (c->handler != NULL && c->id != 0)
        handler_peer_credit(c->handler, c->id, bytes);
}

static void on_conn_opened(struct conns *set, struct conn *c)
{
    (void)set;
    filter_opened(c);
}

/* The handler that a connection used last learns that it is gone. */
static void on_conn_closed(struct conns *set, struct conn *c)
{
    struct worker *w = set->owner;
    struct server *s = container_of(w, struct server, worker);
    struct handler_peer *peer = c->handler;
    filter_closed(c);
    channels_leave_all(&s->channels, c);
    if (peer != NULL) {
        if (!c->handler_closed)
            handler_peer_disconnected(peer, c->id);
        handler_peer_unref(peer);
        c->handler = NULL;
    }
    registry_remove(w->registry, c);
    w->counters.bytes_received += c->bytes_read;
    w->counters.bytes_sent += c->bytes_written;
    if (w->stopping && set->count == 0)
        loop_stop(&s->worker.loop);
}

/* --- draining --- */

static void drain_connections(struct server *s)
{
    list_for_each_safe (it, &s->worker.conns.all) {
        struct conn *c = container_of(it, struct conn, link);
        if (!conn_is_closing(c) && c->session->drain != NULL)
            c->session->drain(c);
    }
}

void server_drain(struct server *s, bool drains)
{
    struct worker *w = &s->worker;
    if (w->stopping || w->draining == drains)
        return;
    w->draining = drains;
    log_info("server", "%s connections=%zu", drains ? "drains by order" : "drains no more",
             w->conns.count);
    if (drains)
        drain_connections(s);
}

static void on_drain_limit(struct ev_loop *ev, struct ev_timer *t, int events)
{
    (void)ev, (void)events;
    struct server *s = container_of(t, struct server, drain_limit);
    log_warn("server", "drain time is over, closing %zu connections", s->worker.conns.count);
    loop_stop(&s->worker.loop);
}

void server_stop(struct server *s)
{
    struct worker *w = &s->worker;
    if (s->stops++ > 0) {
        loop_stop(&w->loop);
        return;
    }
    process_stopping();
    unsigned limit_s = w->snapshot != NULL ? w->snapshot->settings.drain_timeout_s : 0;
    log_info("server", "stopping: draining %zu connections, at most %u s", w->conns.count, limit_s);
    w->draining = w->stopping = true;
    swap_stop_listening(&s->live);
    drain_connections(s);
    if (w->conns.count == 0) {
        loop_stop(&w->loop);
        return;
    }
    ev_timer_init(&s->drain_limit, on_drain_limit, limit_s, 0);
    ev_timer_start(w->loop.ev, &s->drain_limit);
}

/* --- configuration --- */

int server_open_access_log(struct server *s, struct error *e)
{
    const struct snapshot *snap = s->worker.snapshot;
    char path[8192];
    if (s->worker.in_cluster) /* nodes of one host share the server row: each logs in its own
                                 directory */
        snprintf(path, sizeof path, "%s/access.log", s->options.state_dir);
    else
        snprintf(path, sizeof path, "%s%s", s->process.base,
                 row_str(snap->server, SERVER_ACCESS_LOG));
    struct access_log *old = s->worker.access_log;
    if (!snap->settings.access_log) {
        access_log_close(old);
        s->worker.access_log = NULL;
        return 0;
    }
    struct access_log *fresh = access_log_open(&s->worker.loop, path,
                                               snap->settings.access_log_json, e);
    if (fresh == NULL)
        return -1;
    access_log_close(old);
    s->worker.access_log = fresh;
    return 0;
}

static void on_signal(struct ev_loop *ev, struct ev_signal *w, int events)
{
    (void)ev, (void)events;
    struct server *s = w->data;
    struct error e;
    if (w->signum == SIGHUP)
        server_reload(s, NULL, NULL, &e);
    else
        server_stop(s);
}

static void watch_signal(struct server *s, struct ev_signal *w, int number)
{
    ev_signal_init(w, on_signal, number);
    w->data = s;
    ev_signal_start(s->worker.loop.ev, w);
    ev_unref(s->worker.loop.ev);
}

/* --- building --- */

static void init_pools(struct worker *w)
{
    freelist_init(&w->exchanges, sizeof(struct exchange), SPARE_EXCHANGES);
    freelist_init(&w->blocks, ARENA_BLOCK, SPARE_ARENA_BLOCKS);
    head_box_pool_init(&w->heads);
    http1_pool_init(&w->http1s);
    jssocket_pool_init(&w->jssockets);
}

int server_build_worker(struct server *s, size_t buffer_size, int io_threads, struct error *e)
{
    struct worker *w = &s->worker;
    if (loop_init(&w->loop) != 0)
        return error_set(e, ERROR_INTERNAL, "Can't make an event loop (epoll).");
    s->loop_ready = true;
    deadlines_init(&w->deadlines, &w->loop);
    conns_init(&w->conns, &w->loop, &w->deadlines, buffer_size);
    w->conns.owner = w;
    w->conns.accept_errors = &w->counters.accept_errors;
    w->conns.timeouts = &w->counters.timeouts;
    w->conns.bad_proxy_headers = &w->counters.bad_proxy_headers;
    w->conns.on_opened = on_conn_opened;
    w->conns.on_closed = on_conn_closed;
    w->conns.out_memory.passed = on_reply_written;
    init_pools(w);
    w->registry = registry_create(0, e);
    if (w->registry == NULL)
        return -1;
    w->zmq = zmq_ctx_new();
    if (w->zmq == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Can't make a ZeroMQ context.");
    zmq_ctx_set(w->zmq, ZMQ_IO_THREADS, io_threads);
    struct backend_upcall up = {.reply = on_reply, .arg = s};
    backends_init(&s->backends, &w->loop, w->zmq, &w->counters, &up);
    s->backends.handler_spec = s->options.handler_port;
    snprintf(s->backends.node_uuid, sizeof s->backends.node_uuid, "%s", w->uuid);
    w->backends = &s->backends;
    upstreams_init(&s->upstreams, &w->loop, &w->deadlines, &w->counters, buffer_size);
    w->upstreams = &s->upstreams;
    plugins_init(&s->plugins);
    plugin_conn_api(&s->plugins.api);
    w->plugins = &s->plugins;
    channels_init(&s->channels);
    w->channels = &s->channels;
    s->inbox = (struct inbox){.registry = w->registry,
                              .channels = &s->channels,
                              .counters = &w->counters,
                              .plugin = xrequest_dispatch};
    return server_open_keys(s, e);
}

static void plan_process(struct server *s, const struct model *m, const struct row *row)
{
    s->process = (struct process_plan){
        .chroot = row_str(row, SERVER_CHROOT),
        .pid_file = row_str(row, SERVER_PID_FILE),
        .error_log = row_str(row, SERVER_ERROR_LOG),
        .daemonize = setting_bool(m, SETTING_SERVER_DAEMONIZE),
    };
    process_plan_resolve(&s->process);
    if (s->process.test_mode)
        log_warn("server", "can't chroot to %s as this user: staying in front, paths are below it",
                 s->process.chroot);
}

static const char *control_spec(const struct server *s, const struct model *m,
                                const struct row *row)
{
    if (s->options.control != NULL)
        return s->options.control;
    const char *own = row_str(row, SERVER_CONTROL_PORT);
    return own[0] != '\0' ? own : setting_text(m, SETTING_CONTROL_PORT);
}

static size_t buffer_size_for(const struct model *m)
{
    size_t wanted = (size_t)setting_int(m, SETTING_LIMITS_BUFFER_SIZE);
    return wanted > SERVER_BUFFER_SIZE ? wanted : SERVER_BUFFER_SIZE;
}

static int reload_by_control(void *server, control_done *done, void *arg, struct error *e)
{
    return server_reload(server, done, arg, e);
}

static void stop_by_control(void *server)
{
    server_stop(server);
}

static void describe_for_control(void *server, const char **access_log, const char **pid_file,
                                 unsigned *port, const char **bind_addr)
{
    const struct server *s = server;
    const struct row *row = s->worker.snapshot != NULL ? s->worker.snapshot->server : NULL;
    *access_log = s->worker.access_log != NULL ? access_log_path(s->worker.access_log) : "";
    *pid_file = s->process.pid_path;
    *port = s->live.listener != NULL ? listener_port(s->live.listener) : 0;
    *bind_addr = s->options.bind_addr != NULL ? s->options.bind_addr
                 : row != NULL                ? row_str(row, SERVER_BIND_ADDR)
                                              : "";
}

static const struct control_ops control_ops = {
    .reload = reload_by_control,
    .stop = stop_by_control,
    .describe = describe_for_control,
};

int server_open_control(struct server *s, const char *spec, struct error *e)
{
    s->control = control_open(&s->worker, spec, &s->keys.control, &control_ops, s, e);
    return s->control != NULL ? 0 : -1;
}

/* Enters the chroot. Certificates that the first configuration needs are read before: keys often
 * are root's alone. What has been read and opened then is found again by the build. */
static int enter(struct server *s, const struct model *m, const struct row *row,
                 struct tls_context **before, struct error *e)
{
    s->worker.root = s->process.chroot;
    if (build_tls(before, m, row, &s->worker, e) != 0)
        return -1;
    s->entered = true;
    if (process_enter(&s->process, e) != 0)
        return -1;
    s->worker.root = s->process.base;
    return 0;
}

/* The order matters: fork before threads, bind while privileged, handler sockets after the chroot.
 */
static int start_single(struct server *s, const struct model *m, const struct row *row,
                        struct error *e)
{
    struct prepared *p;
    struct tls_context *tls = NULL;
    plan_process(s, m, row);
    process_limit_descriptors((unsigned)setting_int(m, SETTING_SUPERPOLL_MAX_FD));
    if (process_check_pid_file(&s->process, e) != 0 || process_daemonize(&s->process, e) != 0)
        return -1;
    snprintf(s->worker.uuid, sizeof s->worker.uuid, "%s", row_str(row, SERVER_UUID));
    if (server_build_worker(s, buffer_size_for(m), (int)setting_int(m, SETTING_ZEROMQ_THREADS),
                            e) != 0)
        return -1;
    if (swap_listen(&s->live, row, setting_bool(m, SETTING_NET_TCP_KEEPALIVE), e) != 0)
        return -1;
    if (plugin_set_load(&s->first_plugins, m, row, &s->plugins, e) != 0)
        return -1;
    int result = enter(s, m, row, &tls, e);
    if (result == 0)
        result = swap_prepare(&s->live, (struct model *)(uintptr_t)m, row, 0, "", &p, e);
    tls_context_unref(tls);
    if (result != 0)
        return -1;
    swap_activate(&s->live, p);
    plugin_set_drop(&s->first_plugins);
    struct error log_problem;
    if (server_open_access_log(s, &log_problem) != 0)
        log_error("server", "%s; serving without an access log", log_problem.text);
    return server_open_control(s, control_spec(s, m, row), e);
}

static int create_single(struct server *s, struct error *e)
{
    struct model *m;
    const struct row *row;
    if (s->options.module != NULL &&
        config_module_open(&s->source.module, s->options.module, e) != 0)
        return -1;
    s->source.place = s->options.config;
    s->source.which = s->options.which;
    if (source_load(&s->source, &m, &row, e) != 0)
        return -1;
    snprintf(s->which_uuid, sizeof s->which_uuid, "%s", row_str(row, SERVER_UUID));
    s->source.which = (struct source_selector){.uuid = s->which_uuid};
    log_set_level((enum log_level)row_int(row, SERVER_ERROR_LOG_LEVEL));
    int result = start_single(s, m, row, e);
    model_unref(m);
    return result;
}

struct server *server_create(const struct server_options *o, struct error *e)
{
    struct server *s = calloc(1, sizeof *s);
    if (s == NULL) {
        error_set(e, ERROR_NO_MEMORY, "Out of memory.");
        return NULL;
    }
    s->options = *o;
    listen_fds_init(&s->inherited);
    s->live = (struct live){
        .inherited = &s->inherited,
        .worker = &s->worker,
        .session = &session_http1,
        .kinds = target_kinds,
        .bind_addr = o->bind_addr,
        .port = o->port,
        .reuse_port = o->coordinators != NULL,
    };
    s->worker.live = &s->live;
    signal(SIGHUP, SIG_IGN); /* what is being read now is fresh; watched once we serve */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file over the limit is an error of write like others */
    if ((o->coordinators != NULL ? server_create_node(s, e) : create_single(s, e)) != 0) {
        server_destroy(s);
        return NULL;
    }
    watch_signal(s, &s->on_int, SIGINT);
    watch_signal(s, &s->on_term, SIGTERM);
    watch_signal(s, &s->on_hup, SIGHUP);
    return s;
}

int server_run(struct server *s)
{
    if (s->live.listener != NULL)
        log_info("server", "Mongrel2/" M2_VERSION " serves on %s uuid=%s pid=%d",
                 listener_identity(s->live.listener), s->worker.uuid, (int)getpid());
    if (listen_fds_unused(&s->inherited) > 0)
        log_warn("server", "%zu of the sockets handed over are of no address of this server",
                 listen_fds_unused(&s->inherited));
    process_ready(&s->process);
    loop_run(&s->worker.loop);
    log_info("server", "stopped");
    return s->exit_status;
}

static void stop_signals(struct server *s)
{
    struct ev_signal *all[] = {&s->on_int, &s->on_term, &s->on_hup};
    for (int i = 0; i < 3; i++) {
        if (!ev_is_active(all[i]))
            continue;
        ev_ref(s->worker.loop.ev);
        ev_signal_stop(s->worker.loop.ev, all[i]);
    }
    if (ev_is_active(&s->drain_limit))
        ev_timer_stop(s->worker.loop.ev, &s->drain_limit);
}

static void destroy_worker(struct server *s)
{
    struct worker *w = &s->worker;
    stop_signals(s);
    w->stopping = false; /* the loop has ended: nothing to stop when the last connection goes */
    conns_fini(&w->conns);
    if (w->backends != NULL)
        pool_port_close(w->backends); /* says BYE to the workers while their pools still exist */
    swap_stop(&s->live);
    tls_shared_destroy(w->tls);
    plugin_set_drop(&s->first_plugins);
    file_cache_destroy(w->files);
    dashboard_destroy(w->dashboard);
    ws_deflate_destroy(w->ws_deflate);
    if (w->backends != NULL)
        backends_fini(w->backends);
    if (w->upstreams != NULL)
        upstreams_fini(w->upstreams);
    evwork_destroy(&w->uploads); /* the last backend may still have had one to remove */
    registry_destroy(w->registry);
    channels_fini(&s->channels);
    access_log_close(w->access_log);
    server_close_keys(s);
    if (w->zmq != NULL)
        zmq_ctx_term(w->zmq);
    deadlines_fini(&w->deadlines);
    loop_fini(&w->loop);
    freelist_fini(&w->exchanges);
    freelist_fini(&w->blocks);
    freelist_fini(&w->heads);
    freelist_fini(&w->http1s);
    freelist_fini(&w->jssockets);
    buf_fini(&w->scratch);
}

void server_destroy(struct server *s)
{
    if (s == NULL)
        return;
    if (s->loop_ready)
        agent_destroy(&s->agent);
    server_reload_fini(s);
    control_close(s->control);
    if (s->loop_ready)
        destroy_worker(s);
    if (s->entered)
        process_leave(&s->process);
    listen_fds_fini(&s->inherited);
    config_module_close(s->source.module);
    free(s);
}
