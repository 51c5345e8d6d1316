/* A node of the cluster in one word: does it run what it should? The coordinator says what a node
 * is (ready, gone …) and which version it holds; this is what people want to know. */
#ifndef PROTO_VIEW_NODE_WORD_H
#define PROTO_VIEW_NODE_WORD_H

#include "proto/wire/cluster_reply.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum node_word { /* the later the worse */
                 NODE_SYNCED,
                 NODE_BEHIND,
                 NODE_JOINING,
                 NODE_DRAINING,
                 NODE_SUSPECT,
                 NODE_REFUSED,
                 NODE_LOST,
                 NODE_DIVERGED,
};

/* Of one row of what the protocol's `nodes` answers; `head` is the newest version. */
enum node_word node_word_of(const struct cluster_table *nodes, size_t row, int64_t head);
const char *node_word_name(enum node_word word); /* "SYNCED" … */

/* It serves its clients wrongly, or not at all; the other words pass by themselves. */
static inline bool node_word_is_bad(enum node_word word)
{
    return word >= NODE_SUSPECT;
}

#endif
