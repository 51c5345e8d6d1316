/* The figures of the nodes are added up: a histogram of all answers, not a mean of quantiles. */

#include "coordinator/effect.h"

#include "proto/model/commit.h"

#include <stdio.h>
#include <string.h>

static void add(struct member_work *into, const struct member_work *from)
{
    into->requests += from->requests;
    into->errors += from->errors;
    histogram_merge(&into->latency, &from->latency);
}

static bool is_meant(const struct member *m, struct slice scope)
{
    return commit_is_meant_for(scope, slice_str(m->name));
}

void effect_begin(struct effect *x, struct members *ms, uint64_t version, struct slice scope,
                  uint64_t now_ms)
{
    memset(x, 0, sizeof *x);
    x->version = version;
    x->begun_ms = now_ms;
    for (struct map_entry *it = map_first(&ms->by_uuid); it != NULL; it = map_next(it)) {
        struct member *m = member_of(it);
        if (!is_meant(m, scope))
            continue;
        add(&x->before.work, &m->recent[0]);
        add(&x->before.work, &m->recent[1]);
        member_mark(m);
    }
}

void effect_after(const struct members *ms, struct slice scope, struct effect_figures *out)
{
    memset(out, 0, sizeof *out);
    for (struct map_entry *it = map_first(&ms->by_uuid); it != NULL; it = map_next(it)) {
        const struct member *m = member_of(it);
        if (!is_meant(m, scope))
            continue;
        add(&out->work, &m->since);
        out->restarts += m->restarts - m->restarts_then;
    }
}

double effect_error_percent(const struct member_work *w)
{
    return w->requests > 0 ? 100.0 * (double)w->errors / (double)w->requests : 0.0;
}

static double quantile_ms(const struct effect_figures *f, double q)
{
    return (double)histogram_quantile(&f->work.latency, q) / 1000;
}

void effect_text(const struct effect_figures *before, const struct effect_figures *after,
                 uint64_t ms, char out[EFFECT_TEXT_MAX])
{
    int len = snprintf(out, EFFECT_TEXT_MAX,
                       "%llu s: %llu requests, %.2f%% errors (before %.2f%%), p50 %.2f ms (%.2f), "
                       "p99 %.2f ms (%.2f)",
                       (unsigned long long)(ms + 500) / 1000,
                       (unsigned long long)after->work.requests, effect_error_percent(&after->work),
                       effect_error_percent(&before->work), quantile_ms(after, 0.5),
                       quantile_ms(before, 0.5), quantile_ms(after, 0.99),
                       quantile_ms(before, 0.99));
    if (after->restarts > 0 && len < EFFECT_TEXT_MAX)
        snprintf(out + len, EFFECT_TEXT_MAX - (size_t)len, ", %u restart%s", after->restarts,
                 after->restarts == 1 ? "" : "s");
}
