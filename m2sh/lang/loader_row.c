/* The schema says which keywords an object has and of what type they are, so a new column needs no
 * line here. Unknown parameters and duplicate keys are warnings, because upstream takes them
 * without a word and its configurations must load unchanged. */

#include "m2sh/lang/loader_row.h"

#include "m2sh/base/suggest.h"
#include "m2sh/base/xalloc.h"
#include "m2sh/lang/node_text.h"
#include "m2sh/lang/plugin_settings.h"

#include <stdio.h>

/* Parameters that are not columns: what they hold becomes rows of other tables. */
static const struct structural {
    enum table_id table;
    const char *name;
} structurals[] = {
    {TABLE_SERVER, "hosts"}, {TABLE_SERVER, "filters"}, {TABLE_SERVER, "xrequests"},
    {TABLE_HOST, "routes"},  {TABLE_ROUTE, "target"},
};
#define STRUCTURAL_COUNT (sizeof structurals / sizeof structurals[0])

static bool is_structural(enum table_id table, struct slice name)
{
    for (size_t i = 0; i < STRUCTURAL_COUNT; i++)
        if (structurals[i].table == table && slice_eq(name, slice_str(structurals[i].name)))
            return true;
    return false;
}

struct row *loader_add_row(struct loader *l, enum table_id table, struct position at)
{
    struct error e;
    struct place place = source_place(at);
    if (l->rows_left == 0) {
        diag_error(l->diags, at, "found more objects, routes and settings than fit a model");
        return NULL;
    }
    l->rows_left--;
    struct row *row = model_add(l->model, table, &e);
    if (row == NULL || row_set_place(l->model, row, place.file, place.line, place.column) != 0)
        xalloc_die();
    return row;
}

void loader_set_text(struct loader *l, struct row *row, size_t column, struct slice text)
{
    struct error e;
    if (row_set_text(l->model, row, column, text, &e) != 0)
        xalloc_die();
}

bool loader_number(struct slice digits, int64_t *out)
{
    int64_t n = 0;
    for (size_t i = 0; i < digits.len; i++)
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, digits.ptr[i] - '0', &n))
            return false;
    *out = n;
    return true;
}

void loader_report_unexpected(struct loader *l, const struct node *n, const struct node *resolved,
                              const char *wanted)
{
    struct buf found = BUF_INIT;
    node_describe(n, resolved, &found);
    diag_error(l->diags, n->at, "found %s, expected %s", xbuf_str(&found), wanted);
    buf_fini(&found);
}

const struct node *loader_want(struct loader *l, const struct node *n, enum node_kind kind,
                               const char *wanted)
{
    const struct node *resolved = program_resolve(l->program, n);
    if (resolved == NULL || resolved->kind == kind)
        return resolved;
    loader_report_unexpected(l, n, resolved, wanted);
    return NULL;
}

const struct node *loader_parameter(const struct node *object, const char *name)
{
    for (const struct item *it = item_first(object); it != NULL; it = item_next(it))
        if (slice_eq(it->key, slice_str(name)))
            return it->value;
    return NULL;
}

static void warn_of_unknown(struct loader *l, enum table_id table, const struct item *it)
{
    const struct table *t = &schema_tables[table];
    struct suggest s;
    suggest_init(&s, it->key);
    for (size_t i = 0; i < t->column_count; i++)
        suggest_offer(&s, slice_str(t->columns[i].keyword));
    for (size_t i = 0; i < STRUCTURAL_COUNT; i++)
        if (structurals[i].table == table)
            suggest_offer(&s, slice_str(structurals[i].name));
    diag_warning(l->diags, it->key_at, "%s has no parameter \"%.*s\"; it is ignored%s%.*s%s",
                 t->keyword, SLICE_ARG(it->key), s.best.len > 0 ? " (did you mean \"" : "",
                 SLICE_ARG(s.best), s.best.len > 0 ? "\"?)" : "");
}

static bool is_upstream(struct slice text)
{
    return text.len > 0 && slice_find(text, ' ') == text.len;
}

/* A list of strings becomes one text, separated by spaces. One that is wrong is reported and
 * replaced, so that the check does not report it again in other words. */
static void set_upstreams(struct loader *l, struct row *row, const struct node *written)
{
    static const char wanted[] = "a string \"host:port\" or \"unix:/path\" in the list";
    struct buf text = BUF_INIT;
    const struct node *list = loader_want(l, written, NODE_LIST,
                                          "a list of strings for the parameter \"upstreams\" of "
                                          "Proxy");
    for (const struct item *it = item_first(list); it != NULL; it = item_next(it)) {
        const struct node *n = loader_want(l, it->value, NODE_STRING, wanted);
        if (n != NULL && !is_upstream(n->text))
            loader_report_unexpected(l, it->value, n, wanted);
        buf_append_str(&text, text.len > 0 ? " " : "");
        buf_append_slice(&text, n != NULL && is_upstream(n->text) ? n->text : SLICE("unix:/-"));
    }
    if (list == NULL)
        buf_append_str(&text, "unix:/-");
    xbuf_str(&text);
    loader_set_text(l, row, PROXY_UPSTREAMS, buf_slice(&text));
    buf_fini(&text);
}

static void set_number(struct loader *l, struct row *row, size_t column, const struct node *written,
                       const char *wanted)
{
    int64_t n;
    const struct node *number = loader_want(l, written, NODE_NUMBER, wanted);
    if (number == NULL)
        return;
    if (loader_number(number->text, &n))
        row_set_int(row, column, n);
    else
        loader_report_unexpected(l, written, number, "a number below 2^63");
}

static void set_column(struct loader *l, struct row *row, size_t column, const struct node *written)
{
    const struct table *t = &schema_tables[row->table];
    const struct column *c = &t->columns[column];
    char wanted[120];
    snprintf(wanted, sizeof wanted, "a %s for the parameter \"%s\" of %s",
             c->type == COLUMN_INT ? "number" : "string", c->keyword, t->keyword);
    if ((row->table == TABLE_FILTER || row->table == TABLE_XREQUEST) && column == PLUGIN_SETTINGS)
        plugin_settings_set(l, row, written);
    else if (row->table == TABLE_PROXY && column == PROXY_UPSTREAMS)
        set_upstreams(l, row, written);
    else if (c->type == COLUMN_INT)
        set_number(l, row, column, written, wanted);
    else {
        const struct node *string = loader_want(l, written, NODE_STRING, wanted);
        if (string != NULL)
            loader_set_text(l, row, column, string->text);
    }
}

struct row *loader_add_object(struct loader *l, enum table_id table, const struct node *object)
{
    struct row *row = loader_add_row(l, table, object->at);
    if (row == NULL)
        return NULL;
    if (map_put(&l->origins->nodes, slice_of(&row, sizeof row), (void *)(uintptr_t)object, NULL) !=
        0)
        xalloc_die();
    for (const struct item *it = item_first(object); it != NULL; it = item_next(it)) {
        if (is_structural(table, it->key))
            continue;
        int column = schema_column_of_keyword(&schema_tables[table], it->key);
        if (column < 0)
            warn_of_unknown(l, table, it);
        else
            set_column(l, row, (size_t)column, it->value);
    }
    return row;
}

struct position origins_find(const struct origins *o, const struct row *row, size_t column)
{
    const struct node *object = map_get(&o->nodes, slice_of(&row, sizeof row));
    if (object == NULL)
        return (struct position){NULL, 0};
    const char *keyword = column < schema_tables[row->table].column_count
                              ? schema_tables[row->table].columns[column].keyword
                              : NULL;
    const struct node *value = keyword != NULL ? loader_parameter(object, keyword) : NULL;
    return value != NULL ? value->at : object->at;
}

void origins_fini(struct origins *o)
{
    map_fini(&o->nodes, NULL);
}
