/* A walk over the members per question: a thousand nodes are microseconds, and nothing can get out
 * of step. */

#include "coordinator/pools.h"

#include "proto/wire/cluster_update.h"

const char *const pools_headers[] = {"pool", "node", "uuid", "endpoint", "key", NULL};

static void put_row(struct cluster_table_writer *w, const struct member *m, struct slice pool)
{
    cluster_row_begin(w);
    tns_put_string(w->out, pool);
    tns_put_str(w->out, m->name);
    tns_put_str(w->out, m->uuid);
    tns_put_str(w->out, m->handler);
    tns_put_str(w->out, m->key);
    cluster_row_end(w);
}

void pools_rows(struct cluster_table_writer *w, const struct members *ms, struct slice pool)
{
    for (struct map_entry *it = map_first(&ms->by_uuid); it != NULL; it = map_next(it)) {
        const struct member *m = member_of(it);
        if (m->state == MEMBER_GONE || m->handler[0] == '\0')
            continue;
        for (size_t i = 0; i < m->pools.count; i++)
            if (pool.len == 0 || slice_eq(pool, m->pools.items[i]))
                put_row(w, m, m->pools.items[i]);
    }
}

void pools_update(struct buf *out, const struct members *ms, struct slice pool)
{
    struct cluster_update u;
    struct buf headers = BUF_INIT, rows = BUF_INIT;
    struct cluster_table_writer w = {.out = &rows};
    for (const char *const *name = pools_headers; *name != NULL; name++)
        tns_put_str(&headers, *name);
    pools_rows(&w, ms, pool);
    cluster_update_init(&u, UPDATE_POOL);
    u.pool.pool = pool;
    u.pool.headers = buf_slice(&headers);
    u.pool.rows = buf_slice(&rows);
    cluster_update_encode(out, &u);
    if (headers.failed || rows.failed)
        out->failed = true;
    buf_fini(&headers);
    buf_fini(&rows);
}
