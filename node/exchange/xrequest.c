/* Called when the reply comes: what a plug-in writes goes into the connection's queue, behind what
 * handlers have said before. */

#include "node/exchange/xrequest.h"

#include "node/exchange/plugin_conn.h"

static struct plugin *plugin_of(const struct snapshot *s, struct slice key)
{
    for (size_t i = 0; i < s->plugins.xrequest_count; i++)
        for (int k = 0; k < s->plugins.xrequests[i]->key_count; k++)
            if (slice_eq(slice_str(s->plugins.xrequests[i]->keys[k]), key))
                return s->plugins.xrequests[i];
    return NULL;
}

static int dispatch(struct plugin *p, struct conn *c, struct slice payload)
{
    static const struct tns_limits limits = {.bytes = 64u << 20, .values = 65536};
    struct m2_conn call = {.conn = c, .plugin = p};
    struct tns_value request;
    struct arena arena;
    arena_init(&arena, 1024);
    int result = tns_parse(&request, payload, &arena, &limits, NULL, NULL);
    if (result == 0)
        result = p->dispatch(&call, plugin_value(&request));
    arena_fini(&arena);
    return result;
}

void xrequest_dispatch(struct conn *c, struct slice key, struct slice payload)
{
    const struct worker *w = c->set->owner;
    struct plugin *p = plugin_of(w->snapshot, key);
    if (p == NULL || dispatch(p, c, payload) != 0)
        conn_close(c, CONN_PROTOCOL_ERROR);
}
