/* workers: who has joined a pool of this node, and what each has to do. */

#include "node/admin/verbs.h"
#include "node/backend/pool.h"
#include "node/backend/pool_worker.h"
#include "node/worker.h"

struct listing {
    struct control_table table;
    struct slice pool; /* empty: all */
    uint64_t now_us;
};

static void put_worker(void *arg, const struct pool_worker *w)
{
    struct listing *l = arg;
    struct slice pool = slice_str(pool_name_of(w));
    struct buf *out = l->table.out;
    if (l->pool.len > 0 && !slice_eq(pool, l->pool))
        return;
    control_row_begin(&l->table);
    tns_put_string(out, pool);
    tns_put_str(out, w->uuid);
    tns_put_str(out, w->name);
    tns_put_str(out, w->host);
    tns_put_int(out, w->pid);
    tns_put_int(out, w->capacity);
    tns_put_int(out, w->credit);
    tns_put_int(out, w->in_flight);
    tns_put_int(out, w->wants);
    tns_put_int(out, l->now_us > w->heard_us ? (int64_t)((l->now_us - w->heard_us) / 1000) : 0);
    tns_put_bool(out, w->leaving);
    control_row_end(&l->table);
}

void verb_workers(struct verb_call *c)
{
    struct listing l = {.pool = SLICE_EMPTY, .now_us = c->worker->loop.now_us};
    tns_get_string(c->args, "pool", &l.pool);
    control_table_begin(&l.table, c->reply, "pool", "worker", "name", "host", "pid", "capacity",
                        "credit", "in_flight", "wants", "heard_ms", "leaving", NULL);
    pool_port_each(c->worker->backends, put_worker, &l);
    control_table_end(&l.table, CONTROL_NO_SEQ);
}
