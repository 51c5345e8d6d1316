/* Nodes are taken in the order of their names: which they are can be foreseen, and the same ones
 * serve again, so that "before" is theirs. */

#include "coordinator/canary.h"

#include "proto/model/commit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- which -------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    const struct member *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

/* The live members, sorted; NULL when out of memory. The caller frees it. */
static const struct member **live_members(const struct members *ms, size_t *count)
{
    const struct member **list = calloc(map_count(&ms->by_uuid) + 1, sizeof *list);
    *count = 0;
    if (list == NULL)
        return NULL;
    for (struct map_entry *it = map_first(&ms->by_uuid); it != NULL; it = map_next(it))
        if (member_is_live(member_of(it)))
            list[(*count)++] = member_of(it);
    qsort(list, *count, sizeof *list, by_name);
    return list;
}

static bool is_blank(char c)
{
    return c == ' ' || c == ',' || c == '\t';
}

static struct slice next_word(struct slice *rest)
{
    size_t from = 0, to;
    while (from < rest->len && is_blank(rest->ptr[from]))
        from++;
    for (to = from; to < rest->len && !is_blank(rest->ptr[to]);)
        to++;
    struct slice word = slice_of(rest->ptr + from, to - from);
    *rest = slice_from(*rest, to);
    return word;
}

/* "N" or "N%" as a number of `total` nodes, a begun one counting; -1: it is no number. */
static long count_of(struct slice wanted, size_t total)
{
    unsigned long n = 0;
    size_t i = 0;
    for (; i < wanted.len && i < 9 && wanted.ptr[i] >= '0' && wanted.ptr[i] <= '9'; i++)
        n = n * 10 + (unsigned long)(wanted.ptr[i] - '0');
    if (i > 0 && i == wanted.len)
        return (long)n;
    if (i > 0 && i + 1 == wanted.len && wanted.ptr[i] == '%')
        return (long)((n * total + 99) / 100);
    return -1;
}

static void add_name(struct buf *scope, struct slice name)
{
    if (scope->len > 0)
        buf_append_char(scope, ' ');
    buf_append_slice(scope, name);
}

static int choose_names(const struct member **live, size_t count, struct slice wanted,
                        struct buf *scope, size_t *chosen, struct error *e)
{
    for (struct slice word; (word = next_word(&wanted)).len > 0;) {
        size_t i = 0;
        while (i < count && !slice_eq(slice_str(live[i]->name), word))
            i++;
        if (i == count)
            return error_set(e, ERROR_NOT_FOUND, "There is no live node \"%.*s\"; see m2sh nodes.",
                             SLICE_ARG(word));
        if (commit_is_meant_for(buf_slice(scope), word))
            continue;
        add_name(scope, word);
        ++*chosen;
    }
    return 0;
}

static int choose(const struct member **live, size_t count, struct slice wanted, struct buf *scope,
                  struct error *e)
{
    size_t chosen = 0;
    long n = count_of(wanted, count);
    if (n < 0) {
        if (choose_names(live, count, wanted, scope, &chosen, e) != 0)
            return -1;
    } else {
        for (; chosen < (size_t)n && chosen < count; chosen++)
            add_name(scope, slice_str(live[chosen]->name));
    }
    if (chosen == 0)
        return error_set(e, ERROR_USAGE, "A canary needs a node: a count, a share or names.");
    if (chosen == count)
        return error_set(e, ERROR_USAGE,
                         "All %zu live nodes would be the canary; push without one.", count);
    return scope->failed ? error_set(e, ERROR_NO_MEMORY, "Out of memory.") : 0;
}

int canary_choose(const struct members *ms, struct slice wanted, struct buf *scope, struct error *e)
{
    size_t count;
    const struct member **live = live_members(ms, &count);
    if (live == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    int result = choose(live, count, wanted, scope, e);
    free(live);
    return result;
}

const char *canary_lost(const struct members *ms, struct slice scope, char name[256])
{
    while (scope.len > 0) {
        size_t len = slice_find(scope, ' ');
        struct slice node = slice_of(scope.ptr, len);
        const struct member *m = members_find(ms, node);
        if (m == NULL || !member_is_live(m)) {
            snprintf(name, 256, "%.*s", SLICE_ARG(node));
            return name;
        }
        scope = slice_from(scope, len < scope.len ? len + 1 : len);
    }
    return NULL;
}

/* ---- how ---------------------------------------------------------------------------------- */

static double p99_ms(const struct effect_figures *f)
{
    return (double)histogram_quantile(&f->work.latency, 0.99) / 1000;
}

static enum canary_judgement judge_latency(const struct effect_figures *before,
                                           const struct effect_figures *after,
                                           char why[EFFECT_TEXT_MAX])
{
    double was = p99_ms(before), is = p99_ms(after);
    double bound = was * CANARY_P99_FACTOR + CANARY_P99_MS;
    if (before->work.requests < CANARY_SAMPLE || is <= bound)
        return CANARY_GOOD;
    snprintf(why, EFFECT_TEXT_MAX, "Its p99 is %.1f ms, it was %.1f ms; %.1f ms are allowed.", is,
             was, bound);
    return CANARY_WORSE;
}

enum canary_judgement canary_judge(const struct effect_figures *before,
                                   const struct effect_figures *after, char why[EFFECT_TEXT_MAX])
{
    double was = effect_error_percent(&before->work), is = effect_error_percent(&after->work);
    if (after->restarts > 0) {
        snprintf(why, EFFECT_TEXT_MAX, "A node of it was restarted.");
        return CANARY_WORSE;
    }
    if (after->work.requests < CANARY_SAMPLE) {
        snprintf(why, EFFECT_TEXT_MAX, "%llu requests are too few to judge it; it takes %d.",
                 (unsigned long long)after->work.requests, CANARY_SAMPLE);
        return CANARY_UNKNOWN;
    }
    if (is > was + CANARY_ERROR_POINTS) {
        snprintf(why, EFFECT_TEXT_MAX, "%.2f%% of its requests fail, before it were %.2f%%.", is,
                 was);
        return CANARY_WORSE;
    }
    snprintf(why, EFFECT_TEXT_MAX, "It does as well as before.");
    return judge_latency(before, after, why);
}
