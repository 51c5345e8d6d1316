/* Work that takes a while: on a terminal one line on stderr that changes in place, in a pipe
 * nothing but the events themselves, each a line on stdout as it happens.
 *
 * An event is what stays (a node is ready); the status line is what passes (12 of 40 nodes). */
#ifndef M2SH_OUT_OUT_PROGRESS_H
#define M2SH_OUT_OUT_PROGRESS_H

#include "m2sh/out/out_term.h"

#include <stdio.h>

struct out_progress {
    FILE *events; /* borrowed; usually stdout. NULL: events are not shown (JSON) */
    FILE *status; /* borrowed; usually stderr */
    struct out_term events_term, status_term;
    bool has_status; /* a status line stands on the terminal */
};

void out_progress_init(struct out_progress *p, FILE *events, FILE *status);

/* A line that stays: a word in `style`, then text. Flushed at once. */
void out_progress_event(struct out_progress *p, enum out_style style, const char *word,
                        const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Replaces the passing line; nothing in a pipe. */
void out_progress_status(struct out_progress *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Removes the passing line. */
void out_progress_end(struct out_progress *p);

#endif
