/* What filters are told follows upstream's state machine, whose proxied connections are bound to
 * one upstream: after an answer of it the next request to the same proxy is not received, routed
 * and connected again but only identified and sent. Ours are not bound, so it is written down who
 * the last proxy was (struct plugin_conn), for connections that have filters only. */

#include "node/exchange/filter.h"

#include "node/exchange/plugin_conn.h"
#include "proto/base/log.h"

static struct worker *worker_of(const struct conn *c)
{
    return c->set->owner;
}

/* The first that wants another event ends the chain; its event is not filtered again. */
static int run(struct m2_conn *call, const struct snapshot *s, int event)
{
    if ((s->plugins.filter_events >> (event - M2_EVENT_FIRST) & 1) == 0)
        return event;
    call->event = event;
    for (size_t i = 0; i < s->plugins.filter_count; i++) {
        struct plugin *p = s->plugins.filters[i];
        if (!plugin_wants(p, event))
            continue;
        call->plugin = p;
        int next = p->transition(event, call, plugin_value(&p->settings));
        if (next != event)
            return next;
    }
    return event;
}

/* `other`: what else may happen instead of the event; 0: nothing. Whatever is not possible closes.
 */
static int decide(struct m2_conn *call, const struct snapshot *s, int event, int other)
{
    static struct log_limit limit;
    int next = run(call, s, event);
    if (next == event || next == M2_CLOSE || (next == other && other != 0))
        return next;
    log_limited(
        &limit, LOG_ERROR_LEVEL, "filter",
        "closed: filter %s answered event %d with %d, which is %s", call->plugin->path, event, next,
        next < M2_EVENT_FIRST || next > M2_EVENT_LAST ? "no event" : "not possible at this point");
    return M2_CLOSE;
}

static bool go_on(struct conn *c, int next)
{
    if (next != M2_CLOSE)
        return true;
    worker_of(c)->counters.filter_closes++;
    conn_close(c, CONN_FILTERED);
    return false;
}

bool filter_conn_event(struct conn *c, enum m2_event event, const struct filter_subject *about)
{
    const struct snapshot *s = worker_of(c)->snapshot;
    struct m2_conn call = {.conn = c, .about = about};
    return !filter_is_on(s) || go_on(c, decide(&call, s, event, 0));
}

static int decide_exchange(struct exchange *x, int event, int other)
{
    struct m2_conn call = {.conn = x->conn, .x = x};
    return decide(&call, x->snapshot, event, other);
}

bool filter_event(struct exchange *x, enum m2_event event)
{
    return !filter_is_on(x->snapshot) || go_on(x->conn, decide_exchange(x, event, 0));
}

/* --- what the route leads to --- */

static enum m2_event event_of(const struct target *t)
{
    return t->ops->table == TABLE_HANDLER ? M2_HANDLER
           : t->ops->table == TABLE_PROXY ? M2_PROXY
                                          : M2_DIRECTORY;
}

/* Of another configuration a target may be another one at the same place. */
static bool is_last_proxy(const struct plugin_conn *k, const struct exchange *x)
{
    return k != NULL && k->proxy != NULL && k->proxy == x->target &&
           k->swaps == x->worker->counters.config_swaps;
}

static bool identify(struct exchange *x, bool opens)
{
    if (!opens)
        return filter_event(x, M2_HTTP_REQ);
    int next = decide_exchange(x, M2_WS_REQ, M2_HTTP_REQ);
    if (next == M2_HTTP_REQ)
        x->head->is_websocket = x->head->upgrade_websocket = false;
    return go_on(x->conn, next);
}

bool filter_arrived(struct exchange *x, bool opens)
{
    if (!filter_is_on(x->snapshot))
        return true;
    struct plugin_conn *k = plugin_conn_find(x->conn);
    if (is_last_proxy(k, x))
        return filter_event(x, M2_HTTP_REQ);
    if (k != NULL && k->proxy != NULL)
        k->proxy = NULL; /* it has been said that a request comes */
    else if (!filter_event(x, M2_REQ_RECV) || !identify(x, opens))
        return false;
    return x->target == NULL || filter_event(x, event_of(x->target));
}

/* --- proxies --- */

enum filter_verdict filter_connected(struct exchange *x)
{
    if (!filter_is_on(x->snapshot) || is_last_proxy(plugin_conn_find(x->conn), x))
        return FILTER_GO_ON;
    int next = decide_exchange(x, M2_CONNECT, M2_FAILED);
    if (next == M2_FAILED)
        return FILTER_FAIL;
    struct plugin_conn *k = next == M2_CONNECT ? plugin_conn_get(x->conn) : NULL;
    if (k != NULL) {
        k->proxy = x->target;
        k->swaps = x->worker->counters.config_swaps;
    }
    return go_on(x->conn, next) ? FILTER_GO_ON : FILTER_CLOSED;
}

bool filter_unreachable(struct exchange *x)
{
    if (!filter_is_on(x->snapshot) || is_last_proxy(plugin_conn_find(x->conn), x))
        return true;
    return filter_event(x, M2_FAILED);
}

/* The answer is on its way: closing waits for it. */
void filter_answered(struct exchange *x)
{
    if (!filter_is_on(x->snapshot) || x->target == NULL || !x->target_started || !x->keep_alive)
        return;
    bool is_proxied = is_last_proxy(plugin_conn_find(x->conn), x);
    if (!is_proxied && event_of(x->target) != M2_DIRECTORY)
        return;
    int event = is_proxied ? M2_REQ_RECV : M2_RESP_SENT;
    if (decide_exchange(x, event, 0) == M2_CLOSE) {
        x->worker->counters.filter_closes++;
        x->keep_alive = false;
    }
}

/* --- connections --- */

void filter_opened(struct conn *c)
{
    filter_conn_event(c, M2_OPEN, NULL);
}

void filter_closed(struct conn *c)
{
    const struct snapshot *s = worker_of(c)->snapshot;
    struct m2_conn call = {.conn = c};
    if (s != NULL && filter_is_on(s)) {
        const struct plugin_conn *k = plugin_conn_find(c);
        if (k != NULL && k->proxy != NULL)
            run(&call, s, M2_REMOTE_CLOSE);
        run(&call, s, M2_CLOSE);
    }
    plugin_conn_drop(c);
}
