/* The server as a node of a cluster: what the agent (node/cluster/agent.h) needs of it. */

#include "node/backend/classic.h"
#include "node/backend/pool.h"
#include "node/server_parts.h"
#include "node/tls/shared.h"
#include "proto/base/log.h"

#include <mbedtls/platform_util.h>
#include <stdio.h>
#include <string.h>

static int agent_prepare(void *arg, struct model *m, int64_t version, const char *hash,
                         void **prepared, struct error *e)
{
    struct server *s = arg;
    const struct row *row;
    struct prepared *p;
    if (source_check(m, e) != 0 || (row = source_select(m, &s->options.which, e)) == NULL ||
        swap_prepare(&s->live, m, row, (uint64_t)version, hash, &p, e) != 0)
        return -1;
    *prepared = p;
    return 0;
}

static void agent_activate(void *arg, void *prepared)
{
    struct server *s = arg;
    struct error e;
    swap_activate(&s->live, prepared);
    if (server_open_access_log(s, &e) != 0)
        log_error("server", "%s; serving without an access log", e.text);
}

static void agent_discard(void *arg, void *prepared)
{
    (void)arg;
    swap_discard(prepared);
}

static void agent_counters(void *arg, struct beat_counters *out)
{
    const struct worker *w = &((const struct server *)arg)->worker;
    out->connections = (int64_t)w->conns.count;
    out->in_flight = (int64_t)w->exchanges.in_use;
    out->requests = (int64_t)w->counters.requests;
    out->errors = (int64_t)w->counters.responses_5xx;
    out->latency = &w->counters.latency;
    out->is_draining = w->draining;
}

static void agent_describe(void *arg, struct agent_description *out)
{
    struct server *s = arg;
    out->handler = s->backends.handler_endpoint;
    out->control = s->control != NULL ? control_endpoint(s->control) : "";
    out->addresses = s->live.listener != NULL ? listener_identity(s->live.listener) : "";
}

static void agent_knows_cluster(void *arg, const char *uuid)
{
    struct server *s = arg;
    classic_join_cluster(&s->backends, uuid);
}

static void agent_control(void *arg, struct slice request, struct buf *reply)
{
    control_answer(((struct server *)arg)->control, request, reply);
}

static void agent_orders(void *arg, bool drain, const struct slice *paused, size_t paused_count)
{
    struct server *s = arg;
    struct error e;
    server_drain(s, drain);
    if (pools_pause(&s->backends, paused, paused_count, &e) != 0)
        log_error("server", "not all pools are paused: %s", e.text);
}

static void agent_keys(void *arg, const struct keyring *ring)
{
    server_accept_keys(arg, ring);
}

/* What TLS keeps is made by the first configuration that needs it, or here: the keys come once. */
static void agent_tickets(void *arg, const struct agent_ticket *tickets, size_t count)
{
    struct worker *w = &((struct server *)arg)->worker;
    struct error e;
    if (w->tls == NULL && (w->tls = tls_shared_create(&w->loop.wall_s, &w->counters, &e)) == NULL) {
        log_error("tls", "the cluster's keys of session tickets are not used: %s", e.text);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct ticket_key key = {.since_s = w->loop.wall_s - tickets[i].age_s};
        if (tickets[i].name.len != sizeof key.name || tickets[i].secret.len != sizeof key.secret)
            continue; /* of a later version */
        memcpy(key.name, tickets[i].name.ptr, sizeof key.name);
        memcpy(key.secret, tickets[i].secret.ptr, sizeof key.secret);
        if (!tickets_has(&w->tls->tickets, key.name) &&
            tickets_install(&w->tls->tickets, &key) != 0)
            log_error("tls", "a key of session tickets is refused by the library");
        mbedtls_platform_zeroize(&key, sizeof key);
    }
}

static const struct agent_ops agent_ops = {
    .prepare = agent_prepare,
    .activate = agent_activate,
    .discard = agent_discard,
    .counters = agent_counters,
    .describe = agent_describe,
    .cluster = agent_knows_cluster,
    .control = agent_control,
    .orders = agent_orders,
    .keys = agent_keys,
    .tickets = agent_tickets,
};

static int fetch_page(void *arg, page_fetched *done, void *done_arg, struct error *e)
{
    return agent_fetch_page(((struct server *)arg)->agent, done, done_arg, e);
}

/* Stays in front, enters no chroot: several nodes share a host, and whoever runs them (systemd, a
 * container) takes care of both. */
int server_create_node(struct server *s, struct error *e)
{
    const struct server_options *o = &s->options;
    struct agent_config config = {
        .coordinators = o->coordinators,
        .security = {.keys = o->keys != NULL ? &s->keys.credentials.keys : NULL,
                     .insecure = o->insecure},
        .state_dir = o->state_dir,
        .uuid = o->node_uuid,
        .node = o->node_name,
        .server = o->which.name,
    };
    s->process = (struct process_plan){
        .chroot = "", .pid_file = "", .error_log = "", .ready_fd = -1};
    process_limit_descriptors(0);
    if (server_build_worker(s, SERVER_BUFFER_SIZE, 1, e) != 0 ||
        agent_create(&s->agent, s->worker.loop.ev, &config, &agent_ops, s, e) != 0)
        return -1;
    s->worker.in_cluster = true;
    s->dashboard_source = (struct dashboard_source){fetch_page, s};
    s->worker.dashboard_source = &s->dashboard_source;
    snprintf(s->worker.uuid, sizeof s->worker.uuid, "%s", agent_uuid(s->agent));
    snprintf(s->backends.node_uuid, sizeof s->backends.node_uuid, "%s", s->worker.uuid);
    char spec[4200];
    snprintf(spec, sizeof spec, "ipc://%s/control", o->state_dir);
    if (server_open_control(s, o->control != NULL ? o->control : spec, e) != 0)
        return -1;
    return agent_start(s->agent, s->worker.zmq, e);
}
