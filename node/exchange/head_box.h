/* A request head together with the array its fields lie in: one pooled object per head that is
 * being read or used, none for an idle connection. A head with unusually many fields gets a larger
 * array from the heap. */
#ifndef NODE_EXCHANGE_HEAD_BOX_H
#define NODE_EXCHANGE_HEAD_BOX_H

#include "proto/base/freelist.h"
#include "proto/http/request_head.h"

struct head_box {
    struct request_head head;
    struct http_field *more; /* the larger array, or NULL */
    struct http_field fields[FIELDS_USUAL];
};

/* A freelist made for head boxes. */
void head_box_pool_init(struct freelist *pool);

/* A head ready to parse into; NULL when out of memory. */
struct request_head *head_box_take(struct freelist *pool);
/* Back to the pool; NULL is fine. */
void head_box_give(struct freelist *pool, struct request_head *head);

/* Moves the fields to an array of at least twice the size, at most `most`; -1 when out of memory or
 * at the bound. Answers PARSE_FULL. */
int head_box_grow(struct request_head *head, size_t most);

#endif
