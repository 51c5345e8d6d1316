/* Syntax errors end the work before names are resolved, because half a file would be full of names
 * that are not there. Types that are wrong do not keep the check from running, but only what it
 * says about single values that were understood is shown then. */

#include "m2sh/lang/document.h"

#include "m2sh/base/xalloc.h"
#include "m2sh/lang/loader.h"
#include "proto/model/check.h"

#include <stdlib.h>

struct document {
    struct arena arena;
    struct diag_list diags;
    struct program program;
    struct origins origins;
    struct model *model;
};

static bool has_error_at(const struct diag_list *l, struct position at)
{
    for (const struct diag *d = l->first; d != NULL; d = d->next)
        if (d->severity == DIAG_ERROR && d->at.source == at.source && d->at.offset == at.offset)
            return true;
    return false;
}

/* Does the finding hold whatever else is wrong? */
static bool stands_alone(const struct finding *f)
{
    return f->severity == FINDING_ERROR && f->row != NULL && f->column > 0 &&
           f->row->table != TABLE_EXPECT && f->row->table != TABLE_ROUTE &&
           !(f->row->table == TABLE_SERVER && f->column == SERVER_DEFAULT_HOST);
}

/* The byte of a row that was made of no object: a route, a setting. */
static struct position position_of_place(const struct document *d, const struct row *row)
{
    for (const struct source *s = d->program.last_source; s != NULL; s = s->previous)
        if (row->place.file != NULL && strcmp(s->name, row->place.file) == 0 &&
            row->place.line - 1 < s->line_count)
            return (struct position){s,
                                     s->line_starts[row->place.line - 1] + row->place.column - 1};
    return (struct position){NULL, 0};
}

static void add_finding(struct document *d, const struct finding *f, bool only_sure)
{
    struct position at = {NULL, 0};
    if (only_sure && !stands_alone(f))
        return;
    if (f->row != NULL)
        at = origins_find(&d->origins, f->row, f->column >= 0 ? (size_t)f->column : SIZE_MAX);
    if (f->row != NULL && at.source == NULL)
        at = position_of_place(d, f->row);
    if (at.source != NULL && has_error_at(&d->diags, at))
        return;
    if (f->severity == FINDING_ERROR)
        diag_error(&d->diags, at, "%s: %s", f->object, f->text);
    else
        diag_warning(&d->diags, at, "%s: %s", f->object, f->text);
}

static void check(struct document *d)
{
    struct error e;
    struct check *result;
    bool only_sure = d->diags.error_count > 0;
    if (model_freeze(d->model, &e) != 0 || check_model(&result, d->model, &e) != 0)
        xalloc_die();
    for (size_t i = 0; i < result->count; i++)
        add_finding(d, &result->findings[i], only_sure);
    check_destroy(result);
}

static struct document *create(void)
{
    struct error e;
    struct document *d = xrealloc(NULL, 1, sizeof *d);
    *d = (struct document){.origins = {MAP_INIT}};
    arena_init(&d->arena, 65536);
    diag_init(&d->diags, &d->arena);
    d->model = model_create(&e);
    if (d->model == NULL)
        xalloc_die();
    return d;
}

static struct document *load(struct document *d, size_t rows_max)
{
    if (d->diags.error_count == 0) {
        loader_load(&d->program, d->model, rows_max, &d->origins);
        check(d);
    }
    diag_sort(&d->diags);
    return d;
}

struct document *document_load(const char *path)
{
    struct document *d = create();
    program_read(&d->program, path, &d->diags);
    return load(d, LOADER_ROWS_MAX);
}

struct document *document_load_text(const char *name, struct slice text, size_t rows_max)
{
    struct document *d = create();
    program_read_text(&d->program, name, text, &d->diags);
    return load(d, rows_max);
}

void document_destroy(struct document *d)
{
    if (d == NULL)
        return;
    model_unref(d->model);
    origins_fini(&d->origins);
    program_fini(&d->program);
    arena_fini(&d->arena);
    free(d);
}

bool document_is_valid(const struct document *d)
{
    return d->diags.error_count == 0;
}

const struct diag_list *document_diags(const struct document *d)
{
    return &d->diags;
}

struct model *document_model(const struct document *d)
{
    return document_is_valid(d) ? d->model : NULL;
}
