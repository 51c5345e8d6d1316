/* Lines: a path first, then routes. What is found must agree with the path, up to the shorter of
 * both; the same lines as hosts and a name, in both modes, must be found or fall back. */
// links: m2_route
#include "proto/route/host_table.h"
#include "proto/route/route_table.h"

#include <stdint.h>

#define ROWS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_routes(struct slice path, const struct slice *lines, size_t count, struct arena *a)
{
    struct route_row rows[ROWS_MAX];
    struct route_table *t;
    struct route_hit hit;
    for (size_t i = 0; i < count; i++)
        rows[i] = (struct route_row){lines[i], &rows[i]};
    if (route_table_build(&t, rows, count, a, NULL) != 0 || !route_table_find(t, path, &hit))
        return;
    size_t len = path.len < hit.prefix_len ? path.len : hit.prefix_len;
    BUG_ON(len == 0 || hit.row >= count || hit.target != &rows[hit.row]);
    BUG_ON(!slice_eq(hit.route, lines[hit.row]));
    BUG_ON(memcmp(hit.route.ptr, path.ptr, len) != 0);
}

static void try_hosts(struct slice name, const struct slice *lines, size_t count, struct arena *a,
                      enum host_matching mode)
{
    struct host_row rows[ROWS_MAX];
    struct host_table *t;
    for (size_t i = 0; i < count; i++)
        rows[i] = (struct host_row){lines[i], &rows[i]};
    if (host_table_build(&t, rows, count, NULL, mode, a, NULL) != 0)
        return;
    struct host_row *found = host_table_find(t, name);
    BUG_ON(found != NULL && (found < rows || found >= rows + count));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = slice_of(data, size), lines[ROWS_MAX + 1];
    size_t count = 0;
    while (rest.len > 0 && count <= ROWS_MAX) {
        size_t len = slice_find(rest, '\n');
        lines[count++] = slice_of(rest.ptr, len);
        rest = slice_from(rest, len < rest.len ? len + 1 : len);
    }
    if (count == 0)
        return 0;
    struct arena a;
    arena_init(&a, 0);
    try_routes(lines[0], lines + 1, count - 1, &a);
    try_hosts(lines[0], lines + 1, count - 1, &a, HOST_MATCHING_LABELS);
    try_hosts(lines[0], lines + 1, count - 1, &a, HOST_MATCHING_UPSTREAM);
    arena_fini(&a);
    return 0;
}
