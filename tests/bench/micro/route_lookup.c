/* What a route lookup costs with 10, 10,000 and 100,000 routes, plain and patterned, and what the
 * table takes. The paths asked for are spread over the whole table ("spread") or always the same
 * few
 * ("hot"): the difference is the cache, not the algorithm. */
#include "proto/base/clock.h"
#include "proto/route/route_table.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#define LOOKUPS 4000000
#define HOT     16

/* Neighbours among the paths are far apart in the table. */
static size_t route_text(char *out, size_t i, size_t count, bool patterned)
{
    i = i * 7919 % count; /* a prime that divides no count used here */
    return (size_t)snprintf(out, 64, "/api/v%zu/service-%zu/%s", i % 3, i,
                            patterned ? "([0-9]+)/(.*)$" : "items");
}

static void measure(const struct route_table *t, char (*paths)[64], const size_t *lens,
                    size_t count, const char *name)
{
    struct route_hit hit;
    size_t found = 0, at = 0;
    uint64_t start = clock_monotonic_us();
    for (size_t i = 0; i < LOOKUPS; i++) {
        found += route_table_find(t, slice_of(paths[at], lens[at]), &hit);
        at = at + 1 < count ? at + 1 : 0;
    }
    uint64_t us = clock_monotonic_us() - start;
    if (found != LOOKUPS)
        printf("only %zu of %d were found\n", found, LOOKUPS);
    printf("  %-6s %7.1f ns", name, 1000.0 * (double)us / LOOKUPS);
}

static void run(size_t count, bool patterned)
{
    struct route_row *rows = calloc(count, sizeof *rows);
    char(*texts)[64] = calloc(count, sizeof *texts), (*paths)[64] = calloc(count, sizeof *paths);
    size_t *lens = calloc(count, sizeof *lens);
    if (rows == NULL || texts == NULL || paths == NULL || lens == NULL)
        exit(1);
    for (size_t i = 0; i < count; i++) {
        rows[i].route = slice_of(texts[i], route_text(texts[i], i, count, patterned));
        int prefix = (int)slice_find(rows[i].route, '(');
        lens[i] = (size_t)snprintf(paths[i], 64, "%.*s%s", prefix, texts[i],
                                   patterned ? "12345/edit" : "/12345/edit");
    }
    struct arena a;
    struct route_table *t;
    arena_init(&a, 1 << 16);
    size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    uint64_t start = clock_monotonic_us();
    if (route_table_build(&t, rows, count, &a, NULL) != 0)
        exit(1);
    uint64_t us = clock_monotonic_us() - start;
    size_t bytes = mallinfo2().uordblks + mallinfo2().hblkhd - before;
    printf("%7zu %-9s", count, patterned ? "patterned" : "plain");
    measure(t, paths, lens, count < HOT ? count : HOT, "hot");
    measure(t, paths, lens, count, "spread");
    printf("  build %8.2f ms  %5.0f bytes a route\n", (double)us / 1000,
           (double)bytes / (double)count);
    arena_fini(&a);
    free(lens);
    free(paths);
    free(texts);
    free(rows);
}

int main(void)
{
    static const size_t counts[] = {10, 10000, 100000};
    for (int patterned = 0; patterned < 2; patterned++)
        for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
            run(counts[i], patterned != 0);
    return 0;
}
