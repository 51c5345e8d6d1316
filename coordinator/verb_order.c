/* Orders: written to the store first, then known here, then told to the nodes by the next beat,
 * which is now. The answer says the number (seq) by which a node's beats tell that it follows. */

#include "coordinator/verbs.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/wire/cluster_reply.h"

#include <stdio.h>

enum { ORDERS_MOST = 1000 };

/* ---- reading the store -------------------------------------------------------------------- */

static void on_scanned(void *arg, const struct store_result *r)
{
    struct coordinator *c = arg;
    bool failed = r->error.code != ERROR_NONE;
    c->orders_loading = false;
    if (!failed)
        orders_clear(&c->orders);
    for (size_t i = 0; !failed && i < r->record_count; i++)
        failed = orders_take(&c->orders, r->records[i].key, r->records[i].value) != 0;
    if (failed) {
        log_warn("order", "the orders could not be read: %s", r->error.text);
        return; /* the next tick tries again */
    }
    c->orders_stale = false;
    orders_changed(&c->orders, clock_wall_ms());
    coordinator_beat(c);
}

void orders_load(struct coordinator *c)
{
    if (c->orders_loading)
        return;
    c->orders_loading = store_scan(c->store, STORE_ORDER, SLICE_EMPTY, ORDERS_MOST, on_scanned, c,
                                   NULL) == 0;
}

/* ---- giving one --------------------------------------------------------------------------- */

struct order_state {
    char key[ORDER_KEY_MAX];
    enum cluster_order_kind kind;
    struct slice target, who, why, record;
};

static void answer_order(struct deferred *d)
{
    static const char *const headers[] = {"order", "target", "seq", NULL};
    const struct order_state *s = d->state;
    struct cluster_table_writer w;
    struct buf b = BUF_INIT;
    cluster_table_begin(&w, &b, d->client.seq, NULL, headers);
    cluster_row_begin(&w);
    tns_put_str(&b, cluster_order_words[s->kind]);
    tns_put_string(&b, s->target);
    tns_put_int(&b, d->coordinator->orders.seq);
    cluster_row_end(&w);
    cluster_table_end(&w);
    verb_send(d->coordinator, &d->client, &b);
    deferred_free(d);
}

static void on_kept(void *arg, const struct store_result *r)
{
    struct deferred *d = arg;
    struct coordinator *c = d->coordinator;
    const struct order_state *s = d->state;
    if (r->error.code != ERROR_NONE) {
        c->orders_stale = true; /* it is not known whether it was kept */
        deferred_refuse(d, &r->error);
        return;
    }
    if (orders_take(&c->orders, slice_str(s->key), s->record) != 0)
        c->orders_stale = true;
    orders_changed(&c->orders, clock_wall_ms());
    events_add(&c->events, "order", s->kind <= ORDER_UNDRAIN ? s->key + strlen("node ") : "",
               (int64_t)c->head.at.version, "%.*s: %s %s%s%.*s", SLICE_ARG(s->who),
               cluster_order_words[s->kind], s->key, s->why.len > 0 ? ": " : "", SLICE_ARG(s->why));
    coordinator_beat(c);
    answer_order(d);
}

static bool has_pool(const struct model *m, struct slice pool)
{
    for (size_t i = 0; m != NULL && i < model_count(m, TABLE_HANDLER); i++)
        if (slice_eq(row_text(model_row(m, TABLE_HANDLER, i), HANDLER_POOL), pool))
            return true;
    return false;
}

/* Whom it concerns: a node is named by its name, whatever it was called by. SLICE_EMPTY with *e. */
static struct slice target_of(const struct coordinator *c, const struct cluster_order *o,
                              struct error *e)
{
    bool is_node = o->kind == ORDER_DRAIN || o->kind == ORDER_UNDRAIN;
    bool ends = o->kind == ORDER_UNDRAIN || o->kind == ORDER_RESUME;
    struct slice target = is_node ? o->node : o->pool;
    char key[ORDER_KEY_MAX];
    if (target.len == 0 || (is_node ? o->pool : o->node).len > 0) {
        error_set(e, ERROR_USAGE, "\"%s\" concerns a %s; name it, and nothing else.",
                  cluster_order_words[o->kind], is_node ? "node" : "pool");
        return SLICE_EMPTY;
    }
    const struct member *m = is_node ? members_find(&c->members, target) : NULL;
    if (m != NULL)
        target = slice_str(m->name);
    order_key((enum cluster_order_kind)o->kind, target, key);
    if (ends && orders_find(&c->orders, slice_str(key)) == NULL) {
        error_set(e, ERROR_NOT_FOUND, "The %s is not %s by an order.", key,
                  is_node ? "drained" : "paused");
        return SLICE_EMPTY;
    }
    if (!ends && (is_node ? m == NULL : !has_pool(c->head.model, target))) {
        error_set(e, ERROR_NOT_FOUND, "There is no %s; see m2sh %s.", key,
                  is_node ? "nodes" : "pools");
        return SLICE_EMPTY;
    }
    return target;
}

static void keep(struct deferred *d, const struct cluster_order *o)
{
    struct coordinator *c = d->coordinator;
    struct order_state *s = d->state;
    struct buf record = BUF_INIT;
    struct error e;
    if (o->kind == ORDER_DRAIN || o->kind == ORDER_PAUSE)
        order_encode(&record, o, s->target, clock_wall_ms());
    s->who = arena_slice(&d->arena, o->author.who);
    s->why = arena_slice(&d->arena, o->author.why);
    s->record = arena_slice(&d->arena, buf_slice(&record));
    bool failed = record.failed || s->record.ptr == NULL || s->who.ptr == NULL ||
                  s->why.ptr == NULL;
    buf_fini(&record);
    if (failed)
        error_set(&e, ERROR_NO_MEMORY, "The coordinator is out of memory.");
    if (failed || store_put(c->store, STORE_ORDER, slice_str(s->key), s->record, c->leader.token,
                            on_kept, d, &e) != 0)
        deferred_refuse(d, &e);
}

void verb_order(struct coordinator *c, const struct client *from, const struct cluster_request *r)
{
    struct error e;
    if (!coordinator_leads(c, from))
        return;
    if (c->orders.seq == 0 || c->orders_stale) {
        error_set(&e, ERROR_REFUSED, "The orders that stand are being read; try again.");
        verb_refuse(c, from, &e);
        return;
    }
    struct slice target = target_of(c, &r->order, &e);
    if (target.len == 0) {
        verb_refuse(c, from, &e);
        return;
    }
    struct deferred *d = deferred_create(c, from, sizeof(struct order_state));
    if (d == NULL)
        return;
    struct order_state *s = d->state;
    s->kind = (enum cluster_order_kind)r->order.kind;
    s->target = arena_slice(&d->arena, target);
    order_key(s->kind, target, s->key);
    keep(d, &r->order);
}

/* ---- their end ---------------------------------------------------------------------------- */

static void on_removed(void *arg, const struct store_result *r)
{
    struct coordinator *c = arg;
    if (r->error.code != ERROR_NONE) {
        log_warn("order", "an order that is over could not be removed: %s", r->error.text);
    } else {
        orders_take(&c->orders, slice_str(c->order_ending), SLICE_EMPTY);
        orders_changed(&c->orders, clock_wall_ms());
        coordinator_beat(c);
    }
    c->order_ending[0] = '\0';
}

void orders_tick(struct coordinator *c)
{
    char *key = c->order_ending;
    if (!c->is_ready || key[0] != '\0')
        return;
    if (c->orders.seq == 0 || c->orders_stale || !c->leader.is_leader)
        orders_load(c);
    struct slice over = orders_expired(&c->orders, clock_wall_ms());
    if (over.len == 0 || !c->leader.is_leader || c->orders_loading)
        return;
    snprintf(key, ORDER_KEY_MAX, "%.*s", SLICE_ARG(over));
    const struct order *order = orders_find(&c->orders, slice_str(key));
    events_add(&c->events, "order", order->kind == ORDER_DRAIN ? key + strlen("node ") : "",
               (int64_t)c->head.at.version, "%s %s: its time is over",
               cluster_order_words[order->kind], key);
    if (store_put(c->store, STORE_ORDER, slice_str(key), SLICE_EMPTY, c->leader.token, on_removed,
                  c, NULL) != 0)
        key[0] = '\0';
}

/* ---- showing them ------------------------------------------------------------------------- */

static void put_order(struct cluster_table_writer *w, const struct order *o)
{
    struct buf *b = w->out;
    cluster_row_begin(w);
    tns_put_str(b, cluster_order_words[o->kind]);
    tns_put_string(b, o->target);
    tns_put_string(b, o->author.who);
    tns_put_string(b, o->author.where);
    tns_put_string(b, o->author.how);
    tns_put_string(b, o->author.why);
    tns_put_int(b, o->when_ms);
    tns_put_int(b, o->expires_ms);
    cluster_row_end(w);
}

void verb_orders(struct coordinator *c, const struct client *from, const struct cluster_request *r)
{
    static const char *const headers[] = {"order", "target",  "who",        "where", "how",
                                          "why",   "when_ms", "expires_ms", NULL};
    struct cluster_table_writer w;
    struct buf b = BUF_INIT;
    (void)r;
    cluster_table_begin(&w, &b, from->seq, NULL, headers);
    for (struct map_entry *it = map_first(&c->orders.by_key); it != NULL; it = map_next(it))
        put_order(&w, map_value(it));
    cluster_table_end(&w);
    verb_send(c, from, &b);
}
