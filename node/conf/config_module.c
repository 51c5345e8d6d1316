/* The calls come in Mongrel2's order. An answer is valid until the next call, so each becomes rows
 * at once. */

#include "node/conf/config_module.h"

#include "node/conf/config_rows.h"
#include "node/plugin/library.h"
#include "node/plugin/mongrel2/plugin.h"
#include "node/plugin/values.h"
#include "proto/base/map.h"

#include <stdio.h>
#include <stdlib.h>

/* The functions that load the target of a route: from a number to its row. */
typedef struct m2_bytes load_target_fn(int64_t id);

static const struct {
    enum table_id table;
    const char *function;
    bool may_be_missing;
} target_loads[] = {
    {TABLE_DIRECTORY, "config_load_dir", false},   {TABLE_PROXY, "config_load_proxy", false},
    {TABLE_HANDLER, "config_load_handler", false}, {TABLE_REDIRECT, "config_load_redirect", true},
    {TABLE_STATUS, "config_load_status", true},
};
enum { TARGET_LOADS = sizeof target_loads / sizeof target_loads[0] };

struct config_module {
    struct library library;
    struct m2_api api;
    char path[4096];
    int (*init)(const struct m2_api *api, const char *url);
    void (*close)(void);
    struct m2_bytes (*settings)(void);
    struct m2_bytes (*mimetypes)(void);
    struct m2_bytes (*server)(const char *uuid);
    struct m2_bytes (*hosts)(int64_t server_id);
    struct m2_bytes (*routes)(int64_t host_id, int64_t server_id);
    struct m2_bytes (*filters)(int64_t server_id);
    struct m2_bytes (*xrequests)(int64_t server_id); /* NULL: there are none */
    load_target_fn *targets[TARGET_LOADS];           /* NULL: likewise */
};

/* ---- loading it --------------------------------------------------------------------------- */

static int find_functions(struct config_module *c, struct error *e)
{
#define FIND(member, name, may_be_missing)                                                     \
    do {                                                                                       \
        void (*found)(void) = library_function(&c->library, c->path, name, may_be_missing, e); \
        if (found == NULL && !(may_be_missing))                                                \
            return -1;                                                                         \
        c->member = (__typeof__(c->member))found;                                              \
    } while (0)
    FIND(init, "config_init", false);
    FIND(close, "config_close", false);
    FIND(settings, "config_load_settings", false);
    FIND(mimetypes, "config_load_mimetypes", false);
    FIND(server, "config_load_server", false);
    FIND(hosts, "config_load_hosts", false);
    FIND(routes, "config_load_routes", false);
    FIND(filters, "config_load_filters", false);
    FIND(xrequests, "config_load_xrequests", true);
    for (size_t i = 0; i < TARGET_LOADS; i++)
        FIND(targets[i], target_loads[i].function, target_loads[i].may_be_missing);
#undef FIND
    return 0;
}

int config_module_open(struct config_module **out, const char *path, struct error *e)
{
    struct config_module *c = calloc(1, sizeof *c);
    if (c == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    snprintf(c->path, sizeof c->path, "%s", path);
    plugin_api_values(&c->api);
    if (library_open(&c->library, path, e) != 0) {
        free(c);
        return -1;
    }
    if (find_functions(c, e) != 0) {
        config_module_close(c);
        return -1;
    }
    *out = c;
    return 0;
}

void config_module_close(struct config_module *c)
{
    if (c == NULL)
        return;
    library_close(&c->library);
    free(c);
}

/* ---- asking it ---------------------------------------------------------------------------- */

static int take(struct model *m, enum table_id table, struct m2_bytes answer, const char *function,
                struct error *e)
{
    if (answer.ptr == NULL)
        return error_set_object(
            e, ERROR_IO, function,
            "%s gives nothing; the module's lines in the error log may tell why.", function);
    return config_rows_add(m, table, slice_of(answer.ptr, answer.len), function, e);
}

/* One load on its way. */
struct loading {
    struct config_module *module;
    struct model *model;
    struct map targets; /* that are in the model: key struct target_key */
    int64_t server_id;
};

struct target_key {
    int64_t load, id;
};

static int take_one(struct model *m, enum table_id table, struct m2_bytes answer,
                    const char *function, struct error *e)
{
    size_t before = model_count(m, table);
    if (take(m, table, answer, function, e) != 0)
        return -1;
    size_t got = model_count(m, table) - before;
    return got == 1 ? 0
                    : error_set_object(e, ERROR_INVALID, function,
                                       "%s gives %zu rows where one is asked for.", function, got);
}

static int load_server(struct loading *l, const char *uuid, struct error *e)
{
    struct model *m = l->model;
    if (take_one(m, TABLE_SERVER, l->module->server(uuid), "config_load_server", e) != 0)
        return -1;
    const struct row *server = model_row(m, TABLE_SERVER, 0);
    l->server_id = row_id(server);
    if (slice_eq(row_text(server, SERVER_UUID), slice_str(uuid)))
        return 0;
    return error_set_object(e, ERROR_INVALID, "config_load_server",
                            "config_load_server gives the server %s, not %s.",
                            row_str(server, SERVER_UUID), uuid);
}

/* Many routes lead to one target, and many modules ask over a network. */
static int load_target(struct loading *l, size_t load, int64_t id, struct error *e)
{
    enum table_id table = target_loads[load].table;
    const char *function = target_loads[load].function;
    struct target_key key = {(int64_t)load, id};
    struct slice name = slice_of((const char *)&key, sizeof key);
    if (map_get(&l->targets, name) != NULL)
        return 0;
    if (l->module->targets[load] == NULL)
        return error_set_object(e, ERROR_UNSUPPORTED, function,
                                "A route leads to %s %lld, and the module %s has no function %s.",
                                schema_tables[table].target_type, (long long)id, l->module->path,
                                function);
    if (take_one(l->model, table, l->module->targets[load](id), function, e) != 0)
        return -1;
    int64_t got = row_id(model_row(l->model, table, model_count(l->model, table) - 1));
    if (got != id)
        return error_set_object(e, ERROR_INVALID, function, "%s gives row %lld, not %lld.",
                                function, (long long)got, (long long)id);
    if (map_put(&l->targets, name, l, NULL) != 0)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    return 0;
}

/* What kind of target it is when there is none of this name is for the check to say. */
static int load_target_of(struct loading *l, const struct row *route, struct error *e)
{
    int table = schema_table_of_target(row_text(route, ROUTE_TARGET_TYPE));
    for (size_t i = 0; i < TARGET_LOADS; i++)
        if ((int)target_loads[i].table == table)
            return load_target(l, i, row_int(route, ROUTE_TARGET_ID), e);
    return 0;
}

/* All rows from `first` on belong to `owner`. */
static void set_owner(struct model *m, enum table_id table, size_t first, size_t column,
                      int64_t owner)
{
    for (size_t i = first; i < model_count(m, table); i++)
        row_set_int(model_row_edit(m, table, i), column, owner);
}

static int load_routes(struct loading *l, int64_t host_id, struct error *e)
{
    struct model *m = l->model;
    size_t first = model_count(m, TABLE_ROUTE);
    if (take(m, TABLE_ROUTE, l->module->routes(host_id, l->server_id), "config_load_routes", e) !=
        0)
        return -1;
    set_owner(m, TABLE_ROUTE, first, ROUTE_HOST_ID, host_id);
    for (size_t i = first; i < model_count(m, TABLE_ROUTE); i++)
        if (load_target_of(l, model_row(m, TABLE_ROUTE, i), e) != 0)
            return -1;
    return 0;
}

static int load_hosts(struct loading *l, struct error *e)
{
    struct model *m = l->model;
    if (take(m, TABLE_HOST, l->module->hosts(l->server_id), "config_load_hosts", e) != 0)
        return -1;
    set_owner(m, TABLE_HOST, 0, HOST_SERVER_ID, l->server_id);
    for (size_t i = 0; i < model_count(m, TABLE_HOST); i++)
        if (load_routes(l, row_id(model_row(m, TABLE_HOST, i)), e) != 0)
            return -1;
    return 0;
}

static int load_plugins(struct loading *l, struct error *e)
{
    struct config_module *c = l->module;
    struct model *m = l->model;
    if (take(m, TABLE_FILTER, c->filters(l->server_id), "config_load_filters", e) != 0)
        return -1;
    if (c->xrequests != NULL &&
        take(m, TABLE_XREQUEST, c->xrequests(l->server_id), "config_load_xrequests", e) != 0)
        return -1;
    set_owner(m, TABLE_FILTER, 0, PLUGIN_SERVER_ID, l->server_id);
    set_owner(m, TABLE_XREQUEST, 0, PLUGIN_SERVER_ID, l->server_id);
    return 0;
}

static int load_all(struct loading *l, const char *uuid, struct error *e)
{
    struct config_module *c = l->module;
    if (take(l->model, TABLE_SETTING, c->settings(), "config_load_settings", e) != 0 ||
        take(l->model, TABLE_MIMETYPE, c->mimetypes(), "config_load_mimetypes", e) != 0 ||
        load_server(l, uuid, e) != 0 || load_hosts(l, e) != 0 || load_plugins(l, e) != 0)
        return -1;
    return model_freeze(l->model, e);
}

int config_module_read(struct config_module *c, const char *url, const char *uuid,
                       struct model **out, struct error *e)
{
    struct loading l = {.module = c, .targets = MAP_INIT};
    if (c->init(&c->api, url) != 0)
        return error_set_object(e, ERROR_REFUSED, c->path,
                                "The configuration module %s does not begin with \"%s\".", c->path,
                                url);
    l.model = model_create(e);
    int result = l.model != NULL ? load_all(&l, uuid, e) : -1;
    c->close();
    map_fini(&l.targets, NULL);
    if (result != 0)
        model_unref(l.model);
    else
        *out = l.model;
    return result;
}
