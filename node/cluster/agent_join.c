/* A pool counts when a route of this node's server leads to it: other servers of the configuration
 * are other nodes' affair. */

#include "node/cluster/agent_join.h"

#include <string.h>

enum { LIST_MOST = 256 };

void agent_join_init(struct agent_join *j)
{
    *j = (struct agent_join){.text = BUF_INIT, .handler = "", .control = ""};
    arena_init(&j->arena, 0);
}

void agent_join_fini(struct agent_join *j)
{
    buf_fini(&j->text);
    arena_fini(&j->arena);
}

static bool is_of_server(const struct model *m, const struct row *route, int64_t server)
{
    const struct row *host = model_find(m, TABLE_HOST, row_int(route, ROUTE_HOST_ID));
    return host != NULL && row_int(host, HOST_SERVER_ID) == server;
}

/* The pool that the route leads to; empty when it leads elsewhere. */
static struct slice pool_of(const struct model *m, const struct row *route)
{
    if (schema_table_of_target(row_text(route, ROUTE_TARGET_TYPE)) != TABLE_HANDLER)
        return SLICE_EMPTY;
    const struct row *handler = model_find(m, TABLE_HANDLER, row_int(route, ROUTE_TARGET_ID));
    return handler != NULL ? row_text(handler, HANDLER_POOL) : SLICE_EMPTY;
}

static void add_once(struct field_strings *list, struct slice s)
{
    for (size_t i = 0; i < list->count; i++)
        if (slice_eq(list->items[i], s))
            return;
    if (s.len > 0 && list->count < LIST_MOST)
        list->items[list->count++] = s;
}

static void list_pools(struct field_strings *pools, const struct model *m, const char *server)
{
    const struct row *row = model_server_by_name(m, slice_str(server));
    if (row == NULL)
        return;
    for (size_t i = 0; i < model_count(m, TABLE_ROUTE); i++) {
        const struct row *route = model_row(m, TABLE_ROUTE, i);
        if (is_of_server(m, route, row_id(row)))
            add_once(pools, pool_of(m, route));
    }
}

static void split_words(struct field_strings *list, const char *words)
{
    while (*(words += strspn(words, " ")) != '\0') {
        size_t len = strcspn(words, " ");
        add_once(list, slice_of(words, len));
        words += len;
    }
}

/* Copies into the arena what borrows from elsewhere. */
static bool keep_list(struct agent_join *j, struct field_strings *list)
{
    for (size_t i = 0; i < list->count; i++) {
        list->items[i] = arena_slice(&j->arena, list->items[i]);
        if (list->items[i].ptr == NULL)
            return false;
    }
    return true;
}

static void write_text(struct buf *out, const struct agent_description *d,
                       const struct field_strings *pools)
{
    buf_printf(out, "%s\n%s\n%s", d->addresses, d->handler, d->control);
    for (size_t i = 0; i < pools->count; i++) {
        buf_append_char(out, '\n');
        buf_append_slice(out, pools->items[i]);
    }
}

static bool keep(struct agent_join *j, const struct agent_description *d,
                 const struct field_strings *pools)
{
    arena_reset(&j->arena);
    j->addresses.items = arena_alloc(&j->arena, LIST_MOST * sizeof(struct slice));
    j->pools.items = arena_alloc(&j->arena, LIST_MOST * sizeof(struct slice));
    j->addresses.count = j->pools.count = 0;
    j->handler = arena_strdup(&j->arena, d->handler);
    j->control = arena_strdup(&j->arena, d->control);
    if (j->addresses.items == NULL || j->pools.items == NULL || j->handler == NULL ||
        j->control == NULL)
        return false;
    split_words(&j->addresses, d->addresses);
    memcpy(j->pools.items, pools->items, pools->count * sizeof(struct slice));
    j->pools.count = pools->count;
    return keep_list(j, &j->addresses) && keep_list(j, &j->pools);
}

bool agent_join_update(struct agent_join *j, const struct agent_description *d,
                       const struct model *m, const char *server)
{
    struct slice names[LIST_MOST];
    struct field_strings pools = {names, 0};
    struct buf text = BUF_INIT;
    if (m != NULL)
        list_pools(&pools, m, server);
    write_text(&text, d, &pools);
    if (!text.failed && slice_eq(buf_slice(&text), buf_slice(&j->text))) {
        buf_fini(&text);
        return false;
    }
    buf_fini(&j->text);
    j->text = text;
    if (!keep(j, d, &pools)) { /* out of memory: say nothing of it, and say it again later */
        j->addresses.count = j->pools.count = 0;
        j->handler = j->control = "";
        buf_clear(&j->text);
    }
    return true;
}

void agent_join_fill(const struct agent_join *j, struct cluster_join *out)
{
    out->addresses = j->addresses;
    out->pools = j->pools;
    out->handler = slice_str(j->handler);
    out->control = slice_str(j->control);
}
