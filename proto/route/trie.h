/* A prefix tree over byte strings, built once and then only read: the index under the tables of
 * routes and of hosts. It knows keys and their numbers, nothing of patterns or targets.
 *
 * Edges are compressed (a node per branching, not per byte) and the children of a node lie side by
 * side with their first bytes in an array of their own, so a lookup looks at each byte of the text
 * once and touches few cache lines. The order in which keys were given matters in two places, and
 * is kept: among equal keys, and for a text that is shorter than every key below it (see
 * trie_candidate).
 *
 * The tree lives in the arena it was built in and borrows the keys, which must live as long. */
#ifndef PROTO_ROUTE_TRIE_H
#define PROTO_ROUTE_TRIE_H

#include "proto/base/arena.h"
#include "proto/base/slice.h"

#include <stddef.h>
#include <stdint.h>

#define TRIE_KEYS_MAX 0x7fffffff

#define TRIE_LABEL_NEAR 8

/* 32 bytes: two on a cache line. */
struct trie_node {
    union {
        char near[TRIE_LABEL_NEAR]; /* here when it fits, which saves a visit to the key */
        const char *far;
    } label;            /* the bytes from the parent to here, without the first */
    uint32_t label_len; /* without the first */
    uint32_t child;     /* the first child's index; the others follow, in the order of first use */
    uint32_t first;     /* in `order`: the keys that end here, in the order given */
    uint32_t count;
    uint32_t below;       /* this node when a key ends here, otherwise the first to be found by
                             walking down, taking at each level the child that was used first */
    uint16_t child_count; /* at most 256 */
    unsigned char byte;   /* the first on the way from the parent; of no meaning in the root */
};

struct trie {
    struct trie_node *nodes;    /* nodes[0] is the root; the table above may shrink a node's count
                                   before the tree is in use, nothing else is ever written */
    const unsigned char *bytes; /* nodes[i].byte, close together for searching */
    uint32_t node_count;
};

/* Builds the tree of the `count` keys (at most TRIE_KEYS_MAX, each shorter than 4 GiB). `order`
 * (room for count) gets the numbers of the keys arranged so that each node's stand together. Takes
 * time in proportion to the bytes of the keys. Returns 0, or -1 when out of memory. */
int trie_build(struct trie *t, const struct slice *keys, uint32_t count, uint32_t *order,
               struct arena *a);

/* The node that upstream's tables would try for the text (never empty), or NULL. When the text is
 * used up inside the tree (it is a key, or the beginning of one): the `below` of that place.
 * Otherwise: the longest key that the text begins with. The empty key counts for nothing here. */
const struct trie_node *trie_candidate(const struct trie *t, struct slice text);

/* The nodes of all keys that the text begins with, the empty one included, shortest first, into
 * `found`, which has room for text.len + 1. Returns how many. */
size_t trie_prefixes(const struct trie *t, struct slice text, const struct trie_node **found);

#endif
