/* Suffixes are kept back to front in the same tree that routes use. The mode shows in three places:
 * how a row is brought into the tree (folded or not), which nodes of it are asked, and whether a
 * plain host has to begin at a dot. */

#include "proto/route/host_table.h"

#include "proto/route/pattern.h"
#include "proto/route/trie.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    void *target;
    const struct pattern *pattern; /* NULL: plain */
    size_t suffix_len;
};

struct host_table {
    struct trie trie; /* of the suffixes, back to front */
    const struct entry *entries;
    void *fallback;
    enum host_matching mode;
};

void host_split(struct slice matching, struct slice *pattern, struct slice *suffix)
{
    const char *last = matching.len > 0 ? memrchr(matching.ptr, ')', matching.len) : NULL;
    size_t cut = last != NULL ? (size_t)(last - matching.ptr) + 1 : 0;
    *pattern = slice_of(matching.ptr, cut);
    *suffix = slice_from(matching, cut);
}

int host_check(struct slice matching, struct error *e)
{
    struct slice pattern, suffix;
    host_split(matching, &pattern, &suffix);
    if (suffix.len > HOST_NAME_MAX_LEN) {
        char object[sizeof e->object];
        snprintf(object, sizeof object, "%.*s", SLICE_ARG(matching));
        return error_set_object(e, ERROR_INVALID, object,
                                "A host name has at most %d characters, this one has %zu.",
                                HOST_NAME_MAX_LEN, suffix.len);
    }
    return pattern_check(pattern, 0, e);
}

int host_matching_from_name(struct slice name)
{
    if (slice_eq(name, SLICE("labels")))
        return HOST_MATCHING_LABELS;
    return slice_eq(name, SLICE("upstream")) ? HOST_MATCHING_UPSTREAM : -1;
}

/* Writes `text` back to front, in lower case when `fold`. */
static void reverse(char *out, struct slice text, bool fold)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[text.len - 1 - i];
        out[i] = fold && c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
    }
}

/* Without the dot that ends a complete name and the brackets around an IPv6 address. */
static struct slice bare_name(struct slice name)
{
    if (name.len > 0 && name.ptr[name.len - 1] == '.')
        name.len--;
    if (name.len >= 2 && name.ptr[0] == '[' && name.ptr[name.len - 1] == ']')
        name = slice_of(name.ptr + 1, name.len - 2);
    return name;
}

/* Makes the entry and the key of one row. */
static int add_row(struct host_table *t, struct entry *entry, struct slice *key,
                   const struct host_row *row, struct arena *a, struct error *e)
{
    bool labels = t->mode == HOST_MATCHING_LABELS;
    struct slice pattern, suffix;
    if (host_check(row->matching, e) != 0)
        return -1;
    host_split(row->matching, &pattern, &suffix);
    *entry = (struct entry){.target = row->target};
    if (labels) {
        suffix = bare_name(suffix);
        if (pattern.len == 0 && suffix.len > 0 && suffix.ptr[0] == '.')
            suffix = slice_from(suffix, 1);
    }
    unsigned flags = PATTERN_WHOLE | (labels ? PATTERN_LOWER : 0);
    if (pattern.len > 0 && pattern_compile(&entry->pattern, pattern, 0, flags, a, e) != 0)
        return -1;
    char *reversed = arena_alloc(a, suffix.len + 1);
    if (reversed == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    reverse(reversed, suffix, labels);
    entry->suffix_len = suffix.len;
    *key = slice_of(reversed, suffix.len);
    return 0;
}

static int place_entries(struct host_table *t, const uint32_t *order, const struct entry *rows,
                         size_t count, struct arena *a, struct error *e)
{
    struct entry *entries = arena_alloc(a, (count + 1) * sizeof *entries);
    if (entries == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory for %zu hosts.", count);
    for (size_t i = 0; i < count; i++)
        entries[i] = rows[order[i]];
    t->entries = entries;
    return 0;
}

static int fill(struct host_table *t, const struct host_row *rows, size_t count, struct arena *a,
                struct error *e)
{
    if (count > TRIE_KEYS_MAX)
        return error_set(e, ERROR_TOO_LARGE, "A server cannot have %zu hosts.", count);
    struct entry *entries = malloc((count + 1) * sizeof *entries);
    struct slice *keys = malloc((count + 1) * sizeof *keys);
    uint32_t *order = malloc((count + 1) * sizeof *order);
    int result = -1;
    if (entries == NULL || keys == NULL || order == NULL) {
        error_set(e, ERROR_NO_MEMORY, "Out of memory for %zu hosts.", count);
        goto done;
    }
    for (size_t i = 0; i < count; i++)
        if (add_row(t, &entries[i], &keys[i], &rows[i], a, e) != 0)
            goto done;
    if (trie_build(&t->trie, keys, (uint32_t)count, order, a) != 0) {
        error_set(e, ERROR_NO_MEMORY, "Out of memory for %zu hosts.", count);
        goto done;
    }
    result = place_entries(t, order, entries, count, a, e);
done:
    free(order);
    free(keys);
    free(entries);
    return result;
}

int host_table_build(struct host_table **out, const struct host_row *rows, size_t count,
                     void *fallback, enum host_matching mode, struct arena *a, struct error *e)
{
    *out = NULL;
    struct host_table *t = arena_zalloc(a, sizeof *t);
    if (t == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    t->fallback = fallback;
    t->mode = mode;
    if (fill(t, rows, count, a, e) != 0)
        return -1;
    *out = t;
    return 0;
}

/* Upstream's rule, for a name turned around. */
static void *find_upstream(const struct host_table *t, struct slice name, struct slice reversed)
{
    const struct trie_node *node = trie_candidate(&t->trie, reversed);
    if (node == NULL)
        return t->fallback;
    const struct entry *entry = &t->entries[node->first];
    bool fits = entry->pattern == NULL ||
                (name.len >= entry->suffix_len &&
                 pattern_matches(entry->pattern, slice_of(name.ptr, name.len - entry->suffix_len)));
    return fits ? entry->target : t->fallback;
}

/* Whether an entry fits a folded name that ends in its suffix. */
static bool fits_labels(const struct entry *entry, struct slice name)
{
    size_t rest = name.len - entry->suffix_len;
    if (entry->pattern != NULL)
        return pattern_matches(entry->pattern, slice_of(name.ptr, rest));
    return rest == 0 || (entry->suffix_len > 0 && name.ptr[rest - 1] == '.');
}

static void *find_labels(const struct host_table *t, struct slice name, struct slice reversed)
{
    const struct trie_node *found[HOST_NAME_MAX_LEN + 1];
    for (size_t i = trie_prefixes(&t->trie, reversed, found); i-- > 0;) {
        const struct entry *entry = &t->entries[found[i]->first];
        for (const struct entry *end = entry + found[i]->count; entry < end; entry++)
            if (fits_labels(entry, name))
                return entry->target;
    }
    return t->fallback;
}

void *host_table_find(const struct host_table *t, struct slice name)
{
    bool labels = t->mode == HOST_MATCHING_LABELS;
    if (labels)
        name = bare_name(name);
    if (name.len == 0 || name.len > HOST_NAME_MAX_LEN)
        return t->fallback;
    char reversed[HOST_NAME_MAX_LEN], folded[HOST_NAME_MAX_LEN];
    reverse(reversed, name, labels);
    if (!labels)
        return find_upstream(t, name, slice_of(reversed, name.len));
    for (size_t i = 0; i < name.len; i++)
        folded[i] = reversed[name.len - 1 - i];
    return find_labels(t, slice_of(folded, name.len), slice_of(reversed, name.len));
}
