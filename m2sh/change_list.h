/* The changes between two revisions as the coordinator lists them, one line each: "+ ", "- " or "~
 * ", the object, a colon and what happened to it. */
#ifndef M2SH_CHANGE_LIST_H
#define M2SH_CHANGE_LIST_H

#include "proto/base/buf.h"
#include "proto/wire/cluster_reply.h"

#include <stddef.h>

/* Appends one line. */
void change_list_put(const struct cluster_table *t, size_t row, struct buf *out);

/* Prints at most `max` lines (0: all) and how many more there are. */
void change_list_print(const struct cluster_table *t, size_t max);

#endif
