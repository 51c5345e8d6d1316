/* Who serves a pool, over all nodes: each live node that has it is asked, and their tables become
 * one. A node that does not answer is a row too: whoever looks for a worker must not take silence
 * for absence. */

#include "coordinator/verbs.h"
#include "proto/wire/cluster_reply.h"
#include "proto/wire/control_msg.h"

/* As the nodes' control ports name them; `node` and `error` are ours. */
static const char *const columns[] = {"pool",     "node",     "worker", "name",      "host",
                                      "pid",      "capacity", "credit", "in_flight", "wants",
                                      "heard_ms", "leaving",  "error",  NULL};

struct gathering {
    size_t awaited;
    struct slice pool;
    struct buf out;
    struct cluster_table_writer table;
};

static void end(struct deferred *d)
{
    struct gathering *g = d->state;
    cluster_table_end(&g->table);
    verb_send(d->coordinator, &d->client, &g->out);
    deferred_free(d);
}

/* One row of a node's answer, column by column; what it does not tell is nothing. */
static void put_row(struct gathering *g, const struct control_reply *reply, size_t row,
                    const char *node, const char *error)
{
    cluster_row_begin(&g->table);
    for (size_t i = 0; columns[i] != NULL; i++) {
        const struct tns_value *cell = reply != NULL ? control_reply_cell(reply, row, columns[i])
                                                     : NULL;
        if (strcmp(columns[i], "node") == 0)
            tns_put_str(&g->out, node);
        else if (strcmp(columns[i], "pool") == 0)
            tns_put_string(&g->out, g->pool);
        else if (strcmp(columns[i], "error") == 0)
            tns_put_str(&g->out, error);
        else if (cell != NULL)
            tns_put_value(&g->out, cell);
        else
            tns_put_null(&g->out);
    }
    cluster_row_end(&g->table);
}

static void put_answer(struct gathering *g, const char *node, struct slice bytes)
{
    struct control_reply reply;
    struct arena a;
    struct error e;
    arena_init(&a, 0);
    if (control_reply_parse(bytes, &a, NULL, &reply, &e) != 0)
        put_row(g, NULL, 0, node, e.text);
    else if (reply.kind != CONTROL_REPLY_TABLE)
        put_row(g, NULL, 0, node, "It does not know of workers: an older program.");
    else
        for (size_t row = 0; row < reply.rows->item_count; row++)
            put_row(g, &reply, row, node, "");
    arena_fini(&a);
}

static void on_answer(void *arg, const char *node, struct slice reply, const struct error *e)
{
    struct deferred *d = arg;
    struct gathering *g = d->state;
    if (e != NULL)
        put_row(g, NULL, 0, node, e->text);
    else
        put_answer(g, node, reply);
    if (--g->awaited == 0)
        end(d);
}

static void refuse(struct deferred *d)
{
    struct gathering *g = d->state;
    struct error e;
    error_set(&e, ERROR_NOT_FOUND, "No live node has a pool \"%.*s\"; see m2sh pools.",
              SLICE_ARG(g->pool));
    buf_fini(&g->out);
    deferred_refuse(d, &e);
}

static void ask(struct deferred *d)
{
    struct coordinator *c = d->coordinator;
    struct gathering *g = d->state;
    struct buf request = BUF_INIT;
    struct control_request_mark mark = control_request_begin(&request, "workers", CONTROL_NO_SEQ);
    tns_put_pair(&request, "pool", g->pool);
    control_request_end(&request, mark);
    size_t asked = 0;
    g->awaited = 1; /* ours: answers may come while we ask */
    for (struct map_entry *it = map_first(&c->members.by_uuid); it != NULL; it = map_next(it)) {
        const struct member *m = member_of(it);
        if (!member_is_live(m) || !member_has_pool(m, g->pool))
            continue;
        asked++;
        g->awaited++;
        forward_control(&c->forward, m, buf_slice(&request), on_answer, d);
    }
    buf_fini(&request);
    if (asked == 0)
        refuse(d);
    else if (--g->awaited == 0)
        end(d);
}

void verb_workers(struct coordinator *c, const struct client *from, const struct cluster_request *r)
{
    struct deferred *d = deferred_create(c, from, sizeof(struct gathering));
    if (d == NULL)
        return;
    struct gathering *g = d->state;
    g->pool = arena_slice(&d->arena, r->pools.pool);
    g->out = (struct buf)BUF_INIT;
    cluster_table_begin(&g->table, &g->out, from->seq, NULL, columns);
    ask(d);
}
