#include "proto/view/problems.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 1024 };

void problems_init(struct problems *p, struct arena *a)
{
    *p = (struct problems){.arena = a};
}

static struct problem *room_for_one(struct problems *p)
{
    if (p->count == p->room) {
        size_t room = p->room > 0 ? p->room * 2 : 16;
        struct problem *list = arena_alloc(p->arena, room * sizeof *list);
        if (list == NULL)
            return NULL;
        if (p->count > 0)
            memcpy(list, p->list, p->count * sizeof *list);
        p->list = list;
        p->room = room;
    }
    return &p->list[p->count];
}

void problems_add(struct problems *p, enum node_word rank, const char *command, const char *fmt,
                  ...)
{
    char text[TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    size_t len = strlen(text);
    if (len > 0 && text[len - 1] == '.') /* it ends with somebody's sentence */
        text[len - 1] = '\0';
    struct problem *problem = room_for_one(p);
    struct problem filled = {rank, arena_strdup(p->arena, text), arena_strdup(p->arena, command)};
    if (problem == NULL || filled.text == NULL || filled.command == NULL) {
        p->failed = true;
        return;
    }
    *problem = filled;
    p->count++;
}

static void judge(struct problems *p, const struct cluster_table *t, size_t row, int64_t head)
{
    enum node_word word = node_word_of(t, row, head);
    struct slice node = cluster_table_text(t, row, "node");
    struct slice error = cluster_table_text(t, row, "error");
    int64_t version = cluster_table_int(t, row, "version");
    char look[TEXT_MAX];
    snprintf(look, sizeof look, "m2sh nodes -node %.*s", SLICE_ARG(node));
    switch (word) {
    case NODE_SYNCED: p->synced++; return;
    case NODE_LOST:
    case NODE_SUSPECT:
        problems_add(p, word, look,
                     "node %.*s has not been heard of for %.0f s; it had revision %" PRId64,
                     SLICE_ARG(node), (double)cluster_table_int(t, row, "age_ms") / 1000, version);
        return;
    case NODE_REFUSED:
        snprintf(look, sizeof look, "m2sh diff -rev %" PRId64 " -to %" PRId64, version, head);
        problems_add(p, word, look, "node %.*s stays at revision %" PRId64 ": %.*s",
                     SLICE_ARG(node), version, SLICE_ARG(error));
        return;
    case NODE_DIVERGED:
        problems_add(p, word, look, "node %.*s has another history: %.*s", SLICE_ARG(node),
                     SLICE_ARG(error));
        return;
    default:
        problems_add(p, word, look, "node %.*s is %.*s at revision %" PRId64, SLICE_ARG(node),
                     SLICE_ARG(cluster_table_text(t, row, "state")), version);
        return;
    }
}

void problems_of_nodes(struct problems *p, const struct cluster_table *nodes, int64_t head)
{
    p->nodes = nodes->row_count;
    for (size_t row = 0; row < nodes->row_count; row++)
        judge(p, nodes, row, head);
    if (nodes->row_count == 0)
        problems_add(p, NODE_LOST, "mongrel2 -coordinator SPEC -server NAME -node NAME -state DIR",
                     "no node has joined");
    if (head == 0)
        problems_add(p, NODE_JOINING, "m2sh push -config FILE -why TEXT",
                     "no configuration has been pushed yet");
}

static int compare(const void *a, const void *b)
{
    const struct problem *x = a, *y = b;
    return x->rank != y->rank ? (x->rank > y->rank ? -1 : 1) : strcmp(x->text, y->text);
}

void problems_sort(struct problems *p)
{
    if (p->count > 0)
        qsort(p->list, p->count, sizeof *p->list, compare);
}

void problems_put_served(struct buf *out, int64_t head, bool is_held)
{
    if (is_held)
        buf_append_str(out, "what is meant for them");
    else
        buf_printf(out, "revision %" PRId64, head);
}
