/* The listener is the only thing besides the snapshot that a swap exchanges: backends and upstream
 * connections hang on the targets and are found by identity while building. */

#include "node/conf/swap.h"

#include "node/backend/upstream.h"
#include "node/conf/build.h"
#include "node/tls/tls.h"
#include "node/worker.h"
#include "proto/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct prepared {
    struct snapshot *snapshot;
    struct listener *listener; /* a new one, or NULL: keep the old */
};

static void address_of(const struct live *live, const struct row *server, const char **address,
                       unsigned *port)
{
    *address = live->bind_addr != NULL ? live->bind_addr : row_str(server, SERVER_BIND_ADDR);
    *port = live->port > 0 ? live->port : (unsigned)row_int(server, SERVER_PORT);
}

static struct listener *open_listener(struct live *live, const struct row *server,
                                      bool tcp_keepalive, struct error *e)
{
    const char *address;
    unsigned port;
    address_of(live, server, &address, &port);
    struct listener_options options = {.inherited = live->inherited,
                                       .reuse_port = live->reuse_port,
                                       .tcp_keepalive = tcp_keepalive};
    struct listener *l = listener_open(address, port, &options, e);
    if (l == NULL && e != NULL)
        snprintf(e->object, sizeof e->object, "server \"%s\"", row_str(server, SERVER_NAME));
    return l;
}

int swap_listen(struct live *live, const struct row *server, bool tcp_keepalive, struct error *e)
{
    live->listener = open_listener(live, server, tcp_keepalive, e);
    return live->listener != NULL ? 0 : -1;
}

static int prepare_listener(struct live *live, struct prepared *p, struct error *e)
{
    const char *address;
    unsigned port;
    char identity[128];
    if (live->worker->stopping)
        return 0;
    address_of(live, p->snapshot->server, &address, &port);
    listener_identity_of(address, port, identity);
    if (live->listener != NULL && strcmp(identity, listener_identity(live->listener)) == 0)
        return 0;
    p->listener = open_listener(live, p->snapshot->server, p->snapshot->settings.tcp_keepalive, e);
    return p->listener != NULL ? 0 : -1;
}

int swap_prepare(struct live *live, struct model *m, const struct row *server, uint64_t version,
                 const char *hash, struct prepared **out, struct error *e)
{
    struct prepared *p = calloc(1, sizeof *p);
    if (p == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    if (build_snapshot(&p->snapshot, m, server, live->worker, live->kinds, e) != 0 ||
        prepare_listener(live, p, e) != 0) {
        live->worker->counters.config_refused++;
        swap_discard(p);
        return -1;
    }
    p->snapshot->version = version;
    snprintf(p->snapshot->hash, sizeof p->snapshot->hash, "%s", hash);
    *out = p;
    return 0;
}

void swap_activate(struct live *live, struct prepared *p)
{
    struct worker *w = live->worker;
    struct snapshot *old = w->snapshot;
    w->snapshot = p->snapshot;
    upstreams_renew(w->upstreams);
    /* Backwards: where rows share a backend, the first has the last word, as upstream. */
    for (size_t i = w->snapshot->target_count; i-- > 0;)
        if (w->snapshot->targets[i]->ops->activate != NULL)
            w->snapshot->targets[i]->ops->activate(w->snapshot->targets[i]);
    w->conns.output_limit = p->snapshot->settings.output_queue;
    w->conns.transport = p->snapshot->tls != NULL ? &transport_tls : &transport_plain;
    w->conns.transport_config = p->snapshot->tls;
    w->conns.open_timeout_ms = p->snapshot->settings.header_timeout_s * 1000;
    w->conns.proxy_protocol = row_int(p->snapshot->server, SERVER_PROXY_PROTOCOL) == 1;
    if (p->listener != NULL) {
        listener_finish(live->listener);
        live->listener = p->listener;
        live->accepting = false;
    }
    if (!live->accepting && !w->stopping) {
        listener_start(live->listener, &w->conns, live->session);
        live->accepting = true;
    }
    w->counters.config_swaps++;
    free(p);
    snapshot_unref(old);
}

void swap_discard(struct prepared *p)
{
    if (p == NULL)
        return;
    listener_close(p->listener);
    snapshot_unref(p->snapshot);
    free(p);
}

const struct snapshot *swap_snapshot(const struct prepared *p)
{
    return p->snapshot;
}

void swap_stop_listening(struct live *live)
{
    listener_finish(live->listener);
    live->listener = NULL;
    live->accepting = false;
}

void swap_stop(struct live *live)
{
    listener_close(live->listener); /* there is nowhere left to accept into */
    live->listener = NULL;
    live->accepting = false;
    snapshot_unref(live->worker->snapshot);
    live->worker->snapshot = NULL;
}
