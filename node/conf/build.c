/* Targets first reached by a route are made once per row, however many routes lead there. */

#include "node/conf/build.h"

#include "node/conf/build_tls.h"
#include "node/worker.h"
#include "proto/base/log.h"
#include "proto/base/map.h"
#include "proto/http/mime.h"
#include "proto/model/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct build {
    struct snapshot_build base;
    const struct target_ops *const *kinds;
    struct map made; /* "TABLE ID" -> struct target, those in snapshot->targets */
    size_t target_room;
};

static void load_settings(struct settings *s, const struct model *m)
{
    s->head_bytes = (size_t)setting_int(m, SETTING_LIMITS_BUFFER_SIZE);
    s->url_path = (size_t)setting_int(m, SETTING_LIMITS_URL_PATH);
    s->header_count = (unsigned)setting_int(m, SETTING_LIMITS_HEADER_COUNT);
    s->content_length = (uint64_t)setting_int(m, SETTING_LIMITS_CONTENT_LENGTH);
    s->output_queue = (uint64_t)setting_int(m, SETTING_LIMITS_OUTPUT_QUEUE);
    s->websocket_message = (uint64_t)setting_int(m, SETTING_LIMITS_WEBSOCKET_MESSAGE);
    s->upload_file = setting_text(m, SETTING_UPLOAD_TEMP_STORE);
    s->upload_mode = (unsigned)setting_int(m, SETTING_UPLOAD_TEMP_STORE_MODE);
    s->upload_stream = setting_bool(m, SETTING_UPLOAD_STREAM);
    s->flow_control = setting_bool(m, SETTING_DOWNLOAD_FLOW_CONTROL);
    s->handler_targets = (unsigned)setting_int(m, SETTING_LIMITS_HANDLER_TARGETS);
    s->min_ping_s = (unsigned)setting_int(m, SETTING_LIMITS_MIN_PING);
    s->min_read_rate = (unsigned)setting_int(m, SETTING_LIMITS_MIN_READ_RATE);
    s->min_write_rate = (unsigned)setting_int(m, SETTING_LIMITS_MIN_WRITE_RATE);
    s->kill_limit = (unsigned)setting_int(m, SETTING_LIMITS_KILL_LIMIT);
    s->tick_s = (unsigned)setting_int(m, SETTING_LIMITS_TICK_TIMER);
    s->header_timeout_s = (unsigned)setting_int(m, SETTING_LIMITS_HEADER_TIMEOUT);
    s->body_timeout_s = (unsigned)setting_int(m, SETTING_LIMITS_BODY_TIMEOUT);
    s->drain_timeout_s = (unsigned)setting_int(m, SETTING_LIMITS_DRAIN_TIMEOUT);
    s->idle_timeout_s = (unsigned)setting_int(m, SETTING_LIMITS_IDLE_TIMEOUT);
    s->check_interval_s = (unsigned)setting_int(m, SETTING_PROXY_CHECK_INTERVAL);
    s->check_timeout_s = (unsigned)setting_int(m, SETTING_PROXY_CHECK_TIMEOUT);
    s->check_rise = (unsigned)setting_int(m, SETTING_PROXY_CHECK_RISE);
    s->check_fall = (unsigned)setting_int(m, SETTING_PROXY_CHECK_FALL);
    s->tunnel_timeout_s = (unsigned)setting_int(m, SETTING_PROXY_TUNNEL_TIMEOUT);
    s->tcp_keepalive = setting_bool(m, SETTING_NET_TCP_KEEPALIVE);
    s->websocket_deflate = setting_bool(m, SETTING_WEBSOCKET_DEFLATE);
    s->no_clobber_xff = setting_bool(m, SETTING_NO_CLOBBER_XFF);
    s->relaxed_target = setting_bool(m, SETTING_REQUEST_RELAXED);
    s->access_log = !setting_bool(m, SETTING_DISABLE_ACCESS_LOGGING);
    s->access_log_json = slice_eq(slice_str(setting_text(m, SETTING_ACCESS_LOG_FORMAT)),
                                  SLICE("json"));
}

static int load_mime(struct snapshot *s, struct error *e)
{
    size_t count = model_count(s->model, TABLE_MIMETYPE);
    struct mime_entry *entries = calloc(count + 1, sizeof *entries);
    if (entries == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    for (size_t i = 0; i < count; i++) {
        const struct row *r = model_row(s->model, TABLE_MIMETYPE, i);
        entries[i].extension = row_text(r, MIMETYPE_EXTENSION);
        entries[i].type = row_text(r, MIMETYPE_MIMETYPE);
    }
    int result = mime_table_build(&s->mime, entries, count, &s->arena, e);
    free(entries);
    return result;
}

static const struct target_ops *kind_of(const struct build *b, struct slice word)
{
    for (const struct target_ops *const *k = b->kinds; *k != NULL; k++)
        if (slice_eq(slice_str((*k)->kind), word))
            return *k;
    return NULL;
}

static int keep_target(struct build *b, struct target *t, const char *key)
{
    struct snapshot *s = b->base.snapshot;
    if (s->target_count == b->target_room) {
        size_t room = b->target_room > 0 ? b->target_room * 2 : 64;
        struct target **targets = realloc(s->targets, room * sizeof *targets);
        if (targets == NULL)
            return -1;
        s->targets = targets;
        b->target_room = room;
    }
    s->targets[s->target_count++] = t; /* from here on the snapshot destroys it */
    return map_put(&b->made, slice_str(key), t, NULL);
}

static int find_target(struct build *b, const struct row *route, struct target **out,
                       struct error *e)
{
    struct slice word = row_text(route, ROUTE_TARGET_TYPE);
    const struct target_ops *kind = kind_of(b, word);
    int64_t id = row_int(route, ROUTE_TARGET_ID);
    if (kind == NULL)
        return error_set_object(e, ERROR_INVALID, row_str(route, ROUTE_PATH),
                                "Route %s leads to a \"%s\", which this server does not know.",
                                row_str(route, ROUTE_PATH), row_str(route, ROUTE_TARGET_TYPE));
    char key[64];
    snprintf(key, sizeof key, "%d %lld", (int)kind->table, (long long)id);
    *out = map_get(&b->made, slice_str(key));
    if (*out != NULL)
        return 0;
    const struct row *row = model_find(b->base.snapshot->model, kind->table, id);
    if (row == NULL)
        return error_set_object(e, ERROR_INVALID, row_str(route, ROUTE_PATH),
                                "Route %s leads to %s %lld, which does not exist.",
                                row_str(route, ROUTE_PATH), kind->kind, (long long)id);
    if (kind->create(out, row, &b->base, e) != 0)
        return -1;
    if (keep_target(b, *out, key) == 0)
        return 0;
    if (b->base.snapshot->target_count == 0 ||
        b->base.snapshot->targets[b->base.snapshot->target_count - 1] != *out)
        kind->destroy(*out);
    return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
}

/* A route's own deadline, or the server's. */
static unsigned timeout_of(const struct row *route, const struct row *server)
{
    int64_t own = row_int(route, ROUTE_REQUEST_TIMEOUT);
    return (unsigned)(own >= 0 ? own : row_int(server, SERVER_REQUEST_TIMEOUT));
}

/* The routes of one host, `rows` of them with this host id, into its table. */
static int load_routes(struct build *b, struct conf_host *host, const struct row **rows,
                       size_t count, struct error *e)
{
    struct snapshot *s = b->base.snapshot;
    struct conf_route *routes = arena_zalloc(&s->arena, (count + 1) * sizeof *routes);
    struct route_row *table = calloc(count + 1, sizeof *table);
    int result = routes != NULL && table != NULL ? 0
                                                 : error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    for (size_t i = 0; i < count && result == 0; i++) {
        struct slice prefix, pattern;
        routes[i].pattern = row_text(rows[i],
                                     ROUTE_PATH); /* the model lives as long as the snapshot */
        route_split(routes[i].pattern, &prefix, &pattern);
        routes[i].prefix_len = prefix.len;
        routes[i].timeout_s = timeout_of(rows[i], s->server);
        table[i] = (struct route_row){routes[i].pattern, &routes[i]};
        result = find_target(b, rows[i], &routes[i].target, e);
    }
    if (result == 0)
        result = route_table_build(&host->routes, table, count, &s->arena, e);
    free(table);
    return result;
}

/* Rows of the route table by host, in order: one pass to count, one to place. */
struct routes_by_host {
    const struct row **rows;
    size_t *first; /* per host index: where its rows begin; one more for the end */
};

static void by_host_fini(struct routes_by_host *r)
{
    free(r->rows);
    free(r->first);
}

static int by_host_init(struct routes_by_host *r, const struct model *m, const struct row **hosts,
                        size_t host_count, struct error *e)
{
    size_t total = model_count(m, TABLE_ROUTE);
    struct map index = MAP_INIT; /* host id -> index + 1 */
    r->rows = calloc(total + 1, sizeof *r->rows);
    r->first = calloc(host_count + 2, sizeof *r->first);
    size_t *of_row = calloc(total + 1, sizeof *of_row);
    int result = r->rows != NULL && r->first != NULL && of_row != NULL ? 0 : -1;
    for (size_t i = 0; i < host_count && result == 0; i++) {
        int64_t id = row_id(hosts[i]);
        result = map_put(&index, slice_of(&id, sizeof id), (void *)(i + 1), NULL);
    }
    for (size_t i = 0; i < total && result == 0; i++) {
        int64_t id = row_int(model_row(m, TABLE_ROUTE, i), ROUTE_HOST_ID);
        of_row[i] = (size_t)map_get(&index, slice_of(&id, sizeof id));
        if (of_row[i] > 0)
            r->first[of_row[i]]++;
    }
    for (size_t h = 1; h <= host_count && result == 0; h++)
        r->first[h] += r->first[h - 1];
    size_t *next = result == 0 ? calloc(host_count + 1, sizeof *next) : NULL;
    result = next != NULL ? 0 : -1;
    for (size_t i = 0; i < total && result == 0; i++)
        if (of_row[i] > 0)
            r->rows[r->first[of_row[i] - 1] + next[of_row[i]]++] = model_row(m, TABLE_ROUTE, i);
    free(next);
    free(of_row);
    map_fini(&index, NULL);
    return result == 0 ? 0 : error_set(e, ERROR_NO_MEMORY, "Out of memory.");
}

static int load_host_table(struct snapshot *s, struct conf_host *hosts, const struct row **rows,
                           size_t count, struct error *e)
{
    const char *default_name = row_str(s->server, SERVER_DEFAULT_HOST);
    struct host_row *table = calloc(count + 1, sizeof *table);
    if (table == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    for (size_t i = 0; i < count; i++) {
        struct slice matching = row_text(rows[i], HOST_MATCHING);
        table[i] = (struct host_row){matching.len > 0 ? matching : hosts[i].name, &hosts[i]};
        if (slice_eq(hosts[i].name, slice_str(default_name)))
            s->default_host = &hosts[i]; /* of several with the name the last counts, as upstream */
    }
    int result = 0;
    if (s->default_host == NULL)
        result = error_set_object(e, ERROR_INVALID, row_str(s->server, SERVER_NAME),
                                  "No host named %s, the default_host of server %s.", default_name,
                                  row_str(s->server, SERVER_UUID));
    int mode = host_matching_from_name(slice_str(setting_text(s->model, SETTING_HOST_MATCHING)));
    if (result == 0)
        result = host_table_build(&s->hosts, table, count, s->default_host,
                                  mode >= 0 ? (enum host_matching)mode : HOST_MATCHING_LABELS,
                                  &s->arena, e);
    free(table);
    return result;
}

static int load_hosts(struct build *b, struct error *e)
{
    struct snapshot *s = b->base.snapshot;
    size_t total = model_count(s->model, TABLE_HOST), count = 0;
    const struct row **rows = calloc(total + 1, sizeof *rows);
    struct conf_host *hosts = arena_zalloc(&s->arena, (total + 1) * sizeof *hosts);
    struct routes_by_host routes = {NULL, NULL};
    int result = rows != NULL && hosts != NULL ? 0
                                               : error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    for (size_t i = 0; i < total && result == 0; i++) {
        const struct row *r = model_row(s->model, TABLE_HOST, i);
        if (row_int(r, HOST_SERVER_ID) == row_id(s->server)) {
            hosts[count].name = row_text(r, HOST_NAME);
            rows[count++] = r;
        }
    }
    if (result == 0)
        result = by_host_init(&routes, s->model, rows, count, e);
    for (size_t i = 0; i < count && result == 0; i++)
        result = load_routes(b, &hosts[i], routes.rows + routes.first[i],
                             routes.first[i + 1] - routes.first[i], e);
    if (result == 0)
        result = load_host_table(s, hosts, rows, count, e);
    by_host_fini(&routes);
    free(rows);
    return result;
}

/* It may come later, so the configuration is none the worse; but someone should know now. */
static void look_at_upload_folder(const struct settings *s)
{
    const char *slash = strrchr(s->upload_file, '/');
    char folder[4096] = ".";
    if (s->upload_file[0] == '\0')
        return;
    if (slash != NULL)
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - s->upload_file + 1), s->upload_file);
    if (access(folder, W_OK | X_OK) != 0)
        log_warn("config",
                 "uploads will fail: no file can be made in \"%s\" (upload.temp_store): %s", folder,
                 strerror(errno));
}

int build_snapshot(struct snapshot **out, struct model *m, const struct row *server,
                   struct worker *w, const struct target_ops *const *kinds, struct error *e)
{
    *out = NULL;
    struct snapshot *s = calloc(1, sizeof *s);
    if (s == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    s->refs = 1;
    arena_init(&s->arena, 16384);
    s->model = model_ref(m);
    s->server = server;
    load_settings(&s->settings, m);
    look_at_upload_folder(&s->settings);
    struct build b = {.base = {.snapshot = s, .worker = w}, .kinds = kinds, .made = MAP_INIT};
    int result = build_tls(&s->tls, m, server, w, e);
    if (result == 0)
        result = load_mime(s, e);
    if (result == 0)
        result = plugin_set_load(&s->plugins, m, server, w->plugins, e);
    if (result == 0)
        result = load_hosts(&b, e);
    map_fini(&b.made, NULL);
    if (result == 0)
        *out = s;
    else
        snapshot_unref(s);
    return result;
}
