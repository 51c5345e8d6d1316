#include "proto/route/route_explain.h"

#include "proto/route/route_table.h"

#include <string.h>

static int out_of_memory(struct error *e)
{
    return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
}

int route_explain_path(struct route_explanation *out, struct slice route, struct slice path,
                       struct arena *a, struct error *e)
{
    struct route_table *t;
    struct route_row row = {.route = route};
    struct route_hit hit;
    if (route_table_build(&t, &row, 1, a, e) != 0)
        return -1;
    struct slice pattern;
    out->matches = route_table_find(t, path, &hit);
    out->pattern = arena_slice(a, route);
    if (out->pattern.ptr == NULL)
        return out_of_memory(e);
    route_split(out->pattern, &out->prefix, &pattern);
    return 0;
}

int route_explain_host(struct route_explanation *out, struct slice matching, struct slice name,
                       enum host_matching mode, struct arena *a, struct error *e)
{
    struct host_table *t;
    char hit;
    struct host_row row = {.matching = matching, .target = &hit};
    if (host_table_build(&t, &row, 1, NULL, mode, a, e) != 0)
        return -1;
    struct slice pattern, suffix;
    host_split(matching, &pattern, &suffix);
    char *shown = arena_alloc(a, matching.len + 1); /* room for the `$` */
    char *reversed = arena_alloc(a, suffix.len + 1);
    if (shown == NULL || reversed == NULL)
        return out_of_memory(e);
    if (matching.len > 0)
        memcpy(shown, matching.ptr, matching.len);
    for (size_t i = 0; i < suffix.len; i++)
        reversed[i] = suffix.ptr[suffix.len - 1 - i];
    out->matches = host_table_find(t, name) != NULL;
    out->prefix = slice_of(reversed, suffix.len);
    out->pattern = slice_of(shown, matching.len);
    if (pattern.len > 0) {
        shown[pattern.len] = '$';
        out->pattern.len = pattern.len + 1;
    }
    return 0;
}
