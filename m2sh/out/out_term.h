/* What the terminal can do. Colour is for people who look at one: never in a pipe, never with
 * NO_COLOR set, never on a dumb terminal. */
#ifndef M2SH_OUT_OUT_TERM_H
#define M2SH_OUT_OUT_TERM_H

#include "proto/base/slice.h"

#include <stdbool.h>
#include <stddef.h>

enum out_style { OUT_PLAIN, OUT_BOLD, OUT_DIM, OUT_GOOD, OUT_BAD, OUT_WARN, OUT_STYLE_COUNT };

struct out_term {
    bool is_tty;
    bool has_color;
    unsigned width; /* columns; 80 when nobody knows */
};

/* Looks at the descriptor and the environment (NO_COLOR, TERM, COLUMNS). */
void out_term_init(struct out_term *t, int fd);

/* The sequences that begin and end a style; "" without colour. */
const char *out_term_begin(const struct out_term *t, enum out_style style);
const char *out_term_end(const struct out_term *t, enum out_style style);

/* Columns that the text takes on a terminal: characters of UTF-8, wide ones as two. */
size_t out_term_columns(struct slice text);

#endif
