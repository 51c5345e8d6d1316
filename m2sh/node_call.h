/* One request to the control port of a node, through the coordinator, and its answer as a table. */
#ifndef M2SH_NODE_CALL_H
#define M2SH_NODE_CALL_H

#include "m2sh/cluster.h"
#include "proto/wire/control_msg.h"

struct node_answer {
    struct arena arena;
    struct control_reply reply; /* a table; lives in the arena */
};

/* `name` NULL: without an argument; `text` NULL: the argument is the number. -1 with *e: nobody
 * answers, or the node refuses. *out is to be released in any case. */
int node_call(struct cluster *cl, const char *node, const char *verb, const char *name,
              const char *text, int64_t number, struct node_answer *out, struct error *e);
void node_answer_release(struct node_answer *a);

/* How many rows; a cell, "" or 0 when it is not there. */
size_t node_answer_rows(const struct node_answer *a);
struct slice node_answer_text(const struct node_answer *a, size_t row, const char *column);
int64_t node_answer_int(const struct node_answer *a, size_t row, const char *column);

#endif
