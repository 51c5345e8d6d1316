/* What is wrong with the cluster, in words, each with the command that deals with it; the worst
 * first. `m2sh status` and the page say the same. */
#ifndef PROTO_VIEW_PROBLEMS_H
#define PROTO_VIEW_PROBLEMS_H

#include "proto/base/arena.h"
#include "proto/base/buf.h"
#include "proto/view/node_word.h"

struct problem {
    enum node_word rank;
    const char *text; /* a phrase: a full stop at its end is taken off */
    const char *command;
};

struct problems {
    struct arena *arena;
    struct problem *list;
    size_t count, room;
    size_t nodes, synced; /* how many there are, and how many serve what they should */
    bool failed;          /* out of memory: something is missing */
};

/* Everything lies in the arena. */
void problems_init(struct problems *p, struct arena *a);

/* `command` is copied. */
void problems_add(struct problems *p, enum node_word rank, const char *command, const char *fmt,
                  ...) __attribute__((format(printf, 4, 5)));

/* Judges each row of what the protocol's `nodes` answers, and that there are any, and that there is
 * a `head` (a version; 0: none). */
void problems_of_nodes(struct problems *p, const struct cluster_table *nodes, int64_t head);

void problems_sort(struct problems *p);

/* What nodes in order serve: "revision 7", or while a canary is held "what is meant for them". */
void problems_put_served(struct buf *out, int64_t head, bool is_held);

#endif
