/* Verbs about the coordinator itself, and requests that it passes on. */

#include "coordinator/verbs.h"
#include "proto/base/clock.h"
#include "proto/wire/cluster_reply.h"

void verb_hello(struct coordinator *c, const struct client *from, const struct cluster_request *r)
{
    static const char *const headers[] = {"cluster", "coordinator", "program", "protocol",
                                          "updates", "leader",      "version", "hash",
                                          "leads",   "problem",     NULL};
    struct cluster_table_writer w;
    struct buf b = BUF_INIT;
    struct error e;
    if (r->hello.protocol != CLUSTER_PROTOCOL) {
        error_set(&e, ERROR_UNSUPPORTED,
                  "This coordinator speaks protocol %d, not %lld; use programs of one version.",
                  CLUSTER_PROTOCOL, (long long)r->hello.protocol);
        verb_refuse(c, from, &e);
        return;
    }
    cluster_table_begin(&w, &b, from->seq, NULL, headers);
    cluster_row_begin(&w);
    tns_put_str(&b, c->cluster);
    tns_put_str(&b, c->config.name);
    tns_put_str(&b, "mongrel2-coordinator " M2_VERSION);
    tns_put_int(&b, CLUSTER_PROTOCOL);
    tns_put_str(&b, c->updates_at);
    tns_put_str(&b, c->leader.is_leader ? "" : c->leader.endpoint);
    tns_put_int(&b, (int64_t)c->head.at.version);
    tns_put_str(&b, c->head.at.version > 0 ? c->head.at.hash : "");
    tns_put_bool(&b, c->leader.is_leader);
    tns_put_str(&b, c->store_problem.code != ERROR_NONE ? c->store_problem.text : "");
    cluster_row_end(&w);
    cluster_table_end(&w);
    verb_send(c, from, &b);
}

static void put_stat(struct cluster_table_writer *w, const char *type, const char *name,
                     uint64_t value, const char *help)
{
    cluster_row_begin(w);
    tns_put_str(w->out, name);
    tns_put_int(w->out, (int64_t)value);
    tns_put_str(w->out, help);
    tns_put_str(w->out, type);
    cluster_row_end(w);
}

static void put_gauge(struct cluster_table_writer *w, const char *name, uint64_t value,
                      const char *help)
{
    put_stat(w, "gauge", name, value, help);
}

static void put_counter(struct cluster_table_writer *w, const char *name, uint64_t value,
                        const char *help)
{
    put_stat(w, "counter", name, value, help);
}

static void put_states(struct cluster_table_writer *w, const struct members *ms)
{
    uint64_t counts[MEMBER_STATE_COUNT] = {0};
    for (struct map_entry *it = map_first(&ms->by_uuid); it != NULL; it = map_next(it))
        counts[member_of(it)->state]++;
    for (int i = 0; i < MEMBER_STATE_COUNT; i++) {
        struct buf name = BUF_INIT;
        buf_printf(&name, "nodes_%s", member_state_name((enum member_state)i));
        put_gauge(w, buf_str(&name), counts[i], "nodes in this state");
        buf_fini(&name);
    }
}

void verb_stats(struct coordinator *c, const struct client *from, const struct cluster_request *r)
{
    static const char *const headers[] = {"name", "value", "help", "type", NULL};
    const struct coordinator_counters *n = &c->counters;
    struct cluster_table_writer w;
    struct buf b = BUF_INIT;
    (void)r;
    cluster_table_begin(&w, &b, from->seq, NULL, headers);
    put_gauge(&w, "version", c->head.at.version, "version of the head");
    put_gauge(&w, "leader", c->leader.is_leader, "1 when this coordinator leads");
    put_gauge(&w, "pushing", c->push != NULL, "1 while a push is running");
    put_states(&w, &c->members);
    put_counter(&w, "requests", c->requests.requests, "messages received");
    put_counter(&w, "requests_refused", c->requests.refused, "of those, malformed");
    put_counter(&w, "requests_denied", c->access.denied, "of those, beyond the role of their key");
    put_counter(&w, "keys_refused", c->access.zap.refused, "connections with a key not accepted");
    put_counter(&w, "handshakes_failed",
                c->access.handshakes[0].failed + c->access.handshakes[1].failed,
                "connections without a key where one is needed, or not to the protocol");
    put_counter(&w, "answers_lost", c->requests.lost, "answers to clients that had gone");
    put_counter(&w, "beats", n->beats, "beats of nodes");
    put_counter(&w, "joins", n->joins, "joins of nodes");
    put_counter(&w, "joins_refused", n->joins_refused, "joins refused: UUID or name taken");
    put_counter(&w, "fetches", n->fetches, "commits fetched");
    put_counter(&w, "pushes", n->pushes, "pushes begun");
    put_counter(&w, "pushes_applied", n->pushes_applied, "pushes that ended well");
    put_counter(&w, "pushes_failed", n->pushes_failed, "pushes that were taken back or failed");
    put_counter(&w, "updates", c->publisher.messages, "messages published");
    put_counter(&w, "updates_bytes", c->publisher.bytes, "their bytes, each counted once");
    put_counter(&w, "subscriptions", c->publisher.subscriptions, "subscriptions received");
    cluster_table_end(&w);
    verb_send(c, from, &b);
}

static void on_control(void *arg, const char *node, struct slice reply, const struct error *e)
{
    static const char *const headers[] = {"reply", NULL};
    struct deferred *d = arg;
    struct cluster_table_writer w;
    struct buf b = BUF_INIT;
    (void)node;
    if (e != NULL) {
        deferred_refuse(d, e);
        return;
    }
    cluster_table_begin(&w, &b, d->client.seq, NULL, headers);
    cluster_row_begin(&w);
    tns_put_string(&b, reply);
    cluster_row_end(&w);
    cluster_table_end(&w);
    verb_send(d->coordinator, &d->client, &b);
    deferred_free(d);
}

void verb_control(struct coordinator *c, const struct client *from, const struct cluster_request *r)
{
    struct member *m = members_find(&c->members, r->control.node);
    struct error e;
    if (m == NULL) {
        error_set(&e, ERROR_NOT_FOUND, "There is no node \"%.*s\"; see m2sh nodes.",
                  SLICE_ARG(r->control.node));
        verb_refuse(c, from, &e);
        return;
    }
    struct deferred *d = deferred_create(c, from, 0);
    if (d != NULL)
        forward_control(&c->forward, m, r->control.request, on_control, d);
}
