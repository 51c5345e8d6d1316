/* The classic listings: a title, then each row's columns with a blank behind each, NULL as
 * "(null)"; scripts written for upstream's m2sh read them. With -json a list of objects. */
#ifndef M2SH_LISTING_H
#define M2SH_LISTING_H

#include "m2sh/cmd.h"
#include "proto/model/model.h"

struct listing {
    const struct call *call; /* borrowed */
    struct out_table table;
    struct buf text; /* the classic form */
    size_t columns;
};

void listing_init(struct listing *l, const struct call *c, const char *const *columns);
void listing_title(struct listing *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The next cell, from left to right. */
void listing_value(struct listing *l, const struct row *row, size_t column);
void listing_text(struct listing *l, const char *text); /* NULL: (null) */

/* Prints and frees. No rows: says so on standard error. */
void listing_print(struct listing *l);

#endif
