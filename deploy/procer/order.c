/* A walk in depth with three colours; the path walked is the circle when it meets itself. */

#include "deploy/procer/order.h"

#include "proto/base/buf.h"

#include <stdlib.h>
#include <string.h>

enum colour { NEW, ON_PATH, DONE };

struct walk {
    const struct profiles *all;
    void (*report)(const char *name, const char *problem);
    enum colour *colours; /* parallel to all */
    size_t *path;
    size_t depth;
    size_t problems;
};

static size_t index_of(const struct profiles *all, const struct profile *p)
{
    size_t i = 0;
    while (all->all[i] != p)
        i++;
    return i;
}

static void report_circle(struct walk *w, size_t back_to)
{
    struct buf text = BUF_INIT;
    size_t from = 0;
    while (w->path[from] != back_to)
        from++;
    buf_append_str(&text, "depends on itself, so it never starts: ");
    for (size_t i = from; i < w->depth; i++)
        buf_printf(&text, "%s -> ", w->all->all[w->path[i]]->name);
    buf_append_str(&text, w->all->all[back_to]->name);
    w->report(w->all->all[back_to]->name, buf_str(&text));
    w->problems++;
    buf_fini(&text);
}

static void report_unknown(struct walk *w, const struct profile *p, const char *name)
{
    struct buf text = BUF_INIT;
    buf_printf(&text, "Could not find dependency %s has on %s.", p->name, name);
    w->report(p->name, buf_str(&text));
    w->problems++;
    buf_fini(&text);
}

static void visit(struct walk *w, size_t at)
{
    const struct profile *p = w->all->all[at];
    w->colours[at] = ON_PATH;
    w->path[w->depth++] = at;
    for (char **name = p->depends; *name != NULL; name++) {
        const struct profile *other = profiles_find(w->all, *name);
        if (other == NULL) {
            report_unknown(w, p, *name);
            continue;
        }
        size_t next = index_of(w->all, other);
        if (w->colours[next] == ON_PATH)
            report_circle(w, next);
        else if (w->colours[next] == NEW)
            visit(w, next);
    }
    w->depth--;
    w->colours[at] = DONE;
}

size_t order_check(const struct profiles *all,
                   void (*report)(const char *name, const char *problem))
{
    struct walk w = {.all = all, .report = report};
    w.colours = calloc(all->count + 1, sizeof *w.colours);
    w.path = calloc(all->count + 1, sizeof *w.path);
    for (size_t i = 0; w.colours != NULL && w.path != NULL && i < all->count; i++)
        if (w.colours[i] == NEW)
            visit(&w, i);
    free(w.colours);
    free(w.path);
    return w.problems;
}
