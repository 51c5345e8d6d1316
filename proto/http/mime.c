/* An open hash table by extension, at most half full, tried from the leftmost "." that an extension
 * could begin at. */

#include "proto/http/mime.h"

#include <stdint.h>
#include <string.h>

#define EXTENSION_MAX 255 /* a file name's own limit */

struct mime_table {
    size_t mask;        /* slots - 1 */
    size_t longest_len; /* of the extensions */
    struct mime_entry slots[];
};

/* ASCII only: what a byte above 0x7f means, the file system does not say. */
static struct slice lower(struct slice s, char *out)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        out[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
    return slice_of(out, s.len);
}

/* The slot of an extension: its own or a free one. FNV-1a. */
static size_t slot_of(const struct mime_table *t, struct slice extension)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < extension.len; i++)
        hash = (hash ^ (uint8_t)extension.ptr[i]) * 16777619u;
    size_t at = hash & t->mask;
    while (t->slots[at].extension.len > 0 && !slice_eq(t->slots[at].extension, extension))
        at = (at + 1) & t->mask;
    return at;
}

int mime_table_build(struct mime_table **out, const struct mime_entry *entries, size_t count,
                     struct arena *a, struct error *err)
{
    size_t slots = 16;
    while (slots < 2 * count)
        slots *= 2;
    struct mime_table *t = arena_zalloc(a, sizeof *t + slots * sizeof *t->slots);
    if (t == NULL)
        return error_set(err, ERROR_NO_MEMORY, "out of memory for the table of media types");
    t->mask = slots - 1;
    for (size_t i = 0; i < count; i++) {
        struct slice extension = entries[i].extension;
        if (extension.len == 0 || extension.len > EXTENSION_MAX)
            continue; /* no file name ends with it */
        char *copy = arena_alloc(a, extension.len);
        if (copy == NULL)
            return error_set(err, ERROR_NO_MEMORY, "out of memory for the table of media types");
        extension = lower(extension, copy);
        struct mime_entry *slot = &t->slots[slot_of(t, extension)];
        if (slot->extension.len == 0)
            *slot = (struct mime_entry){extension, entries[i].type};
        if (extension.len > t->longest_len)
            t->longest_len = extension.len;
    }
    *out = t;
    return 0;
}

struct slice mime_table_find(const struct mime_table *t, struct slice path)
{
    char text[EXTENSION_MAX];
    size_t from = path.len - (path.len < t->longest_len ? path.len : t->longest_len);
    struct slice tail = lower(slice_from(path, from), text);
    const char *slash = (const char *)memrchr(tail.ptr, '/', tail.len);
    if (slash != NULL)
        tail = slice_from(tail, (size_t)(slash - tail.ptr));
    for (;;) {
        tail = slice_from(tail, slice_find(tail, '.'));
        if (tail.len == 0)
            return SLICE_EMPTY;
        const struct mime_entry *slot = &t->slots[slot_of(t, tail)];
        if (slot->extension.len > 0)
            return slot->type;
        tail = slice_from(tail, 1);
    }
}
