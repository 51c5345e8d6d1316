/* Built breadth first: the array of nodes is its own queue, so the children of a node end up side
 * by side. A node waiting in the queue holds all keys of its subtree; taking its turn it keeps
 * those that end there and deals the rest to its children by their next byte. Dealing keeps the
 * order of the keys and makes children in the order in which their byte is first seen, so nothing
 * is ever sorted. */

#include "proto/route/trie.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SCAN_MAX 8 /* this many children are looked at one by one */

struct build {
    const struct slice *keys;
    uint32_t *order;
    uint32_t *deal;          /* as large as order, for one node's keys on the move */
    struct trie_node *nodes; /* first and count hold the whole subtree's keys until their turn */
    uint32_t *depth;         /* of each node, the bytes of its key */
    uint32_t node_count;
};

static int build_init(struct build *b, const struct slice *keys, uint32_t count, uint32_t *order)
{
    size_t node_max = 2 * (size_t)count + 1; /* a leaf per key, fewer branchings, the root */
    *b = (struct build){.keys = keys, .order = order};
    b->deal = malloc((count + 1) * sizeof *b->deal);
    b->nodes = malloc(node_max * sizeof *b->nodes);
    b->depth = malloc(node_max * sizeof *b->depth);
    if (b->deal == NULL || b->nodes == NULL || b->depth == NULL)
        return -1;
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    b->nodes[0] = (struct trie_node){.count = count};
    b->depth[0] = 0;
    b->node_count = 1;
    return 0;
}

static void build_fini(struct build *b)
{
    free(b->deal);
    free(b->nodes);
    free(b->depth);
}

static unsigned char key_byte(const struct build *b, uint32_t key, uint32_t at)
{
    return (unsigned char)b->keys[key].ptr[at];
}

/* The length of what the keys order[first..first+count) have in common; they agree on `known`. */
static uint32_t common_len(const struct build *b, uint32_t first, uint32_t count, uint32_t known)
{
    struct slice key = b->keys[b->order[first]];
    uint32_t common = (uint32_t)key.len;
    for (uint32_t i = 1; i < count; i++) {
        struct slice other = b->keys[b->order[first + i]];
        uint32_t len = known;
        while (len < common && len < other.len && key.ptr[len] == other.ptr[len])
            len++;
        common = len;
    }
    return common;
}

static void set_label(struct trie_node *node, const char *label, uint32_t len)
{
    node->byte = (unsigned char)label[0];
    node->label_len = len - 1;
    if (node->label_len <= TRIE_LABEL_NEAR)
        memcpy(node->label.near, label + 1, node->label_len);
    else
        node->label.far = label + 1;
}

/* Makes the children of node n, whose keys beyond its own count are order[first..first+count). */
static void deal_children(struct build *b, uint32_t n, uint32_t first, uint32_t count)
{
    uint32_t depth = b->depth[n];
    uint32_t child_of[256] = {0}; /* by byte; 0 is the root, so no child yet */
    struct trie_node *parent = &b->nodes[n];
    parent->child = b->node_count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t *child = &child_of[key_byte(b, b->order[first + i], depth)];
        if (*child == 0) {
            *child = b->node_count++;
            b->nodes[*child] = (struct trie_node){0};
        }
        b->nodes[*child].count++;
    }
    parent->child_count = (uint16_t)(b->node_count - parent->child);
    for (uint32_t c = parent->child, at = first; c < b->node_count; c++) {
        b->nodes[c].first = at;
        at += b->nodes[c].count;
        b->nodes[c].count = 0; /* counted again while dealing */
    }
    memcpy(b->deal, b->order + first, count * sizeof *b->deal);
    for (uint32_t i = 0; i < count; i++) {
        struct trie_node *child = &b->nodes[child_of[key_byte(b, b->deal[i], depth)]];
        b->order[child->first + child->count++] = b->deal[i];
    }
    for (uint32_t c = parent->child; c < b->node_count; c++) {
        struct trie_node *child = &b->nodes[c];
        b->depth[c] = common_len(b, child->first, child->count, depth + 1);
        set_label(child, b->keys[b->order[child->first]].ptr + depth, b->depth[c] - depth);
    }
}

/* Node n's turn: its own keys to the front, the rest to its children. */
static void expand(struct build *b, uint32_t n)
{
    struct trie_node *node = &b->nodes[n];
    uint32_t first = node->first, all = node->count, own = 0, moved = 0;
    for (uint32_t i = 0; i < all; i++) {
        uint32_t key = b->order[first + i];
        if (b->keys[key].len == b->depth[n])
            b->order[first + own++] = key;
        else
            b->deal[moved++] = key;
    }
    memcpy(b->order + first + own, b->deal, moved * sizeof *b->deal);
    node->count = own;
    if (moved > 0)
        deal_children(b, n, first + own, moved);
}

/* Children come behind their parents, so from the end each finds its first child's answer ready. */
static void fill_below(struct build *b)
{
    for (uint32_t n = b->node_count; n-- > 0;) {
        struct trie_node *node = &b->nodes[n];
        node->below = node->count > 0 || node->child_count == 0 ? n : b->nodes[node->child].below;
    }
}

static int build_finish(struct build *b, struct trie *t, struct arena *a)
{
    struct trie_node *nodes = arena_alloc(a, b->node_count * sizeof *nodes);
    unsigned char *bytes = arena_alloc(a, b->node_count);
    if (nodes == NULL || bytes == NULL)
        return -1;
    memcpy(nodes, b->nodes, b->node_count * sizeof *nodes);
    for (uint32_t n = 0; n < b->node_count; n++)
        bytes[n] = nodes[n].byte;
    *t = (struct trie){nodes, bytes, b->node_count};
    return 0;
}

int trie_build(struct trie *t, const struct slice *keys, uint32_t count, uint32_t *order,
               struct arena *a)
{
    struct build b;
    int result = build_init(&b, keys, count, order);
    if (result == 0) {
        for (uint32_t n = 0; n < b.node_count; n++)
            expand(&b, n);
        fill_below(&b);
        result = build_finish(&b, t, a);
    }
    build_fini(&b);
    return result;
}

/* The child of `node` that `byte` leads to, or NULL. */
static const struct trie_node *find_child(const struct trie *t, const struct trie_node *node,
                                          char byte)
{
    const struct trie_node *child = &t->nodes[node->child];
    if (node->child_count <= SCAN_MAX) { /* few: not worth another cache line */
        for (const struct trie_node *end = child + node->child_count; child < end; child++)
            if (child->byte == (unsigned char)byte)
                return child;
        return NULL;
    }
    const unsigned char *bytes = t->bytes + node->child;
    const unsigned char *hit = memchr(bytes, (unsigned char)byte, node->child_count);
    return hit != NULL ? child + (hit - bytes) : NULL;
}

/* Whether the rest of the label of `node` and the text agree, up to the shorter of both. */
static bool label_agrees(const struct trie_node *node, struct slice text)
{
    bool near = node->label_len <= TRIE_LABEL_NEAR;
    size_t len = text.len < node->label_len ? text.len : node->label_len;
    return memcmp(near ? node->label.near : node->label.far, text.ptr, len) == 0;
}

const struct trie_node *trie_candidate(const struct trie *t, struct slice text)
{
    const struct trie_node *node = &t->nodes[0], *longest = NULL;
    if (text.len == 0)
        return NULL;
    for (;;) {
        node = find_child(t, node, text.ptr[0]);
        text = slice_from(text, 1);
        if (node == NULL || !label_agrees(node, text))
            return longest;
        if (text.len <= node->label_len)
            return &t->nodes[node->below];
        text = slice_from(text, node->label_len);
        if (node->count > 0)
            longest = node;
    }
}

size_t trie_prefixes(const struct trie *t, struct slice text, const struct trie_node **found)
{
    const struct trie_node *node = &t->nodes[0];
    size_t count = 0;
    for (;;) {
        if (node->count > 0)
            found[count++] = node;
        if (text.len == 0)
            return count;
        node = find_child(t, node, text.ptr[0]);
        text = slice_from(text, 1);
        if (node == NULL || text.len < node->label_len || !label_agrees(node, text))
            return count;
        text = slice_from(text, node->label_len);
    }
}
