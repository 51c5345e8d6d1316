/* Host tables are built for every server, route tables for the hosts that a test reaches: a handful
 * of tests in a site of 100,000 routes should not cost a build of all of it for each. */

#include "m2sh/lang/expect_run.h"

#include "m2sh/base/xalloc.h"
#include "m2sh/lang/row_groups.h"
#include "proto/model/describe.h"
#include "proto/model/expect.h"
#include "proto/model/settings.h"
#include "proto/route/host_table.h"
#include "proto/route/route_table.h"

#include <stdlib.h>

struct site_host {
    const struct row *row; /* NULL: the server has no host at all */
    struct route_table *routes;
    bool is_fallback; /* reached because nothing else fitted */
};

struct site_server {
    const struct row *row;
    struct host_table *hosts; /* targets: struct site_host */
    struct site_host *all;
    size_t count;
    struct site_host fallback;
};

struct site {
    const struct model *model;
    struct arena arena;
    struct row_groups hosts, routes;
    struct site_server *servers;
    size_t count;
};

/* The last host of that name is the default, as in the node. */
static void choose_fallback(struct site_server *s)
{
    s->fallback = (struct site_host){.is_fallback = true};
    for (size_t i = 0; i < s->count; i++)
        if (slice_eq(row_text(s->all[i].row, HOST_NAME), row_text(s->row, SERVER_DEFAULT_HOST)))
            s->fallback.row = s->all[i].row;
}

static void build_server(struct site *site, struct site_server *s, const struct row *row)
{
    struct error e;
    const struct row *const *rows = row_groups_find(&site->hosts, row, &s->count);
    struct host_row *table = xarena_alloc(&site->arena, (s->count + 1) * sizeof *table);
    s->row = row;
    s->all = xarena_alloc(&site->arena, (s->count + 1) * sizeof *s->all);
    for (size_t i = 0; i < s->count; i++) {
        s->all[i].row = rows[i];
        struct slice matching = row_text(rows[i], HOST_MATCHING);
        table[i].matching = matching.len > 0 ? matching : row_text(rows[i], HOST_NAME);
        table[i].target = &s->all[i];
    }
    choose_fallback(s);
    int mode = host_matching_from_name(slice_str(setting_text(site->model, SETTING_HOST_MATCHING)));
    if (host_table_build(&s->hosts, table, s->count, &s->fallback,
                         mode >= 0 ? (enum host_matching)mode : HOST_MATCHING_LABELS, &site->arena,
                         &e) != 0)
        s->hosts = NULL; /* check_model has said why */
}

static void site_init(struct site *site, const struct model *m)
{
    *site = (struct site){.model = m, .count = model_count(m, TABLE_SERVER)};
    arena_init(&site->arena, 65536);
    row_groups_init(&site->hosts, m, TABLE_HOST, HOST_SERVER_ID);
    row_groups_init(&site->routes, m, TABLE_ROUTE, ROUTE_HOST_ID);
    site->servers = xarena_alloc(&site->arena, (site->count + 1) * sizeof *site->servers);
    for (size_t i = 0; i < site->count; i++)
        build_server(site, &site->servers[i], model_row(m, TABLE_SERVER, i));
}

static void site_fini(struct site *site)
{
    row_groups_fini(&site->hosts);
    row_groups_fini(&site->routes);
    arena_fini(&site->arena);
}

static struct route_table *routes_of(struct site *site, struct site_host *host)
{
    struct error e;
    size_t count;
    if (host->routes != NULL || host->row == NULL)
        return host->routes;
    const struct row *const *rows = row_groups_find(&site->routes, host->row, &count);
    struct route_row *table = xarena_alloc(&site->arena, (count + 1) * sizeof *table);
    for (size_t i = 0; i < count; i++) {
        table[i].route = row_text(rows[i], ROUTE_PATH);
        table[i].target = (void *)(uintptr_t)rows[i];
    }
    if (route_table_build(&host->routes, table, count, &site->arena, &e) != 0)
        host->routes = NULL;
    return host->routes;
}

/* The row of what the path leads to in this host; NULL: nothing. */
static const struct row *look_up(struct site *site, struct site_host *host, struct slice path)
{
    struct route_hit hit;
    struct route_table *routes = routes_of(site, host);
    if (routes == NULL || !route_table_find(routes, path, &hit))
        return NULL;
    const struct row *route = hit.target;
    int table = schema_table_of_target(row_text(route, ROUTE_TARGET_TYPE));
    return table >= 0
               ? model_find(site->model, (enum table_id)table, row_int(route, ROUTE_TARGET_ID))
               : NULL;
}

static void report(const struct site *site, const struct site_server *s,
                   const struct site_host *host, const struct row *target, const struct row *test,
                   expect_run_failed *failed, void *arg)
{
    struct buf text = BUF_INIT;
    describe_text(&text, row_text(test, EXPECT_TEXT));
    buf_append_str(&text, " fails: it leads to ");
    if (target != NULL)
        describe_row(&text, site->model, target);
    else
        buf_append_str(&text, "nothing (404)");
    buf_append_str(&text, " in ");
    describe_row(&text, site->model, host->row != NULL ? host->row : s->row);
    failed(arg, test, xbuf_str(&text));
    buf_fini(&text);
}

/* ---- one test ------------------------------------------------------------------------------ */

static bool is_asked(const struct site_server *s, const struct expect *x)
{
    return s->hosts != NULL && (x->port == 0 || row_int(s->row, SERVER_PORT) == x->port);
}

static struct site_host *host_of(const struct site_server *s, const struct expect *x)
{
    return host_table_find(s->hosts, x->host);
}

/* Has any server that is asked a host of its own for the name? */
static bool is_known_host(const struct site *site, const struct expect *x)
{
    for (size_t i = 0; i < site->count; i++)
        if (is_asked(&site->servers[i], x) && !host_of(&site->servers[i], x)->is_fallback)
            return true;
    return false;
}

/* false after the first server for which it fails. */
static bool run_test(struct site *site, const struct row *test, expect_run_failed *failed,
                     void *arg)
{
    struct expect x;
    struct error e;
    size_t asked = 0;
    if (expect_parse(&x, row_text(test, EXPECT_TEXT), &e) != 0)
        return true; /* check_model has said so */
    bool only_known = is_known_host(site, &x);
    for (size_t i = 0; i < site->count; i++) {
        struct site_server *s = &site->servers[i];
        if (!is_asked(s, &x) || (only_known && host_of(s, &x)->is_fallback))
            continue;
        struct site_host *host = host_of(s, &x);
        const struct row *target = look_up(site, host, x.path);
        asked++;
        if (!expect_fits(&x, target)) {
            report(site, s, host, target, test, failed, arg);
            return false;
        }
    }
    if (asked > 0)
        return true;
    struct buf text = BUF_INIT;
    describe_text(&text, row_text(test, EXPECT_TEXT));
    buf_append_str(&text, " fails: no server has the port of its URL");
    failed(arg, test, xbuf_str(&text));
    buf_fini(&text);
    return false;
}

size_t expect_run(const struct model *m, expect_run_failed *failed, void *arg)
{
    struct site site;
    size_t count = model_count(m, TABLE_EXPECT), failures = 0;
    if (count == 0)
        return 0;
    site_init(&site, m);
    for (size_t i = 0; i < count; i++)
        failures += !run_test(&site, model_row(m, TABLE_EXPECT, i), failed, arg);
    site_fini(&site);
    return failures;
}
