/* The nodes of the cluster with their state in a word: what `nodes` lists and `status` judges. */
#ifndef M2SH_NODE_TABLE_H
#define M2SH_NODE_TABLE_H

#include "m2sh/cluster.h"
#include "m2sh/out/out_term.h"
#include "proto/view/node_word.h"

struct node_table {
    int64_t head;                     /* version; 0: no commit yet */
    char scope[1024];                 /* of the head: "all", or the nodes of a canary */
    char held[512];                   /* where a canary stands; "": there is none */
    const struct cluster_table *rows; /* as the protocol's `nodes` answers; borrowed from cl */
};

/* Opens `cl`; on failure (shown) it is closed again. `node` NULL: all. */
enum status node_table_read(struct node_table *t, struct cluster *cl, const struct call *c,
                            const char *node);

enum node_word node_table_word(const struct node_table *t, size_t row);
enum out_style node_word_style(enum node_word word);

void node_table_print(const struct node_table *t, const struct call *c);

#endif
