/* The head is the first member, so that the box is found again from it. */

#include "node/exchange/head_box.h"

#include "proto/base/list.h"

#include <stdlib.h>

enum { SPARE_HEADS = 128 };

void head_box_pool_init(struct freelist *pool)
{
    freelist_init(pool, sizeof(struct head_box), SPARE_HEADS);
}

struct request_head *head_box_take(struct freelist *pool)
{
    struct head_box *box = freelist_take(pool);
    if (box == NULL)
        return NULL;
    box->more = NULL;
    request_head_init(&box->head, box->fields, FIELDS_USUAL);
    return &box->head;
}

void head_box_give(struct freelist *pool, struct request_head *head)
{
    if (head == NULL)
        return;
    struct head_box *box = container_of(head, struct head_box, head);
    free(box->more);
    freelist_give(pool, box);
}

int head_box_grow(struct request_head *head, size_t most)
{
    struct head_box *box = container_of(head, struct head_box, head);
    size_t capacity = (size_t)head->fields.capacity * 2;
    if (capacity > most)
        capacity = most;
    if (capacity <= head->fields.capacity)
        return -1;
    struct http_field *more = calloc(capacity, sizeof *more);
    if (more == NULL)
        return -1;
    field_list_move(&head->fields, more, capacity);
    free(box->more);
    box->more = more;
    return 0;
}
