/* Gauges are read from the objects when asked, never kept twice. */

#include "node/exchange/report.h"

#include "node/backend/backend.h"
#include "node/backend/upstream.h"
#include "node/conf/snapshot.h"
#include "node/deliver/channels.h"
#include "node/stats/metrics.h"
#include "proto/wire/json.h"

#include <stdlib.h>

struct figure {
    const char *name;
    const char *help;
    const char *type;
    size_t offset;
};

#define FIGURE(field, type, help)                                              \
    {                                                                          \
        "backend_" #field, help, type, offsetof(struct backend_figures, field) \
    }
static const struct figure figures[] = {
    FIGURE(requests, "counter", "Requests handed to this handler or pool"),
    FIGURE(replies, "counter", "Reply messages from it"),
    FIGURE(paused, "gauge", "1 while it is paused by order"),
    FIGURE(queued_now, "gauge", "Requests waiting in the node for it"),
    FIGURE(in_flight, "gauge", "Requests held by its workers"),
    FIGURE(workers, "gauge", "Workers connected"),
    FIGURE(credit, "gauge", "Requests its workers have said they have room for"),
    FIGURE(retried, "counter", "Requests given to another worker"),
    FIGURE(lost, "counter", "Requests that died with a worker"),
    FIGURE(refused, "counter", "Requests refused because the queue was full"),
    FIGURE(timed_out, "counter", "Requests that waited or worked too long"),
};
#define UPSTREAM_FIGURE(field, type, help)                                              \
    {                                                                                   \
        "upstream_server_" #field, help, type, offsetof(struct upstream_figures, field) \
    }
static const struct figure upstream_figure_table[] = {
    UPSTREAM_FIGURE(requests, "counter", "Requests proxied to this upstream, repetitions included"),
    UPSTREAM_FIGURE(connects, "counter", "Connections opened to it"),
    UPSTREAM_FIGURE(errors, "counter", "Connections that failed or broke under a request"),
    UPSTREAM_FIGURE(active, "gauge", "Requests in progress there"),
    UPSTREAM_FIGURE(idle, "gauge", "Connections kept for the next request"),
    UPSTREAM_FIGURE(avoided, "gauge",
                    "1 while others are preferred because it could not be reached"),
    UPSTREAM_FIGURE(checks, "counter", "Health checks of it that were made"),
    UPSTREAM_FIGURE(checks_failed, "counter", "Health checks that it failed"),
    UPSTREAM_FIGURE(down, "gauge", "Health checks by which it is down"),
};
enum { UPSTREAM_FIGURE_COUNT = sizeof upstream_figure_table / sizeof upstream_figure_table[0] };

enum { FIGURE_COUNT = sizeof figures / sizeof figures[0], GAUGES = 7 };

static uint64_t figure_value(const struct backend *b, size_t i)
{
    return *(const uint64_t *)(const void *)((const char *)&b->figures + figures[i].offset);
}

static uint64_t upstream_value(const struct upstream *u, size_t i)
{
    struct upstream_figures f = upstream_figures(u);
    return *(const uint64_t *)(const void *)((const char *)&f + upstream_figure_table[i].offset);
}

static size_t put_upstreams(const struct worker *w, struct metric *m)
{
    size_t count = 0;
    for (size_t i = 0; i < UPSTREAM_FIGURE_COUNT; i++) {
        const struct figure *f = &upstream_figure_table[i];
        for (struct map_entry *it = map_first(&w->upstreams->by_name); it != NULL;
             it = map_next(it)) {
            const struct upstream *u = map_value(it);
            m[count++] = (struct metric){f->name,
                                         f->help,
                                         f->type,
                                         "upstream",
                                         slice_str(u->name),
                                         (double)upstream_value(u, i)};
        }
    }
    return count;
}

static size_t put_gauges(const struct worker *w, struct metric *m)
{
    m[0] = (struct metric){
        .name = "connections", .help = "Client connections open", .value = (double)w->conns.count};
    m[1] = (struct metric){.name = "output_bytes",
                           .help = "Bytes waiting to be written to clients",
                           .value = (double)w->conns.out_memory.bytes};
    m[2] = (struct metric){
        .name = "exchanges", .help = "Requests in flight", .value = (double)w->exchanges.in_use};
    m[3] = (struct metric){.name = "config_version",
                           .help = "Version of the commit that is served",
                           .value = w->snapshot != NULL ? (double)w->snapshot->version : 0};
    m[4] = (struct metric){
        .name = "draining", .help = "1 while the node drains", .value = w->draining};
    m[5] = (struct metric){.name = "channels",
                           .help = "Channels that have members",
                           .value = (double)map_count(&w->channels->by_name)};
    m[6] = (struct metric){.name = "channel_members",
                           .help = "Connections in channels, counted once in each",
                           .value = (double)w->channels->members};
    for (size_t i = 0; i < GAUGES; i++)
        m[i].type = "gauge";
    return GAUGES;
}

void report_metrics(struct worker *w, struct buf *out)
{
    size_t backends = map_count(&w->backends->by_name), count;
    size_t upstreams = map_count(&w->upstreams->by_name);
    struct metric *metrics = calloc(
        GAUGES + backends * FIGURE_COUNT + upstreams * UPSTREAM_FIGURE_COUNT, sizeof *metrics);
    if (metrics == NULL) {
        out->failed = true;
        return;
    }
    count = put_gauges(w, metrics);
    for (size_t i = 0; i < FIGURE_COUNT; i++) {
        for (struct map_entry *it = map_first(&w->backends->by_name); it != NULL;
             it = map_next(it)) {
            const struct backend *b = map_value(it);
            metrics[count++] = (struct metric){figures[i].name,    figures[i].help,
                                               figures[i].type,    "backend",
                                               slice_str(b->name), (double)figure_value(b, i)};
        }
    }
    count += put_upstreams(w, metrics + count);
    metrics_prometheus(out, &w->counters, metrics, count);
    free(metrics);
}

static void put_backend_json(const struct backend *b, struct buf *out)
{
    buf_append_str(out, "{\"name\":");
    json_put_string(out, slice_str(b->name));
    buf_printf(out, ",\"kind\":\"%s\"", b->ops->kind);
    for (size_t i = 0; i < FIGURE_COUNT; i++)
        buf_printf(out, ",\"%s\":%llu", figures[i].name + sizeof "backend_" - 1,
                   (unsigned long long)figure_value(b, i));
    buf_append_char(out, '}');
}

static void put_upstream_json(const struct upstream *u, struct buf *out)
{
    buf_append_str(out, "{\"name\":");
    json_put_string(out, slice_str(u->name));
    for (size_t i = 0; i < UPSTREAM_FIGURE_COUNT; i++)
        buf_printf(out, ",\"%s\":%llu",
                   upstream_figure_table[i].name + sizeof "upstream_server_" - 1,
                   (unsigned long long)upstream_value(u, i));
    buf_append_char(out, '}');
}

void report_json(struct worker *w, struct buf *out)
{
    const struct snapshot *s = w->snapshot;
    buf_printf(out, "{\"version\":\"" M2_VERSION "\",\"uuid\":\"%s\",\"draining\":%s,", w->uuid,
               w->draining ? "true" : "false");
    buf_printf(out, "\"config\":{\"version\":%llu,\"hash\":\"%s\"},",
               s != NULL ? (unsigned long long)s->version : 0, s != NULL ? s->hash : "");
    buf_printf(out, "\"connections\":%zu,\"exchanges\":%zu,\"output_bytes\":%llu,\"counters\":{",
               w->conns.count, w->exchanges.in_use, (unsigned long long)w->conns.out_memory.bytes);
    metrics_json_members(out, &w->counters);
    buf_append_str(out, "},\"backends\":[");
    for (struct map_entry *it = map_first(&w->backends->by_name); it != NULL; it = map_next(it)) {
        if (it != map_first(&w->backends->by_name))
            buf_append_char(out, ',');
        put_backend_json(map_value(it), out);
    }
    buf_append_str(out, "],\"upstreams\":[");
    for (struct map_entry *it = map_first(&w->upstreams->by_name); it != NULL; it = map_next(it)) {
        if (it != map_first(&w->upstreams->by_name))
            buf_append_char(out, ',');
        put_upstream_json(map_value(it), out);
    }
    buf_append_str(out, "]}\n");
}
