/* Histogram bounds for Prometheus are few and round; the internal ones are 16 per power of two. */

#include "node/stats/metrics.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define PREFIX "mongrel2_"

static const uint64_t bounds_us[] = {100,     250,     500,     1000,    2500,   5000,
                                     10000,   25000,   50000,   100000,  250000, 500000,
                                     1000000, 2500000, 5000000, 10000000};

static uint64_t counter_value(const struct counters *c, size_t i)
{
    return *(const uint64_t *)(const void *)((const char *)c + counter_table[i].offset);
}

static void put_head(struct buf *out, const char *name, const char *help, const char *type)
{
    buf_printf(out, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n", name, help, name, type);
}

static void put_latency(struct buf *out, const struct histogram *h)
{
    put_head(out, "request_duration_seconds", "From a complete head to the answer handed over",
             "histogram");
    for (size_t i = 0; i < sizeof bounds_us / sizeof bounds_us[0]; i++)
        buf_printf(out, PREFIX "request_duration_seconds_bucket{le=\"%g\"} %llu\n",
                   (double)bounds_us[i] / 1e6,
                   (unsigned long long)histogram_count_to(h, bounds_us[i]));
    buf_printf(out, PREFIX "request_duration_seconds_bucket{le=\"+Inf\"} %llu\n",
               (unsigned long long)h->count);
    buf_printf(out, PREFIX "request_duration_seconds_sum %.6f\n", (double)h->sum_us / 1e6);
    buf_printf(out, PREFIX "request_duration_seconds_count %llu\n", (unsigned long long)h->count);
}

/* Label values: backslash, quote and line feed are escaped (exposition format). */
static void put_label_value(struct buf *out, struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (c == '\\' || c == '"')
            buf_append_char(out, '\\');
        if (c == '\n')
            buf_append_str(out, "\\n");
        else
            buf_append_char(out, c);
    }
}

/* Counters end in _total, as Prometheus wants it. */
static const char *ending_of(const struct metric *m)
{
    return strcmp(m->type, "counter") == 0 ? "_total" : "";
}

static void put_metric(struct buf *out, const struct metric *m)
{
    buf_printf(out, PREFIX "%s%s", m->name, ending_of(m));
    if (m->label != NULL) {
        buf_printf(out, "{%s=\"", m->label);
        put_label_value(out, m->label_value);
        buf_append_str(out, "\"}");
    }
    if (m->value == floor(m->value) && fabs(m->value) < 1e15)
        buf_printf(out, " %lld\n", (long long)m->value);
    else
        buf_printf(out, " %g\n", m->value);
}

void metrics_prometheus(struct buf *out, const struct counters *c, const struct metric *metrics,
                        size_t count)
{
    for (size_t i = 0; i < counter_count; i++) {
        char name[96];
        snprintf(name, sizeof name, "%s_total", counter_table[i].name);
        put_head(out, name, counter_table[i].help, "counter");
        buf_printf(out, PREFIX "%s %llu\n", name, (unsigned long long)counter_value(c, i));
    }
    put_latency(out, &c->latency);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || strcmp(metrics[i].name, metrics[i - 1].name) != 0) {
            char name[96];
            snprintf(name, sizeof name, "%s%s", metrics[i].name, ending_of(&metrics[i]));
            put_head(out, name, metrics[i].help, metrics[i].type);
        }
        put_metric(out, &metrics[i]);
    }
}

void metrics_json_members(struct buf *out, const struct counters *c)
{
    for (size_t i = 0; i < counter_count; i++)
        buf_printf(out, "%s\"%s\":%llu", i > 0 ? "," : "", counter_table[i].name,
                   (unsigned long long)counter_value(c, i));
    buf_printf(out, ",\"latency_us\":{\"count\":%llu,\"p50\":%llu,\"p99\":%llu}",
               (unsigned long long)c->latency.count,
               (unsigned long long)histogram_quantile(&c->latency, 0.5),
               (unsigned long long)histogram_quantile(&c->latency, 0.99));
}
