/* The syntax tree of the configuration language. Plain data in an arena; slices borrow the sources.
 *
 * Nothing is resolved here: names stand as they were written, parameters and keys in the order and
 * as often as written. */
#ifndef M2SH_LANG_AST_H
#define M2SH_LANG_AST_H

#include "m2sh/lang/source.h"
#include "proto/base/slice.h"

#include <stdbool.h>
#include <stddef.h>

enum node_kind { NODE_STRING, NODE_NUMBER, NODE_NAME, NODE_OBJECT, NODE_LIST, NODE_DICT };

struct item;

struct node {
    enum node_kind kind;
    struct position at;
    struct slice text;  /* STRING: value; NUMBER: digits; NAME: the name; OBJECT: the class */
    struct item *items; /* OBJECT: parameters; LIST; DICT */
    size_t item_count;
};

struct item {
    struct item *next;
    struct slice key;       /* OBJECT, DICT */
    struct position key_at; /* LIST: where the value is */
    struct node *value;
    bool is_superseded; /* a later item has the same key: the last one counts */
};

/* The items that count: for (it = item_first(n); it != NULL; it = item_next(it)). */
static inline const struct item *item_skip(const struct item *it)
{
    while (it != NULL && it->is_superseded)
        it = it->next;
    return it;
}

/* NULL for a NULL node, so that what could not be resolved has no items. */
static inline const struct item *item_first(const struct node *n)
{
    return n != NULL ? item_skip(n->items) : NULL;
}

static inline const struct item *item_next(const struct item *it)
{
    return item_skip(it->next);
}

/* `NAME = VALUE` or `include "FILE"`. */
struct statement {
    struct statement *next;
    struct slice name;  /* of the assignment, or the file to include */
    struct position at; /* of the name, or of the file's string */
    struct node *value; /* NULL: an include */
};

#endif
