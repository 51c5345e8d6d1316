/* A second passes: who watches gets a new content. Nothing is asked or rendered while nobody does;
 * only the curves' figures are gathered always. */

#include "node/target/dashboard.h"

#include "node/backend/pool.h"
#include "node/backend/pool_worker.h"
#include "node/conf/swap.h"
#include "node/exchange/exchange.h"
#include "node/exchange/reply.h"
#include "proto/base/clock.h"
#include "proto/http/fields.h"
#include "proto/view/page.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VIEWERS_MAX = 256 };

struct viewer {
    struct list link;
    struct exchange *exchange;
    bool is_streaming; /* else it waits for one document */
};

struct dashboard {
    struct worker *worker;
    ev_timer tick;
    struct loop_task renewal; /* for those who have come in this turn */
    struct list viewers;
    size_t viewer_count;
    bool is_fetching;
    struct history history;
    struct worker_watch workers;
    uint64_t requests, errors; /* as last seen */
    struct histogram latency;  /* likewise */
};

/* Ending an answer may begin the next request of its connection; that one only queues, so the list
 * of viewers can be gone through. */

/* ---- showing ------------------------------------------------------------------------------ */

static void show(struct dashboard *d, struct slice content)
{
    struct buf document = BUF_INIT, event = BUF_INIT;
    page_put_document(&document, content);
    page_put_event(&event, content);
    list_for_each_safe (it, &d->viewers) {
        struct viewer *v = container_of(it, struct viewer, link);
        if (document.failed || event.failed)
            reply_abort(v->exchange, 503);
        else if (!v->is_streaming)
            reply_whole(v->exchange, 200, SLICE(PAGE_FIELDS), buf_slice(&document));
        else if (!reply_is_full(v->exchange))
            reply_body(v->exchange, buf_slice(&event));
    }
    buf_fini(&document);
    buf_fini(&event);
}

/* ---- this server alone -------------------------------------------------------------------- */

static const char *const node_headers[] = {"node",      "state",       "version",   "wanted",
                                           "addresses", "connections", "in_flight", "requests",
                                           "errors",    "p50_us",      "p99_us",    NULL};

static void put_node(struct cluster_table_writer *w, const struct worker *worker)
{
    const struct snapshot *s = worker->snapshot;
    const struct counters *c = &worker->counters;
    const struct listener *listener = worker->live->listener;
    cluster_row_begin(w);
    tns_put_str(w->out, row_str(s->server, SERVER_NAME));
    tns_put_str(w->out, worker->draining ? "draining" : "ready");
    tns_put_int(w->out, (int64_t)s->version);
    tns_put_int(w->out, (int64_t)s->version);
    tns_put_str(w->out, listener != NULL ? listener_identity(listener) : "");
    tns_put_int(w->out, (int64_t)worker->conns.count);
    tns_put_int(w->out, (int64_t)worker->exchanges.in_use);
    tns_put_int(w->out, (int64_t)c->requests);
    tns_put_int(w->out, (int64_t)c->responses_5xx);
    tns_put_int(w->out, (int64_t)histogram_quantile(&c->latency, 0.5));
    tns_put_int(w->out, (int64_t)histogram_quantile(&c->latency, 0.99));
    cluster_row_end(w);
}

static void put_pools(struct cluster_table_writer *w, const struct backends *set)
{
    for (struct map_entry *it = map_first(&set->by_name); it != NULL; it = map_next(it)) {
        const char *pool = pool_name_of_backend(map_value(it));
        if (pool == NULL)
            continue;
        cluster_row_begin(w);
        tns_put_str(w->out, pool);
        cluster_row_end(w);
    }
}

struct seeing {
    struct dashboard *dashboard;
    const char *node;
    uint64_t now_ms;
};

static void see_worker(void *arg, const struct pool_worker *w)
{
    struct seeing *s = arg;
    struct worker_seen seen = {
        .pid = w->pid, .capacity = w->capacity, .in_flight = w->in_flight, .leaving = w->leaving};
    snprintf(seen.pool, sizeof seen.pool, "%.64s", pool_name_of(w));
    snprintf(seen.node, sizeof seen.node, "%.64s", s->node);
    snprintf(seen.uuid, sizeof seen.uuid, "%s", w->uuid);
    snprintf(seen.name, sizeof seen.name, "%s", w->name);
    snprintf(seen.host, sizeof seen.host, "%s", w->host);
    worker_watch_see(&s->dashboard->workers, &seen, s->now_ms);
}

static void see_workers(struct dashboard *d, uint64_t now_ms)
{
    char node[WORKER_WORD_MAX];
    snprintf(node, sizeof node, "%.64s", row_str(d->worker->snapshot->server, SERVER_NAME));
    struct seeing s = {d, node, now_ms};
    pool_port_each(d->worker->backends, see_worker, &s);
    worker_watch_node_done(&d->workers, slice_str(node), now_ms);
}

/* What was written is read again: the page takes tables as the protocol brings them. */
static const struct cluster_table *read_table(struct cluster_reply *out, const struct buf *b,
                                              struct arena *a)
{
    struct error e;
    return !b->failed && cluster_reply_decode(out, buf_slice(b), b->len, a, &e) == 0 ? &out->table
                                                                                     : NULL;
}

static void show_own(struct dashboard *d, const char *problem)
{
    static const char *const pool_headers[] = {"pool", NULL};
    struct worker *w = d->worker;
    struct buf nodes = BUF_INIT, pools = BUF_INIT, content = BUF_INIT;
    struct cluster_reply node_reply, pool_reply;
    struct cluster_table_writer t;
    struct arena a;
    char who[128];
    snprintf(who, sizeof who, "server %.100s", row_str(w->snapshot->server, SERVER_NAME));
    arena_init(&a, 0);
    cluster_table_begin(&t, &nodes, 0, NULL, node_headers);
    put_node(&t, w);
    cluster_table_end(&t);
    cluster_table_begin(&t, &pools, 0, NULL, pool_headers);
    put_pools(&t, w->backends);
    cluster_table_end(&t);
    struct page_view v = {
        .who = who,
        .problem = problem,
        .is_alone = true,
        .head = (int64_t)w->snapshot->version,
        .nodes = read_table(&node_reply, &nodes, &a),
        .pools = read_table(&pool_reply, &pools, &a),
        .workers = &d->workers,
        .config = w->snapshot->model,
        .history = &d->history,
        .now_ms = clock_wall_ms(),
        .tick_ms = loop_now_ms(&w->loop),
    };
    see_workers(d, v.tick_ms);
    page_put(&content, &v);
    if (!content.failed)
        show(d, buf_slice(&content));
    buf_fini(&nodes);
    buf_fini(&pools);
    buf_fini(&content);
    arena_fini(&a);
}

/* ---- asking ------------------------------------------------------------------------------- */

static void show_without_cluster(struct dashboard *d, const struct error *e)
{
    char problem[sizeof e->text + 64];
    snprintf(problem, sizeof problem, "no coordinator answers, so this is about one node alone: %s",
             e->text);
    show_own(d, problem);
}

static void on_fetched(void *arg, struct slice content, const struct error *e)
{
    struct dashboard *d = arg;
    d->is_fetching = false;
    if (e == NULL)
        show(d, content);
    else
        show_without_cluster(d, e);
}

static void renew(struct dashboard *d)
{
    const struct dashboard_source *source = d->worker->dashboard_source;
    struct error e;
    if (source == NULL) {
        show_own(d, NULL);
    } else if (!d->is_fetching) {
        d->is_fetching = true;
        if (source->fetch(source->arg, on_fetched, d, &e) == 0)
            return;
        d->is_fetching = false;
        show_without_cluster(d, &e);
    }
}

/* ---- time --------------------------------------------------------------------------------- */

static uint32_t p99_since(const struct histogram *now, struct histogram *before)
{
    struct histogram d = {.count = now->count - before->count};
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        d.buckets[i] = now->buckets[i] - before->buckets[i];
    *before = *now;
    return (uint32_t)histogram_quantile(&d, 0.99);
}

static void gather(struct dashboard *d)
{
    const struct counters *c = &d->worker->counters;
    struct history_second s = {.requests = (uint32_t)(c->requests - d->requests),
                               .errors = (uint32_t)(c->responses_5xx - d->errors),
                               .p99_us = p99_since(&c->latency, &d->latency),
                               .connections = (uint32_t)d->worker->conns.count};
    d->requests = c->requests;
    d->errors = c->responses_5xx;
    history_add(&d->history, clock_wall_ms(), &s);
}

static void on_renewal(struct loop_task *t)
{
    struct dashboard *d = container_of(t, struct dashboard, renewal);
    if (d->viewer_count > 0)
        renew(d);
}

/* Browsers come again at once, to another node when this one drains. */
static void end_streams(struct dashboard *d)
{
    list_for_each_safe (it, &d->viewers) {
        struct viewer *v = container_of(it, struct viewer, link);
        if (v->is_streaming)
            reply_end(v->exchange);
    }
}

static void on_tick(struct ev_loop *ev, ev_timer *t, int revents)
{
    struct dashboard *d = container_of(t, struct dashboard, tick);
    (void)ev, (void)revents;
    gather(d);
    if (d->viewer_count > 0)
        renew(d);
    if (d->worker->draining)
        end_streams(d);
}

/* ---- requests ----------------------------------------------------------------------------- */

static bool wants_stream(const struct request_head *h)
{
    const struct http_field *accept = field_list_find(&h->fields, SLICE("Accept"));
    return accept != NULL && fields_has_token(accept->value, SLICE("text/event-stream"));
}

void dashboard_answer(struct exchange *x)
{
    struct dashboard *d = x->worker->dashboard;
    struct viewer *v = d->viewer_count < VIEWERS_MAX ? arena_zalloc(&x->arena, sizeof *v) : NULL;
    if (v == NULL) {
        reply_error(x, 503, SLICE("Retry-After: 10\r\n"));
        return;
    }
    v->exchange = x;
    v->is_streaming = wants_stream(x->head);
    x->state = v;
    list_push_back(&d->viewers, &v->link);
    d->viewer_count++;
    exchange_detach(x);
    if (v->is_streaming) {
        reply_begin(x, 200, SLICE(PAGE_EVENT_FIELDS), REPLY_LENGTH_UNKNOWN);
        if (x->is_head) {
            reply_end(x);
            return;
        }
    }
    loop_at_turn_end(&x->worker->loop, &d->renewal);
}

void dashboard_release(struct exchange *x)
{
    struct viewer *v = x->state;
    if (v == NULL)
        return;
    list_remove(&v->link);
    x->worker->dashboard->viewer_count--;
    x->state = NULL;
}

/* ---- life --------------------------------------------------------------------------------- */

int dashboard_open(struct worker *w, struct error *e)
{
    if (w->dashboard != NULL)
        return 0;
    struct dashboard *d = calloc(1, sizeof *d);
    if (d == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    d->worker = w;
    list_init(&d->viewers);
    worker_watch_init(&d->workers);
    loop_task_init(&d->renewal, on_renewal);
    ev_timer_init(&d->tick, on_tick, 1.0, 1.0);
    ev_timer_start(w->loop.ev, &d->tick);
    w->dashboard = d;
    return 0;
}

void dashboard_destroy(struct dashboard *d)
{
    if (d == NULL)
        return;
    ev_timer_stop(d->worker->loop.ev, &d->tick);
    loop_task_cancel(&d->renewal);
    worker_watch_fini(&d->workers);
    free(d);
}
