/* Hosts and routes: names, patterns, and what hides behind what (docs/decisions/0002-routing.md).
 */

#include "proto/base/map.h"
#include "proto/model/check_rules.h"
#include "proto/model/describe.h"
#include "proto/model/settings.h"
#include "proto/route/host_table.h"
#include "proto/route/route_table.h"

#include <ctype.h>

/* Rows seen so far, found by a key of theirs. */
struct seen {
    struct map map;
    struct buf key;
};

/* The row that had this key first; `r` is remembered when there was none. */
static const struct row *seen_before(struct checking *c, struct seen *s, int64_t owner,
                                     struct slice name, const struct row *r)
{
    buf_clear(&s->key);
    buf_printf(&s->key, "%lld:", (long long)owner);
    buf_append_slice(&s->key, name);
    const struct row *first = map_get(&s->map, buf_slice(&s->key));
    if (first == NULL &&
        (s->key.failed || map_put(&s->map, buf_slice(&s->key), (void *)r, NULL) < 0))
        c->is_out_of_memory = true;
    return first;
}

static void seen_fini(struct seen *s)
{
    map_fini(&s->map, NULL);
    buf_fini(&s->key);
}

/* A sentence of another module, to go on from an object. */
static const char *as_clause(struct error *e)
{
    e->text[0] = (char)tolower((unsigned char)e->text[0]);
    return e->text;
}

/* ---- hosts --------------------------------------------------------------------------------- */

static void check_host_length(struct checking *c, const struct row *r, size_t column)
{
    int64_t limit = setting_int(c->model, SETTING_LIMITS_HOST_NAME);
    if ((int64_t)row_text(r, column).len >= limit)
        check_error(c, r, (int)column,
                    "%s has %zu bytes; it must be shorter than the setting limits.host_name (%lld)",
                    check_column_name(r, column), row_text(r, column).len, (long long)limit);
}

static void check_host(struct checking *c, const struct row *r)
{
    struct slice text;
    if (check_has_text(r, HOST_NAME, &text) && text.len == 0)
        check_error(c, r, HOST_NAME, "name is empty");
    check_host_length(c, r, HOST_NAME);
    check_host_length(c, r, HOST_MATCHING);
    struct error e;
    if (!check_has_text(r, HOST_MATCHING, &text))
        return;
    if (host_check(text, &e) < 0)
        check_error(c, r, HOST_MATCHING, "matching: %s", as_clause(&e));
    else if (slice_find(text, '(') < text.len && slice_find(text, ')') == text.len)
        check_warning(
            c, r, HOST_MATCHING,
            "matching has a '(' but no ')', so it is no pattern but a name that no request "
            "has");
}

/* A lower-case copy where case means nothing: labels are compared without it. In a pattern it does
 * mean something (\a and \A). */
static struct slice folded(struct buf *out, struct slice text, bool by_labels)
{
    buf_clear(out);
    if (slice_find(text, '(') < text.len)
        by_labels = false;
    for (size_t i = 0; i < text.len; i++)
        buf_append_char(out, by_labels ? (char)tolower((unsigned char)text.ptr[i]) : text.ptr[i]);
    return buf_slice(out);
}

static void check_host_twice(struct checking *c, struct seen *names, struct seen *patterns,
                             const struct row *r)
{
    struct buf key = BUF_INIT;
    int64_t server = row_int(r, HOST_SERVER_ID);
    bool by_labels = strcmp(setting_text(c->model, SETTING_HOST_MATCHING), "labels") == 0;
    if (seen_before(c, names, server, row_text(r, HOST_NAME), r) != NULL)
        check_warning(
            c, r, HOST_NAME,
            "name is also that of another host of the server; default_host means the last");
    const struct row *first = seen_before(c, patterns, server,
                                          folded(&key, row_text(r, HOST_MATCHING), by_labels), r);
    if (first != NULL) {
        struct buf other = BUF_INIT;
        describe_text(&other, row_text(first, HOST_NAME));
        check_warning(c, r, HOST_MATCHING,
                      "matching is also that of host %s, which comes first; this one is only found "
                      "as default host",
                      buf_str(&other));
        buf_fini(&other);
    }
    buf_fini(&key);
}

/* Marks the hosts that routes belong to, then names the others. */
static void check_hosts_without_routes(struct checking *c)
{
    const struct model *m = c->model;
    size_t count = model_count(m, TABLE_HOST), place;
    bool *has_routes = arena_zalloc(c->arena, count + 1);
    if (has_routes == NULL) {
        c->is_out_of_memory = true;
        return;
    }
    for (size_t i = 0; i < model_count(m, TABLE_ROUTE); i++)
        if (model_find_place(m, TABLE_HOST, row_int(model_row(m, TABLE_ROUTE, i), ROUTE_HOST_ID),
                             &place))
            has_routes[place] = true;
    for (size_t i = 0; i < count; i++)
        if (!has_routes[i])
            check_warning(c, model_row(m, TABLE_HOST, i), -1,
                          "it has no routes; every request gets 404");
}

void check_hosts(struct checking *c)
{
    struct seen names = {MAP_INIT, BUF_INIT}, patterns = {MAP_INIT, BUF_INIT};
    for (size_t i = 0; i < model_count(c->model, TABLE_HOST); i++) {
        const struct row *r = model_row(c->model, TABLE_HOST, i);
        check_host(c, r);
        check_host_twice(c, &names, &patterns, r);
    }
    check_hosts_without_routes(c);
    seen_fini(&names);
    seen_fini(&patterns);
}

/* ---- routes -------------------------------------------------------------------------------- */

/* Does the default host of this host's server have a route with the same path? (It may be this
 * host; or they share their routes.) */
static bool is_in_default_host(const struct model *m, const struct row *host, struct slice path)
{
    const struct row *server = model_find(m, TABLE_SERVER, row_int(host, HOST_SERVER_ID));
    for (size_t i = 0; server != NULL && i < model_count(m, TABLE_ROUTE); i++) {
        const struct row *r = model_row(m, TABLE_ROUTE, i);
        if (!slice_eq(row_text(r, ROUTE_PATH), path))
            continue;
        const struct row *h = model_find(m, TABLE_HOST, row_int(r, ROUTE_HOST_ID));
        if (h != NULL && row_int(h, HOST_SERVER_ID) == row_id(server) &&
            slice_eq(row_text(h, HOST_NAME), row_text(server, SERVER_DEFAULT_HOST)))
            return true;
    }
    return false;
}

static void check_socket_route(struct checking *c, const struct row *r, const char *kind)
{
    const struct row *host = model_find(c->model, TABLE_HOST, row_int(r, ROUTE_HOST_ID));
    if (host != NULL && !is_in_default_host(c->model, host, row_text(r, ROUTE_PATH)))
        check_warning(c, r, ROUTE_PATH,
                      "%s sockets name no host, so this route is only found in the default host",
                      kind);
    if (!slice_eq(row_text(r, ROUTE_TARGET_TYPE), SLICE("handler")))
        check_warning(c, r, ROUTE_PATH, "%s sockets can only be answered by a Handler", kind);
}

static void check_path(struct checking *c, const struct row *r)
{
    struct slice path;
    struct error e;
    if (!check_has_text(r, ROUTE_PATH, &path))
        return;
    if (path.len == 0)
        check_error(c, r, ROUTE_PATH, "its path is empty; \"/\" stands for every path");
    else if (path.ptr[0] == '(')
        check_warning(c, r, ROUTE_PATH,
                      "a path that begins with a pattern is never found; begin it with \"/\"");
    else if (path.ptr[0] == '@')
        check_socket_route(c, r, "JSON");
    else if (path.ptr[0] == '<')
        check_socket_route(c, r, "XML");
    else if (path.ptr[0] != '/')
        check_warning(c, r, ROUTE_PATH,
                      "a path begins with \"/\" (or \"@\" and \"<\" for JSON and XML sockets); no "
                      "request will find this one");
    if (route_check(path, &e) < 0)
        check_error(c, r, ROUTE_PATH, "%s", as_clause(&e));
    check_range(c, r, ROUTE_REQUEST_TIMEOUT, -1, TIMEOUT_MAX_S);
}

/* A prefix as long as limits.dir_max_path serves no file on upstream's server. */
static void check_dir_prefix(struct checking *c, const struct row *r)
{
    if (!slice_eq(row_text(r, ROUTE_TARGET_TYPE), SLICE("dir")))
        return;
    struct slice prefix, pattern;
    route_split(row_text(r, ROUTE_PATH), &prefix, &pattern);
    int64_t limit = setting_int(c->model, SETTING_LIMITS_DIR_MAX_PATH);
    if ((int64_t)prefix.len >= limit)
        check_error(c, r, ROUTE_PATH,
                    "its prefix has %zu bytes; for a Dir it must be shorter than the setting "
                    "limits.dir_max_path (%lld)",
                    prefix.len, (long long)limit);
}

/* Of the routes with one prefix: the first, when it has no pattern, hides all others; of the plain
 * ones behind patterned ones the first counts. */
static void check_hidden(struct checking *c, struct seen *firsts, struct seen *plains,
                         const struct row *r)
{
    struct slice prefix, pattern;
    route_split(row_text(r, ROUTE_PATH), &prefix, &pattern);
    int64_t host = row_int(r, ROUTE_HOST_ID);
    const struct row *first = seen_before(c, firsts, host, prefix, r);
    const struct row *plain = pattern.len == 0 ? seen_before(c, plains, host, prefix, r) : NULL;
    if (first != NULL) {
        struct slice first_prefix, first_pattern;
        route_split(row_text(first, ROUTE_PATH), &first_prefix, &first_pattern);
        if (first_pattern.len == 0)
            plain = first;
    }
    if (plain == NULL)
        return;
    struct buf other = BUF_INIT;
    describe_text(&other, row_text(plain, ROUTE_PATH));
    check_warning(c, r, ROUTE_PATH,
                  "it is never found: the route %s before it has the same prefix and no pattern",
                  buf_str(&other));
    buf_fini(&other);
}

void check_routes(struct checking *c)
{
    struct seen firsts = {MAP_INIT, BUF_INIT}, plains = {MAP_INIT, BUF_INIT};
    for (size_t i = 0; i < model_count(c->model, TABLE_ROUTE); i++) {
        const struct row *r = model_row(c->model, TABLE_ROUTE, i);
        check_path(c, r);
        check_dir_prefix(c, r);
        check_hidden(c, &firsts, &plains, r);
    }
    seen_fini(&firsts);
    seen_fini(&plains);
}
