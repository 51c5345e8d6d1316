/* Walks down from `servers`, one function per level. A part that is wrong is reported and left out,
 * and the walk goes on beside it, so that one load shows everything that is wrong. */

#include "m2sh/lang/loader.h"

#include "m2sh/base/suggest.h"
#include "m2sh/base/xalloc.h"
#include "m2sh/lang/loader_row.h"
#include "proto/model/mime_default.h"

#include <stdio.h>

#define TARGETS_WANTED "Dir(...), Proxy(...), Handler(...), Redirect(...) or Status(...)"

/* What `n` leads to if it is an object of that class. */
static const struct node *want_object(struct loader *l, const struct node *n, const char *class)
{
    char wanted[60];
    snprintf(wanted, sizeof wanted, "%s(...)", class);
    const struct node *object = loader_want(l, n, NODE_OBJECT, wanted);
    if (object == NULL || slice_eq(object->text, slice_str(class)))
        return object;
    loader_report_unexpected(l, n, object, wanted);
    return NULL;
}

/* The list or dict of a parameter; NULL when it is absent or wrong. */
static const struct node *optional_parameter(struct loader *l, const struct node *object,
                                             const char *name, enum node_kind kind,
                                             const char *wanted)
{
    const struct node *n = loader_parameter(object, name);
    return n != NULL ? loader_want(l, n, kind, wanted) : NULL;
}

static void report_missing(struct loader *l, const struct node *object, const char *name,
                           const char *what)
{
    diag_error(l->diags, object->at, "found %.*s(...) without %s, expected %s=%s in it",
               SLICE_ARG(object->text), name, name, what);
}

static void report_class(struct loader *l, const struct node *written, const struct node *target)
{
    struct suggest s;
    suggest_init(&s, target->text);
    for (int t = 0; t < TABLE_COUNT; t++)
        if (schema_tables[t].target_type != NULL)
            suggest_offer(&s, slice_str(schema_tables[t].keyword));
    char wanted[160];
    snprintf(wanted, sizeof wanted, "%s%s%.*s%s", TARGETS_WANTED,
             s.best.len > 0 ? " (did you mean " : "", SLICE_ARG(s.best),
             s.best.len > 0 ? "?)" : "");
    loader_report_unexpected(l, written, target, wanted);
}

/* The row that a route leads to, made at first use; NULL after reporting. */
static const struct row *load_target(struct loader *l, const struct node *written)
{
    const struct node *target = program_resolve(l->program, written);
    if (target == NULL)
        return NULL;
    if (target->kind != NODE_OBJECT) {
        loader_report_unexpected(l, written, target, TARGETS_WANTED);
        return NULL;
    }
    struct slice key = slice_of(&target, sizeof target);
    const struct row *known = map_get(&l->targets, key);
    if (known != NULL)
        return known;
    int table = schema_table_of_keyword(target->text);
    if (table < 0 || schema_tables[table].target_type == NULL) {
        report_class(l, written, target);
        return NULL;
    }
    struct row *row = loader_add_object(l, (enum table_id)table, target);
    if (row != NULL && map_put(&l->targets, key, row, NULL) != 0)
        xalloc_die();
    return row;
}

/* Usually the value of a route is its target; Route(target=…, …) says more than that. */
static struct row *add_route(struct loader *l, const struct item *it, const struct row **target)
{
    const struct node *written = it->value, *route = program_resolve(l->program, written);
    bool is_route = route != NULL && route->kind == NODE_OBJECT &&
                    slice_eq(route->text, SLICE("Route"));
    if (is_route)
        written = loader_parameter(route, "target");
    if (written == NULL)
        report_missing(l, route, "target", "Dir(...) or another target");
    *target = written != NULL ? load_target(l, written) : NULL;
    if (*target == NULL)
        return NULL;
    return is_route ? loader_add_object(l, TABLE_ROUTE, route)
                    : loader_add_row(l, TABLE_ROUTE, it->key_at);
}

static void load_routes(struct loader *l, const struct row *host, const struct node *routes)
{
    for (const struct item *it = item_first(routes); it != NULL; it = item_next(it)) {
        const struct row *target;
        struct row *row = add_route(l, it, &target);
        if (row == NULL)
            continue;
        loader_set_text(l, row, ROUTE_PATH, it->key);
        row_set_int(row, ROUTE_HOST_ID, row_id(host));
        row_set_int(row, ROUTE_TARGET_ID, row_id(target));
        loader_set_text(l, row, ROUTE_TARGET_TYPE,
                        slice_str(schema_tables[target->table].target_type));
    }
}

static void load_host(struct loader *l, const struct row *server, const struct node *written)
{
    const struct node *host = want_object(l, written, "Host");
    struct row *row = host != NULL ? loader_add_object(l, TABLE_HOST, host) : NULL;
    if (row == NULL)
        return;
    row_set_int(row, HOST_SERVER_ID, row_id(server));
    if (row_text(row, HOST_MATCHING).len == 0)
        loader_set_text(l, row, HOST_MATCHING, row_text(row, HOST_NAME));
    if (loader_parameter(host, "routes") == NULL)
        report_missing(l, host, "routes", "{...}");
    load_routes(l, row,
                optional_parameter(l, host, "routes", NODE_DICT,
                                   "a dict for the parameter \"routes\" of Host"));
}

static void load_plugins(struct loader *l, const struct row *server, const struct node *list,
                         enum table_id table)
{
    for (const struct item *it = item_first(list); it != NULL; it = item_next(it)) {
        const struct node *plugin = want_object(l, it->value, schema_tables[table].keyword);
        struct row *row = plugin != NULL ? loader_add_object(l, table, plugin) : NULL;
        if (row != NULL)
            row_set_int(row, PLUGIN_SERVER_ID, row_id(server));
    }
}

static void load_server(struct loader *l, const struct node *written)
{
    const struct node *server = want_object(l, written, "Server");
    const struct row *row = server != NULL ? loader_add_object(l, TABLE_SERVER, server) : NULL;
    if (row == NULL)
        return;
    if (loader_parameter(server, "hosts") == NULL)
        report_missing(l, server, "hosts", "[...]");
    const struct node *hosts = optional_parameter(l, server, "hosts", NODE_LIST,
                                                  "a list for the parameter \"hosts\" of Server");
    for (const struct item *it = item_first(hosts); it != NULL; it = item_next(it))
        load_host(l, row, it->value);
    load_plugins(l, row,
                 optional_parameter(l, server, "filters", NODE_LIST,
                                    "a list for the parameter \"filters\" of Server"),
                 TABLE_FILTER);
    load_plugins(l, row,
                 optional_parameter(l, server, "xrequests", NODE_LIST,
                                    "a list for the parameter \"xrequests\" of Server"),
                 TABLE_XREQUEST);
}

static void load_servers(struct loader *l)
{
    const struct statement *s = program_find(l->program, "servers");
    if (s == NULL) {
        diag_error(l->diags, source_end(l->program->root),
                   "found the end of the file, expected servers = [...] somewhere before it");
        return;
    }
    const struct node *list = loader_want(l, s->value, NODE_LIST, "a list of Server(...)");
    for (const struct item *it = item_first(list); it != NULL; it = item_next(it))
        load_server(l, it->value);
}

/* The dict or list assigned to an optional top-level name. */
static const struct node *optional_top(struct loader *l, const char *name, enum node_kind kind,
                                       const char *wanted)
{
    const struct statement *s = program_find(l->program, name);
    return s != NULL ? loader_want(l, s->value, kind, wanted) : NULL;
}

static void load_settings(struct loader *l)
{
    const struct node *dict = optional_top(l, "settings", NODE_DICT, "a dict for settings");
    for (const struct item *it = item_first(dict); it != NULL; it = item_next(it)) {
        const struct node *value = program_resolve(l->program, it->value);
        if (value == NULL)
            continue;
        if (value->kind != NODE_STRING && value->kind != NODE_NUMBER) {
            loader_report_unexpected(l, it->value, value, "a string or number for a setting");
            continue;
        }
        struct row *row = loader_add_row(l, TABLE_SETTING, it->key_at);
        if (row == NULL)
            continue;
        loader_set_text(l, row, SETTING_KEY, it->key);
        loader_set_text(l, row, SETTING_VALUE, value->text);
    }
}

/* Sets the type of an extension: changes the default's row or adds one. */
static void set_mimetype(struct loader *l, struct map *rows, const struct item *it,
                         struct slice type)
{
    struct place place = source_place(it->key_at);
    struct row *row = map_get(rows, it->key);
    if (row == NULL) {
        row = loader_add_row(l, TABLE_MIMETYPE, it->key_at);
        if (row == NULL)
            return;
        loader_set_text(l, row, MIMETYPE_EXTENSION, it->key);
    } else if (row_set_place(l->model, row, place.file, place.line, place.column) != 0) {
        xalloc_die();
    }
    loader_set_text(l, row, MIMETYPE_MIMETYPE, type);
}

static void load_mimetypes(struct loader *l)
{
    struct error e;
    struct map rows = MAP_INIT; /* extension -> row of its default */
    if (mime_default_add(l->model, &e) != 0)
        xalloc_die();
    for (size_t i = 0; i < model_count(l->model, TABLE_MIMETYPE); i++) {
        struct row *row = model_row_edit(l->model, TABLE_MIMETYPE, i);
        if (map_put(&rows, row_text(row, MIMETYPE_EXTENSION), row, NULL) != 0)
            xalloc_die();
    }
    const struct node *dict = optional_top(l, "mimetypes", NODE_DICT, "a dict for mimetypes");
    for (const struct item *it = item_first(dict); it != NULL; it = item_next(it)) {
        const struct node *type = loader_want(l, it->value, NODE_STRING,
                                              "a string \"type/subtype\"");
        if (type != NULL)
            set_mimetype(l, &rows, it, type->text);
    }
    map_fini(&rows, NULL);
}

/* `expect` is our addition: an upstream configuration may use the name for something else. */
static void load_expects(struct loader *l)
{
    const struct statement *s = program_find(l->program, "expect");
    const struct node *list = s != NULL ? program_resolve(l->program, s->value) : NULL;
    if (list != NULL && list->kind != NODE_LIST) {
        diag_warning(l->diags, s->at,
                     "\"expect\" is no list of routing tests here; it is taken for a name");
        return;
    }
    for (const struct item *it = item_first(list); it != NULL; it = item_next(it)) {
        const struct node *text = loader_want(l, it->value, NODE_STRING,
                                              "a string \"METHOD URL -> KIND NAME\"");
        struct row *row = text != NULL ? loader_add_row(l, TABLE_EXPECT, it->key_at) : NULL;
        if (row != NULL)
            loader_set_text(l, row, EXPECT_TEXT, text->text);
    }
}

void loader_load(const struct program *program, struct model *model, size_t rows_max,
                 struct origins *origins)
{
    struct loader l = {.program = program,
                       .diags = program->diags,
                       .model = model,
                       .origins = origins,
                       .targets = MAP_INIT,
                       .rows_left = rows_max};
    load_servers(&l);
    load_settings(&l);
    load_mimetypes(&l);
    load_expects(&l);
    map_fini(&l.targets, NULL);
}
