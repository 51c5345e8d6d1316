/* The routes of one prefix lie side by side in the order in which they are tried, which is settled
 * when the table is built:
 *
 *   - a plain route that came first: it alone, it takes everything;
 *   - otherwise the patterned ones as upstream tries them (the first, then from the last back to
 * the second), then the first plain one. */

#include "proto/route/route_table.h"

#include "proto/route/pattern.h"
#include "proto/route/trie.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    void *target;
    const struct pattern *pattern; /* NULL: plain */
    uint32_t text;                 /* offset of the route in `texts` */
    uint32_t len;
    uint32_t prefix_len;
    uint32_t row;
};

struct route_table {
    struct trie trie;            /* of the prefixes */
    const struct entry *entries; /* in the order of the tree, then of trial */
    const char *texts;           /* all routes, end to end */
};

void route_split(struct slice route, struct slice *prefix, struct slice *pattern)
{
    size_t cut = slice_find(route, '(');
    *prefix = slice_of(route.ptr, cut);
    *pattern = slice_from(route, cut);
}

int route_check(struct slice route, struct error *e)
{
    return pattern_check(route, slice_find(route, '('), e);
}

/* Copies the rows' texts into one block and cuts them; fills entries and keys in the rows' order.
 */
static int copy_rows(struct route_table *t, struct entry *entries, struct slice *keys,
                     const struct route_row *rows, size_t count, struct arena *a, struct error *e)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += rows[i].route.len;
    if (count > TRIE_KEYS_MAX || size > UINT32_MAX)
        return error_set(e, ERROR_TOO_LARGE, "A host cannot have %zu routes of %zu bytes.", count,
                         size);
    char *texts = arena_alloc(a, size + 1);
    if (texts == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory for %zu routes.", count);
    t->texts = texts;
    uint32_t at = 0;
    for (size_t i = 0; i < count; i++) {
        struct slice route = rows[i].route, pattern;
        if (route.len > 0)
            memcpy(texts + at, route.ptr, route.len);
        route.ptr = texts + at;
        route_split(route, &keys[i], &pattern);
        entries[i] = (struct entry){.target = rows[i].target,
                                    .text = at,
                                    .len = (uint32_t)route.len,
                                    .prefix_len = (uint32_t)keys[i].len,
                                    .row = (uint32_t)i};
        if (pattern.len > 0 &&
            pattern_compile(&entries[i].pattern, route, keys[i].len, 0, a, e) != 0)
            return -1;
        at += (uint32_t)route.len;
    }
    return 0;
}

/* Arranges one prefix's entries, which stand in the rows' order, into the order of trial. Returns
 * how many of them can be reached. */
static uint32_t arrange(struct entry *entries, uint32_t count)
{
    if (count == 1 || entries[0].pattern == NULL)
        return 1;
    /* the second to the last, backwards: the patterned ones to the front, then the first plain */
    for (uint32_t i = 1, j = count - 1; i < j; i++, j--) {
        struct entry swap = entries[i];
        entries[i] = entries[j];
        entries[j] = swap;
    }
    uint32_t patterned = 1;
    struct entry plain = {0};
    bool has_plain = false;
    for (uint32_t i = 1; i < count; i++)
        if (entries[i].pattern != NULL) {
            entries[patterned++] = entries[i];
        } else {
            plain = entries[i]; /* what stays is the last seen, which was the first given */
            has_plain = true;
        }
    if (has_plain)
        entries[patterned] = plain;
    return patterned + has_plain;
}

/* Puts the entries into the tree's order and, node by node, into the order of trial. */
static int place_entries(struct route_table *t, const uint32_t *order, const struct entry *rows,
                         size_t count, struct arena *a)
{
    struct trie_node *nodes = t->trie.nodes;
    struct entry *entries = arena_alloc(a, (count + 1) * sizeof *entries);
    if (entries == NULL)
        return -1;
    for (size_t i = 0; i < count; i++)
        entries[i] = rows[order[i]];
    for (uint32_t n = 0; n < t->trie.node_count; n++)
        if (nodes[n].count > 0)
            nodes[n].count = arrange(entries + nodes[n].first, nodes[n].count);
    t->entries = entries;
    return 0;
}

int route_table_build(struct route_table **out, const struct route_row *rows, size_t count,
                      struct arena *a, struct error *e)
{
    *out = NULL;
    struct route_table *t = arena_zalloc(a, sizeof *t);
    struct entry *entries = malloc((count + 1) * sizeof *entries);
    struct slice *keys = malloc((count + 1) * sizeof *keys);
    uint32_t *order = malloc((count + 1) * sizeof *order);
    int result = -1;
    if (t == NULL || entries == NULL || keys == NULL || order == NULL)
        error_set(e, ERROR_NO_MEMORY, "Out of memory for %zu routes.", count);
    else if (copy_rows(t, entries, keys, rows, count, a, e) != 0)
        ; /* said */
    else if (trie_build(&t->trie, keys, (uint32_t)count, order, a) != 0 ||
             place_entries(t, order, entries, count, a) != 0)
        error_set(e, ERROR_NO_MEMORY, "Out of memory for %zu routes.", count);
    else
        result = 0;
    free(order);
    free(keys);
    free(entries);
    if (result == 0)
        *out = t;
    return result;
}

bool route_table_find(const struct route_table *t, struct slice path, struct route_hit *hit)
{
    const struct trie_node *node = trie_candidate(&t->trie, path);
    if (node == NULL)
        return false;
    for (const struct entry *entry = t->entries + node->first, *end = entry + node->count;
         entry < end; entry++) {
        bool fits = entry->pattern == NULL ||
                    (path.len >= entry->prefix_len &&
                     pattern_matches(entry->pattern, slice_from(path, entry->prefix_len)));
        if (fits) {
            *hit = (struct route_hit){entry->target, slice_of(t->texts + entry->text, entry->len),
                                      entry->prefix_len, entry->row};
            return true;
        }
    }
    return false;
}
