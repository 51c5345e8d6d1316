/* What is wrong with a configuration text, and where: collected while it is read, shown together.
 *
 *     site.conf:12:18: found "}", expected a value
 *         "/": Dir(base=}
 *                       ^
 *
 * Errors make the text unusable; warnings do not. Lives in an arena; texts are copied into it. */
#ifndef M2SH_LANG_DIAG_H
#define M2SH_LANG_DIAG_H

#include "m2sh/lang/source.h"
#include "proto/base/arena.h"
#include "proto/base/buf.h"

#include <stdbool.h>
#include <stddef.h>

enum diag_severity { DIAG_ERROR, DIAG_WARNING };

struct diag {
    struct diag *next;
    enum diag_severity severity;
    struct position at; /* source NULL: the whole file, or no file at all */
    const char *text;
};

struct diag_list {
    struct arena *arena; /* borrowed */
    struct diag *first;  /* in the order found, until diag_sort() */
    struct diag *last;
    size_t error_count;
    size_t warning_count;
    size_t dropped; /* found but not kept: one broken file may hold thousands */
};

/* At most this many are kept of each severity. */
#define DIAG_MAX 50

void diag_init(struct diag_list *l, struct arena *a);
void diag_error(struct diag_list *l, struct position at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void diag_warning(struct diag_list *l, struct position at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts them in the order of their places: file by file as read, line by line; those without a place
 * last. */
void diag_sort(struct diag_list *l);

/* Appends one message as text: place, sentence, the line and a caret. */
void diag_format(const struct diag *d, struct buf *out);

/* Appends all of them, and how many more there were. */
void diag_format_all(const struct diag_list *l, struct buf *out);

#endif
