/* Included files are told apart by device and inode, not by name, so that a circle is found however
 * its paths are spelled. A file may be included twice one after the other. */

#include "m2sh/lang/program.h"

#include "m2sh/base/suggest.h"
#include "m2sh/base/xalloc.h"
#include "m2sh/lang/parser.h"

/* The files that are being read, innermost first. */
struct chain {
    const struct chain *outer;
    const struct source *source;
    unsigned depth;
};

static void read_statements(struct program *p, struct source *source, const struct chain *outer);

static void assign(struct program *p, struct statement *s)
{
    void *old = NULL;
    if (map_put(&p->names, s->name, s, &old) != 0)
        xalloc_die();
    const struct statement *before = old;
    if (before != NULL && before->at.source == s->at.source)
        diag_warning(p->diags, s->at,
                     "\"%.*s\" is assigned a second time; the value of line %u is not used",
                     SLICE_ARG(s->name), source_place(before->at).line);
}

/* The path that an include means. */
static const char *include_path(const struct program *p, const struct statement *s)
{
    const char *from = s->at.source->name, *slash = strrchr(from, '/');
    if (slash == NULL || (s->name.len > 0 && s->name.ptr[0] == '/'))
        return xarena_slice(p->diags->arena, s->name).ptr;
    return xarena_printf(p->diags->arena, "%.*s/%.*s", (int)(slash - from), from,
                         SLICE_ARG(s->name));
}

static const struct chain *find_in_chain(const struct chain *c, const struct source *source)
{
    while (c != NULL && (c->source->device != source->device || c->source->inode != source->inode))
        c = c->outer;
    return c;
}

static void include(struct program *p, const struct statement *s, const struct chain *chain)
{
    struct error e;
    if (s->at.source->inode == 0) {
        diag_error(p->diags, s->at, "found an include, expected none in text that is not a file");
        return;
    }
    if (chain->depth >= PROGRAM_INCLUDE_MAX || p->files >= PROGRAM_FILES_MAX) {
        diag_error(p->diags, s->at,
                   "found one more include, expected at most %u inside each other and %u in all",
                   PROGRAM_INCLUDE_MAX, PROGRAM_FILES_MAX);
        return;
    }
    struct source *source = source_read(p->diags->arena, include_path(p, s),
                                        PROGRAM_BYTES_MAX - p->bytes, &e);
    if (source == NULL) {
        diag_error(p->diags, s->at, "found an include that can't be read: %s", e.text);
        return;
    }
    if (find_in_chain(chain, source) != NULL) {
        diag_error(p->diags, s->at,
                   "found an include of \"%s\" inside itself, expected a file that is not being "
                   "read already",
                   source->name);
        return;
    }
    read_statements(p, source, chain);
}

static void read_statements(struct program *p, struct source *source, const struct chain *outer)
{
    struct chain here = {outer, source, outer != NULL ? outer->depth + 1 : 0};
    source->previous = p->last_source;
    p->last_source = source;
    source->number = p->files++;
    p->bytes += source->text.len;
    for (struct statement *s = parser_parse(source, p->diags); s != NULL; s = s->next) {
        if (s->value != NULL)
            assign(p, s);
        else
            include(p, s, &here);
    }
}

void program_read(struct program *p, const char *path, struct diag_list *diags)
{
    struct error e;
    *p = (struct program){.diags = diags, .names = MAP_INIT};
    struct source *root = source_read(diags->arena, path, PROGRAM_BYTES_MAX, &e);
    p->root = root;
    if (root == NULL)
        diag_error(diags, (struct position){NULL, 0}, "%s", e.text);
    else
        read_statements(p, root, NULL);
}

void program_read_text(struct program *p, const char *name, struct slice text,
                       struct diag_list *diags)
{
    *p = (struct program){.diags = diags, .names = MAP_INIT};
    struct source *root = source_from_text(diags->arena, name, text);
    p->root = root;
    read_statements(p, root, NULL);
}

void program_fini(struct program *p)
{
    map_fini(&p->names, NULL);
}

const struct statement *program_find(const struct program *p, const char *name)
{
    return map_get(&p->names, slice_str(name));
}

static void report_unknown(const struct program *p, const struct node *n)
{
    struct suggest s;
    suggest_init(&s, n->text);
    for (struct map_entry *it = map_first(&p->names); it != NULL; it = map_next(it))
        suggest_offer(&s, map_key(it));
    if (s.best.len > 0)
        diag_error(p->diags, n->at,
                   "found the name \"%.*s\", which nothing is assigned to, expected a name that is "
                   "assigned (\"%.*s\"?)",
                   SLICE_ARG(n->text), SLICE_ARG(s.best));
    else
        diag_error(p->diags, n->at,
                   "found the name \"%.*s\", which nothing is assigned to, expected a value or a "
                   "name that is assigned",
                   SLICE_ARG(n->text));
}

const struct node *program_resolve(const struct program *p, const struct node *n)
{
    const struct node *start = n;
    size_t steps = 0, names = 0;
    while (n->kind == NODE_NAME) {
        const struct statement *s = map_get(&p->names, n->text);
        if (s == NULL) {
            report_unknown(p, n);
            return NULL;
        }
        n = s->value;
        if (++steps < 100)
            continue;
        if (names == 0) /* a long chain, or a circle: only now it is worth counting */
            names = map_count(&p->names);
        if (steps > names) {
            diag_error(p->diags, start->at,
                       "found the name \"%.*s\", which leads back to itself through other names, "
                       "expected a name that leads to a value",
                       SLICE_ARG(start->text));
            return NULL;
        }
    }
    return n;
}
