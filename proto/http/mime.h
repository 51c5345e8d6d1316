/* File extensions and their media types. Built once with a snapshot, in its arena, from the rows of
 * the model (which also has the default types); then only read. The longest extension that the name
 * ends with wins: ".tar.gz" before ".gz". */
#ifndef PROTO_HTTP_MIME_H
#define PROTO_HTTP_MIME_H

#include "proto/base/arena.h"
#include "proto/base/error.h"
#include "proto/base/slice.h"

#include <stddef.h>

struct mime_table;

struct mime_entry {
    struct slice extension; /* with its "."; case does not matter */
    struct slice type;
};

/* Makes the table of `count` entries; of several for one extension the first counts. Copies the
 * extensions, borrows the types: they must live as long as the arena. 0, or -1 when out of memory
 * (*err). */
int mime_table_build(struct mime_table **out, const struct mime_entry *entries, size_t count,
                     struct arena *a, struct error *err);

/* The type of a path in any case; the empty slice when no extension fits. Costs one look-up per "."
 * of the last segment, whatever the size of the table. */
struct slice mime_table_find(const struct mime_table *t, struct slice path);

#endif
