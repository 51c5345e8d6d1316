/* Sorted once and searched by halves, so that printing takes the time of a sort and not of all
 * hosts times all routes. */

#include "m2sh/lang/row_groups.h"

#include "m2sh/base/xalloc.h"

#include <stdlib.h>

struct entry {
    int64_t owner;
    size_t at;
    const struct row *row;
};

static int compare(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->owner != y->owner)
        return x->owner < y->owner ? -1 : 1;
    return x->at < y->at ? -1 : 1;
}

void row_groups_init(struct row_groups *g, const struct model *m, enum table_id table,
                     size_t column)
{
    g->count = model_count(m, table);
    g->column = column;
    g->rows = xrealloc(NULL, g->count + 1, sizeof(struct row *));
    struct entry *entries = xrealloc(NULL, g->count + 1, sizeof *entries);
    for (size_t i = 0; i < g->count; i++) {
        const struct row *row = model_row(m, table, i);
        entries[i] = (struct entry){row_int(row, column), i, row};
    }
    qsort(entries, g->count, sizeof *entries, compare);
    for (size_t i = 0; i < g->count; i++)
        g->rows[i] = entries[i].row;
    free(entries);
}

void row_groups_fini(struct row_groups *g)
{
    free(g->rows);
    g->rows = NULL;
}

/* Index of the first row whose owner is at least `id`. */
static size_t lower_bound(const struct row_groups *g, int64_t id)
{
    size_t low = 0, high = g->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (row_int(g->rows[middle], g->column) < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct row *const *row_groups_find(const struct row_groups *g, const struct row *owner,
                                         size_t *count)
{
    size_t first = lower_bound(g, row_id(owner)), end = first;
    while (end < g->count && row_int(g->rows[end], g->column) == row_id(owner))
        end++;
    *count = end - first;
    return g->rows + first;
}
