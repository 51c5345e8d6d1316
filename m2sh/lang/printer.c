/* Strings have no escapes, so a value can be written only with a quote that does not occur in it
 * (or only behind a backslash, which then is part of the value, as it was when it was read). */

#include "m2sh/lang/printer.h"

#include "m2sh/base/xalloc.h"
#include "m2sh/lang/printer_settings.h"
#include "m2sh/lang/row_groups.h"
#include "proto/base/map.h"
#include "proto/model/mime_default.h"

#include <stdio.h>

struct printer {
    const struct model *model;
    struct buf *out;
    struct error *error;
    struct arena arena;
    struct row_groups hosts, routes, filters, xrequests;
    struct map names; /* address of a target row -> its name, for those used more than once */
};

/* Would a string opened by `quote` end exactly at the value's end? */
static bool fits_quote(struct slice value, char quote)
{
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == quote || value.ptr[i] == '\0')
            return false;
        if (value.ptr[i] == '\\' && ++i >= value.len)
            return false; /* the closing quote would belong to the value */
        if (i < value.len && value.ptr[i] == '\0')
            return false;
    }
    return true;
}

int printer_put_string(struct slice value, struct buf *out, struct error *e)
{
    char quote = fits_quote(value, '"') ? '"' : '\'';
    if (quote == '\'' && !fits_quote(value, quote))
        return error_set(e, ERROR_UNSUPPORTED,
                         "The value <%.*s> can't be written in the configuration language: it has "
                         "both kinds of quotes, a NUL byte or a backslash at its end.",
                         (int)(value.len < 200 ? value.len : 200), value.ptr);
    buf_append_char(out, quote);
    buf_append_slice(out, value);
    buf_append_char(out, quote);
    return 0;
}

static int put_number(struct printer *p, int64_t n)
{
    if (n < 0)
        return error_set(p->error, ERROR_UNSUPPORTED,
                         "The number %lld can't be written in the configuration language.",
                         (long long)n);
    buf_append_int(p->out, n);
    return 0;
}

static void indent(struct printer *p, unsigned depth)
{
    buf_printf(p->out, "\n%*s", (int)depth * 4, "");
}

/* "host:port unix:/path" as a list of strings. */
static int put_words(struct printer *p, struct slice words)
{
    const char *between = "[";
    while (words.len > 0) {
        struct slice word = slice_of(words.ptr, slice_find(words, ' '));
        words = slice_from(words, word.len);
        while (words.len > 0 && words.ptr[0] == ' ')
            words = slice_from(words, 1);
        buf_append_str(p->out, between);
        if (printer_put_string(word, p->out, p->error) != 0)
            return -1;
        between = ", ";
    }
    buf_append_str(p->out, "]");
    return 0;
}

static bool is_default(const struct row *row, size_t column)
{
    const struct column *c = &schema_tables[row->table].columns[column];
    const struct value *v = &row->values[column];
    if (row->table == TABLE_HOST && column == HOST_MATCHING)
        return v->text.len == 0 || slice_eq(v->text, row_text(row, HOST_NAME));
    if (c->flags & COLUMN_REQUIRED)
        return v->kind == VALUE_NULL;
    if (c->type == COLUMN_INT)
        return v->kind != VALUE_INT || v->n == c->default_int;
    return v->kind != VALUE_TEXT || slice_eq(v->text, slice_str(c->default_text));
}

static int put_value(struct printer *p, const struct row *row, size_t column)
{
    const struct value *v = &row->values[column];
    bool is_plugin = row->table == TABLE_FILTER || row->table == TABLE_XREQUEST;
    if (v->kind == VALUE_INT)
        return put_number(p, v->n);
    if (is_plugin && column == PLUGIN_SETTINGS)
        return printer_put_settings(v->text, p->out, p->error);
    if (row->table == TABLE_PROXY && column == PROXY_UPSTREAMS)
        return put_words(p, v->text);
    return printer_put_string(v->text, p->out, p->error);
}

/* `, name=value` for each column that differs from its default; `*first` says whether a comma is
 * due, `depth` above 0 gives each a line of its own. */
static int put_parameters(struct printer *p, const struct row *row, unsigned depth, bool *first)
{
    const struct table *t = &schema_tables[row->table];
    for (size_t i = 0; i < t->column_count; i++) {
        if (t->columns[i].keyword == NULL || is_default(row, i))
            continue;
        if (!*first)
            buf_append_str(p->out, depth > 0 ? "," : ", ");
        if (depth > 0)
            indent(p, depth);
        *first = false;
        buf_printf(p->out, "%s=", t->columns[i].keyword);
        if (put_value(p, row, i) != 0) {
            snprintf(p->error->object, sizeof p->error->object, "%s %lld, %s", t->name,
                     (long long)row_id(row), t->columns[i].keyword);
            return -1;
        }
    }
    return 0;
}

static int put_object(struct printer *p, const struct row *row)
{
    bool first = true;
    buf_printf(p->out, "%s(", schema_tables[row->table].keyword);
    if (put_parameters(p, row, 0, &first) != 0)
        return -1;
    buf_append_char(p->out, ')');
    return 0;
}

static const struct row *target_of(struct printer *p, const struct row *route)
{
    int table = schema_table_of_target(row_text(route, ROUTE_TARGET_TYPE));
    const struct row *target = table >= 0 ? model_find(p->model, (enum table_id)table,
                                                       row_int(route, ROUTE_TARGET_ID))
                                          : NULL;
    if (target == NULL)
        error_set(p->error, ERROR_INVALID,
                  "Route %lld, \"%s\", leads to %s %lld, which is not there.",
                  (long long)row_id(route), row_str(route, ROUTE_PATH),
                  row_str(route, ROUTE_TARGET_TYPE), (long long)row_int(route, ROUTE_TARGET_ID));
    return target;
}

/* Gives a name to each target that two routes lead to, and writes its assignment. */
static int put_shared_targets(struct printer *p)
{
    struct map seen = MAP_INIT;
    unsigned counts[TABLE_COUNT] = {0};
    int result = 0;
    for (size_t i = 0; result == 0 && i < model_count(p->model, TABLE_ROUTE); i++) {
        const struct row *target = target_of(p, model_row(p->model, TABLE_ROUTE, i));
        struct slice key = slice_of(&target, sizeof target);
        if (target == NULL) {
            result = -1;
        } else if (map_get(&seen, key) == NULL) {
            if (map_put(&seen, key, p, NULL) != 0)
                xalloc_die();
        } else if (map_get(&p->names, key) == NULL) {
            char *name = xarena_printf(&p->arena, "%s_%u", schema_tables[target->table].target_type,
                                       ++counts[target->table]);
            if (map_put(&p->names, key, name, NULL) != 0)
                xalloc_die();
            buf_printf(p->out, "%s = ", name);
            result = put_object(p, target);
            buf_append_str(p->out, "\n");
        }
    }
    if (map_count(&p->names) > 0)
        buf_append_str(p->out, "\n");
    map_fini(&seen, NULL);
    return result;
}

static int put_target(struct printer *p, const struct row *target)
{
    const char *name = map_get(&p->names, slice_of(&target, sizeof target));
    if (name == NULL)
        return put_object(p, target);
    buf_append_str(p->out, name);
    return 0;
}

static int put_route(struct printer *p, const struct row *route)
{
    const struct row *target = target_of(p, route);
    if (target == NULL || printer_put_string(row_text(route, ROUTE_PATH), p->out, p->error) != 0)
        return -1;
    buf_append_str(p->out, ": ");
    if (is_default(route, ROUTE_REQUEST_TIMEOUT))
        return put_target(p, target);
    bool first = false;
    buf_append_str(p->out, "Route(target=");
    if (put_target(p, target) != 0 || put_parameters(p, route, 0, &first) != 0)
        return -1;
    buf_append_char(p->out, ')');
    return 0;
}

/* The rows of a group that belong to `owner`, each on a line and written by `put`. */
static int put_owned(struct printer *p, const struct row_groups *group, const struct row *owner,
                     unsigned depth, int (*put)(struct printer *p, const struct row *row))
{
    size_t count;
    const struct row *const *rows = row_groups_find(group, owner, &count);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_append_char(p->out, ',');
        indent(p, depth);
        if (put(p, rows[i]) != 0)
            return -1;
    }
    return 0;
}

static int put_host(struct printer *p, const struct row *host)
{
    bool first = true;
    buf_append_str(p->out, "Host(");
    if (put_parameters(p, host, 0, &first) != 0)
        return -1;
    buf_append_str(p->out, first ? "routes={" : ", routes={");
    if (put_owned(p, &p->routes, host, 3, put_route) != 0)
        return -1;
    buf_append_str(p->out, "})");
    return 0;
}

static int put_plugins(struct printer *p, const struct row_groups *plugins, const char *parameter,
                       const struct row *server)
{
    size_t count;
    row_groups_find(plugins, server, &count);
    if (count == 0)
        return 0;
    buf_printf(p->out, ",\n    %s=[", parameter);
    if (put_owned(p, plugins, server, 2, put_object) != 0)
        return -1;
    buf_append_str(p->out, "]");
    return 0;
}

static int put_server(struct printer *p, const struct row *server)
{
    bool first = true;
    buf_append_str(p->out, "Server(");
    if (put_parameters(p, server, 1, &first) != 0)
        return -1;
    buf_append_str(p->out, first ? "\n    hosts=[" : ",\n    hosts=[");
    if (put_owned(p, &p->hosts, server, 2, put_host) != 0)
        return -1;
    buf_append_str(p->out, "]");
    if (put_plugins(p, &p->filters, "filters", server) != 0 ||
        put_plugins(p, &p->xrequests, "xrequests", server) != 0)
        return -1;
    buf_append_str(p->out, ")");
    return 0;
}

static int put_servers(struct printer *p)
{
    buf_append_str(p->out, "servers = [");
    for (size_t i = 0; i < model_count(p->model, TABLE_SERVER); i++) {
        if (i > 0)
            buf_append_str(p->out, ", ");
        if (put_server(p, model_row(p->model, TABLE_SERVER, i)) != 0)
            return -1;
    }
    buf_append_str(p->out, "]\n");
    return 0;
}

/* One `"key": value` of settings or mimetypes. */
static int put_pair(struct printer *p, bool *first, const char *name, struct slice key,
                    struct slice value)
{
    buf_printf(p->out, *first ? "\n%s = {" : ",", name);
    *first = false;
    indent(p, 1);
    if (printer_put_string(key, p->out, p->error) != 0)
        return -1;
    buf_append_str(p->out, ": ");
    bool is_number = value.len > 0;
    for (size_t i = 0; i < value.len; i++)
        is_number &= value.ptr[i] >= '0' && value.ptr[i] <= '9';
    if (!is_number)
        return printer_put_string(value, p->out, p->error);
    buf_append_slice(p->out, value);
    return 0;
}

static int put_settings(struct printer *p)
{
    bool first = true;
    for (size_t i = 0; i < model_count(p->model, TABLE_SETTING); i++) {
        const struct row *row = model_row(p->model, TABLE_SETTING, i);
        if (put_pair(p, &first, "settings", row_text(row, SETTING_KEY),
                     row_text(row, SETTING_VALUE)) != 0)
            return -1;
    }
    buf_append_str(p->out, first ? "" : "\n}\n");
    return 0;
}

static int put_mimetypes(struct printer *p)
{
    bool first = true;
    for (size_t i = 0; i < model_count(p->model, TABLE_MIMETYPE); i++) {
        const struct row *row = model_row(p->model, TABLE_MIMETYPE, i);
        const char *usual = mime_default_find(row_text(row, MIMETYPE_EXTENSION));
        if (usual != NULL && slice_eq(row_text(row, MIMETYPE_MIMETYPE), slice_str(usual)))
            continue;
        if (put_pair(p, &first, "mimetypes", row_text(row, MIMETYPE_EXTENSION),
                     row_text(row, MIMETYPE_MIMETYPE)) != 0)
            return -1;
    }
    buf_append_str(p->out, first ? "" : "\n}\n");
    return 0;
}

static int put_expects(struct printer *p)
{
    size_t count = model_count(p->model, TABLE_EXPECT);
    for (size_t i = 0; i < count; i++) {
        buf_append_str(p->out, i == 0 ? "\nexpect = [" : ",");
        indent(p, 1);
        if (printer_put_string(row_text(model_row(p->model, TABLE_EXPECT, i), EXPECT_TEXT), p->out,
                               p->error) != 0)
            return -1;
    }
    buf_append_str(p->out, count == 0 ? "" : "\n]\n");
    return 0;
}

int printer_print(const struct model *m, struct buf *out, struct error *e)
{
    struct error ignored;
    struct printer p = {
        .model = m, .out = out, .error = e != NULL ? e : &ignored, .names = MAP_INIT};
    arena_init(&p.arena, 0);
    row_groups_init(&p.hosts, m, TABLE_HOST, HOST_SERVER_ID);
    row_groups_init(&p.routes, m, TABLE_ROUTE, ROUTE_HOST_ID);
    row_groups_init(&p.filters, m, TABLE_FILTER, PLUGIN_SERVER_ID);
    row_groups_init(&p.xrequests, m, TABLE_XREQUEST, PLUGIN_SERVER_ID);
    int result = put_shared_targets(&p) != 0 || put_servers(&p) != 0 || put_settings(&p) != 0 ||
                         put_mimetypes(&p) != 0 || put_expects(&p) != 0
                     ? -1
                     : 0;
    xbuf_str(out);
    row_groups_fini(&p.hosts);
    row_groups_fini(&p.routes);
    row_groups_fini(&p.filters);
    row_groups_fini(&p.xrequests);
    map_fini(&p.names, NULL);
    arena_fini(&p.arena);
    return result;
}
