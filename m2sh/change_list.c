/* The same lines as diff_format() makes of two models. */

#include "m2sh/change_list.h"

#include "m2sh/cmd.h"

static char sign_of(struct slice change)
{
    if (slice_eq(change, SLICE("added")))
        return '+';
    return slice_eq(change, SLICE("removed")) ? '-' : '~';
}

void change_list_put(const struct cluster_table *t, size_t row, struct buf *out)
{
    buf_printf(out, "%c %.*s: %.*s\n", sign_of(cluster_table_text(t, row, "change")),
               SLICE_ARG(cluster_table_text(t, row, "object")),
               SLICE_ARG(cluster_table_text(t, row, "text")));
}

void change_list_print(const struct cluster_table *t, size_t max)
{
    struct buf out = BUF_INIT;
    size_t shown = max > 0 && t->row_count > max ? max : t->row_count;
    for (size_t row = 0; row < shown; row++)
        change_list_put(t, row, &out);
    if (shown < t->row_count)
        buf_printf(&out, "... and %zu more; m2sh diff -cluster shows all.\n", t->row_count - shown);
    cmd_print(&out);
}
