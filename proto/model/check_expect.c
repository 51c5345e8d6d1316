/* Runs the routing tests of a configuration with the tables that the node routes with. Only when
 * nothing else is wrong: the tables of a broken configuration prove nothing. */

#include "proto/model/check_rules.h"
#include "proto/model/describe.h"
#include "proto/model/expect.h"
#include "proto/model/settings.h"
#include "proto/route/host_table.h"
#include "proto/route/route_table.h"

/* A server's tables, made when the first test asks for them. */
struct routing_host {
    const struct row *row;
    struct route_table *routes; /* of struct row; NULL: not made yet */
};
struct routing_server {
    const struct row *row;
    struct host_table *hosts; /* of struct routing_host; NULL: not made yet */
    struct routing_host *default_host;
};

struct routing {
    struct checking *c;
    struct routing_server *servers;
    size_t count;
};

static bool routing_init(struct routing *r, struct checking *c)
{
    r->c = c;
    r->count = model_count(c->model, TABLE_SERVER);
    r->servers = arena_zalloc(c->arena, (r->count + 1) * sizeof *r->servers);
    for (size_t i = 0; r->servers != NULL && i < r->count; i++)
        r->servers[i].row = model_row(c->model, TABLE_SERVER, i);
    return r->servers != NULL;
}

/* The rows of a table that belong to one row, in the order of the configuration. */
static size_t children_of(const struct model *m, enum table_id table, size_t column, int64_t owner,
                          const struct row **out)
{
    size_t count = 0;
    for (size_t i = 0; i < model_count(m, table); i++)
        if (row_int(model_row(m, table, i), column) == owner)
            out[count++] = model_row(m, table, i);
    return count;
}

static bool make_hosts(struct routing *r, struct routing_server *s)
{
    const struct model *m = r->c->model;
    struct arena *a = r->c->arena;
    size_t all = model_count(m, TABLE_HOST);
    const struct row **rows = arena_alloc(a, (all + 1) * sizeof *rows);
    struct routing_host *hosts = arena_zalloc(a, (all + 1) * sizeof *hosts);
    struct host_row *host_rows = arena_alloc(a, (all + 1) * sizeof *host_rows);
    if (rows == NULL || hosts == NULL || host_rows == NULL)
        return false;
    size_t count = children_of(m, TABLE_HOST, HOST_SERVER_ID, row_id(s->row), rows);
    for (size_t i = 0; i < count; i++) {
        hosts[i].row = rows[i];
        host_rows[i] = (struct host_row){row_text(rows[i], HOST_MATCHING), &hosts[i]};
        if (slice_eq(row_text(rows[i], HOST_NAME), row_text(s->row, SERVER_DEFAULT_HOST)))
            s->default_host = &hosts[i]; /* of several the last, as the node does */
    }
    int mode = host_matching_from_name(slice_str(setting_text(m, SETTING_HOST_MATCHING)));
    return host_table_build(&s->hosts, host_rows, count, NULL, (enum host_matching)mode, a, NULL) ==
           0;
}

static bool make_routes(struct routing *r, struct routing_host *h)
{
    const struct model *m = r->c->model;
    struct arena *a = r->c->arena;
    size_t all = model_count(m, TABLE_ROUTE);
    const struct row **rows = arena_alloc(a, (all + 1) * sizeof *rows);
    struct route_row *route_rows = arena_alloc(a, (all + 1) * sizeof *route_rows);
    if (rows == NULL || route_rows == NULL)
        return false;
    size_t count = children_of(m, TABLE_ROUTE, ROUTE_HOST_ID, row_id(h->row), rows);
    for (size_t i = 0; i < count; i++)
        route_rows[i] = (struct route_row){row_text(rows[i], ROUTE_PATH), (void *)rows[i]};
    return route_table_build(&h->routes, route_rows, count, a, NULL) == 0;
}

/* The host of a name; NULL when there is none but the default. */
static struct routing_host *find_host(struct routing *r, struct routing_server *s,
                                      struct slice name)
{
    if (s->hosts == NULL && !make_hosts(r, s)) {
        r->c->is_out_of_memory = true;
        return NULL;
    }
    return name.len > 0 ? host_table_find(s->hosts, name) : NULL;
}

/* See expect.h for who is asked. NULL when no server has the port. */
static struct routing_server *choose_server(struct routing *r, const struct expect *x)
{
    struct routing_server *by_scheme = NULL;
    for (size_t i = 0; i < r->count; i++) {
        struct routing_server *s = &r->servers[i];
        bool is_tls = row_int(s->row, SERVER_USE_SSL) == 1;
        if (x->port != 0 && row_int(s->row, SERVER_PORT) == x->port)
            return s;
        if (x->port == 0 && is_tls == x->is_tls && find_host(r, s, x->host) != NULL)
            return s;
        if (by_scheme == NULL && is_tls == x->is_tls)
            by_scheme = s;
    }
    return x->port != 0 ? NULL : by_scheme != NULL ? by_scheme : r->servers;
}

/* What the request leads to; NULL: 404. */
static const struct row *route(struct routing *r, struct routing_server *s, const struct expect *x)
{
    struct routing_host *h = find_host(r, s, x->host);
    struct route_hit hit;
    if (h == NULL)
        h = s->default_host;
    if (r->c->is_out_of_memory || h == NULL)
        return NULL;
    if (h->routes == NULL && !make_routes(r, h)) {
        r->c->is_out_of_memory = true;
        return NULL;
    }
    if (!route_table_find(h->routes, x->path, &hit))
        return NULL;
    const struct row *row = hit.target;
    int table = schema_table_of_target(row_text(row, ROUTE_TARGET_TYPE));
    return model_find(r->c->model, (enum table_id)table, row_int(row, ROUTE_TARGET_ID));
}

static void run(struct routing *r, const struct row *row, const struct expect *x)
{
    struct routing_server *s = r->count > 0 ? choose_server(r, x) : NULL;
    if (s == NULL) {
        check_error(r->c, row, EXPECT_TEXT, "no server listens there");
        return;
    }
    const struct row *target = route(r, s, x);
    if (expect_fits(x, target) || r->c->is_out_of_memory)
        return;
    struct buf found = BUF_INIT;
    if (target != NULL)
        describe_row(&found, r->c->model, target);
    else
        buf_append_str(&found, "nothing (404)");
    check_error(r->c, row, EXPECT_TEXT, "the request leads to %s", buf_str(&found));
    buf_fini(&found);
}

void check_expects(struct checking *c)
{
    struct routing r;
    bool is_sound = routing_init(&r, c);
    for (size_t i = 0; i < c->count; i++)
        is_sound = is_sound && c->findings[i].severity != FINDING_ERROR;
    for (size_t i = 0; i < model_count(c->model, TABLE_EXPECT); i++) {
        const struct row *row = model_row(c->model, TABLE_EXPECT, i);
        struct slice text;
        struct expect x;
        struct error e;
        if (!check_has_text(row, EXPECT_TEXT, &text))
            continue;
        if (expect_parse(&x, text, &e) < 0)
            check_error(c, row, EXPECT_TEXT, "%s", e.text);
        else if (is_sound)
            run(&r, row, &x);
    }
}
