/* The line of reservations at a pool worker: who waits for how many places, in order of arrival. An
 * entry stands for several requests of one owner that came one behind the other. */
#ifndef PROTO_HANDLER_LINE_H
#define PROTO_HANDLER_LINE_H

#include "proto/base/list.h"

#include <stdint.h>

struct line {
    struct list entries;
};

void line_init(struct line *l);
void line_fini(struct line *l);

/* `count` more at the end. Returns how many were added: none when out of memory. */
uint32_t line_add(struct line *l, void *owner, uint32_t count);

/* Up to `count` fewer of the owner's, from the front or from the end. Returns how many. */
uint32_t line_remove_first(struct line *l, void *owner, uint32_t count);
uint32_t line_remove_last(struct line *l, void *owner, uint32_t count);

/* Who is first, and up to how many places go to them in a row; NULL when nobody waits. */
void *line_front(const struct line *l, uint32_t *count);

#endif
