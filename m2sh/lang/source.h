/* The text of one configuration file, kept as long as anything points into it: tokens, names and
 * strings of the syntax tree are slices of it, and messages show its lines.
 *
 * Lives in the arena it was made in. Not a parser: see lexer.h. */
#ifndef M2SH_LANG_SOURCE_H
#define M2SH_LANG_SOURCE_H

#include "proto/base/arena.h"
#include "proto/base/error.h"
#include "proto/base/slice.h"
#include "proto/model/model.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct source {
    const struct source *previous; /* read before it; kept by whoever reads several */
    unsigned number;               /* of those; messages are shown in this order */
    const char *name;              /* as messages show it */
    struct slice text;
    uint32_t *line_starts; /* offset of each line's first byte */
    size_t line_count;     /* at least 1 */
    dev_t device;          /* which file it is, whatever its name; 0 for text */
    ino_t inode;
};

/* A byte of a source. */
struct position {
    const struct source *source; /* NULL: nowhere */
    size_t offset;
};

/* Reads a file of at most `max_bytes`. NULL: ERROR_IO (missing, unreadable, a directory) or
 * ERROR_TOO_LARGE. */
struct source *source_read(struct arena *a, const char *path, size_t max_bytes, struct error *e);

/* Copies `text`; for tests and for text that is in no file. */
struct source *source_from_text(struct arena *a, const char *name, struct slice text);

/* Line and column from 1; the column counts bytes. */
struct place source_place(struct position p);

/* The place behind the last byte that is not white space: where something is missing at the end. */
struct position source_end(const struct source *s);

/* Line `line` (from 1) without its end; empty when there is none. */
struct slice source_line(const struct source *s, unsigned line);

#endif
