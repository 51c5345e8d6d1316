/* Verbs of nodes, and verbs that show them. */

#include "coordinator/pools.h"
#include "coordinator/push_run.h"
#include "coordinator/verbs.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/wire/cluster_reply.h"

static void refuse_join(struct coordinator *c, const struct client *from,
                        const struct cluster_join *j, const struct error *e)
{
    static struct log_limit limit;
    c->counters.joins_refused++;
    log_limited(&limit, LOG_WARN_LEVEL, "node", "may not join: %s node=%.*s uuid=%.*s host=%.*s",
                e->text, SLICE_ARG(j->name), SLICE_ARG(j->uuid), SLICE_ARG(j->host));
    verb_refuse(c, from, e);
}

void verb_join(struct coordinator *c, const struct client *from, const struct cluster_request *r)
{
    static const char *const headers[] = {"cluster", "version", "hash", "interval_ms", NULL};
    const struct cluster_join *j = &r->join;
    struct cluster_table_writer w;
    struct buf b = BUF_INIT;
    struct member *m;
    struct error e;
    if (j->cluster.len > 0 && !slice_eq(j->cluster, slice_str(c->cluster))) {
        error_set(&e, ERROR_CONFLICT,
                  "Node %.*s belongs to cluster %.*s, this is %s; give it another state directory "
                  "or another coordinator.",
                  SLICE_ARG(j->name), SLICE_ARG(j->cluster), c->cluster);
        refuse_join(c, from, j, &e);
        return;
    }
    if (members_join(&c->members, j, &from->peer, clock_monotonic_ms(), &m, &e) != 0) {
        refuse_join(c, from, j, &e);
        return;
    }
    c->counters.joins++;
    memcpy(m->key, from->key, sizeof m->key);
    cluster_table_begin(&w, &b, from->seq, NULL, headers);
    cluster_row_begin(&w);
    tns_put_str(&b, c->cluster);
    tns_put_int(&b, (int64_t)c->head.at.version);
    tns_put_str(&b, c->head.at.version > 0 ? c->head.at.hash : "");
    tns_put_int(&b, MEMBER_BEAT_MS);
    cluster_row_end(&w);
    cluster_table_end(&w);
    verb_send(c, from, &b);
}

/* Is it this node that speaks? If not, refuses. */
static bool is_own(struct coordinator *c, const struct client *from, const struct member *m)
{
    struct error e;
    if (m == NULL || access_is_own(&c->access, from, m->key))
        return true;
    c->access.denied++;
    error_set(&e, ERROR_DENIED, "Node %s has joined with another key.", m->name);
    verb_refuse(c, from, &e);
    return false;
}

void verb_beat(struct coordinator *c, const struct client *from, const struct cluster_request *r)
{
    struct error e;
    const struct member *m = members_by_uuid(&c->members, r->beat.uuid);
    if (!is_own(c, from, m))
        return;
    uint64_t wanted = m != NULL ? coordinator_version_for(c, slice_str(m->name))
                                : c->head.at.version;
    c->counters.beats++;
    if (members_beat(&c->members, &r->beat, &from->peer, clock_monotonic_ms(), (int64_t)wanted,
                     &e) != 0)
        verb_refuse(c, from, &e);
}

void verb_leave(struct coordinator *c, const struct client *from, const struct cluster_request *r)
{
    struct member *m = members_by_uuid(&c->members, r->leave.uuid);
    char uuid[UUID_LEN + 1];
    if (m == NULL || !is_own(c, from, m) || !slice_eq(r->leave.boot, slice_str(m->boot)))
        return;
    memcpy(uuid, m->uuid, sizeof uuid);
    members_leave(&c->members, &r->leave);
    if (coordinator_is_pushing(c))
        push_left(c->push, uuid);
}

void verb_prepared(struct coordinator *c, const struct client *from,
                   const struct cluster_request *r)
{
    if (is_own(c, from, members_by_uuid(&c->members, r->ack.uuid)) && coordinator_is_pushing(c))
        push_prepared(c->push, &r->ack);
}

void verb_applied(struct coordinator *c, const struct client *from, const struct cluster_request *r)
{
    struct member *m = members_by_uuid(&c->members, r->ack.uuid);
    if (!is_own(c, from, m))
        return;
    if (!r->ack.ok)
        events_add(&c->events, "node", m != NULL ? m->name : "?", r->ack.version,
                   "runs the commit, but has not written it: %.*s", SLICE_ARG(r->ack.error));
    if (coordinator_is_pushing(c))
        push_applied(c->push, &r->ack);
}

static void put_member(struct cluster_table_writer *w, const struct coordinator *c,
                       const struct member *m, uint64_t now_ms)
{
    struct buf *b = w->out;
    struct buf pools = BUF_INIT;
    for (size_t i = 0; i < m->pools.count; i++)
        buf_printf(&pools, "%s%.*s", i > 0 ? " " : "", SLICE_ARG(m->pools.items[i]));
    cluster_row_begin(w);
    tns_put_str(b, m->name);
    tns_put_str(b, m->uuid);
    tns_put_str(b, member_state_name(m->state));
    tns_put_str(b, m->server);
    tns_put_str(b, m->host);
    tns_put_str(b, m->addresses);
    tns_put_int(b, m->version);
    tns_put_str(b, m->hash);
    tns_put_int(b, m->connections);
    tns_put_int(b, m->in_flight);
    tns_put_int(b, m->requests);
    tns_put_int(b, m->errors);
    tns_put_int(b, (int64_t)member_latency_us(m, 0.5));
    tns_put_int(b, (int64_t)member_latency_us(m, 0.99));
    tns_put_int(b, (int64_t)(now_ms - m->beat_ms));
    tns_put_int(b, (int64_t)(now_ms - m->joined_ms));
    tns_put_int(b, m->restarts);
    tns_put_str(b, m->program);
    tns_put_int(b, m->pid);
    tns_put_string(b, buf_slice(&pools));
    tns_put_str(b, m->handler);
    tns_put_str(b, m->control);
    tns_put_str(b, m->error);
    tns_put_int(b, m->orders);
    tns_put_int(b, (int64_t)coordinator_version_for(c, slice_str(m->name)));
    cluster_row_end(w);
    buf_fini(&pools);
}

void verb_nodes(struct coordinator *c, const struct client *from, const struct cluster_request *r)
{
    static const char *const headers[] = {
        "node",    "uuid",        "state",     "server",   "host",   "addresses", "version",
        "hash",    "connections", "in_flight", "requests", "errors", "p50_us",    "p99_us",
        "age_ms",  "up_ms",       "restarts",  "program",  "pid",    "pools",     "handler",
        "control", "error",       "orders",    "wanted",   NULL};
    struct slice node = r->nodes.node;
    uint64_t now = clock_monotonic_ms();
    struct cluster_table_writer w;
    struct buf b = BUF_INIT;
    cluster_table_begin(&w, &b, from->seq, NULL, headers);
    for (struct map_entry *it = map_first(&c->members.by_uuid); it != NULL; it = map_next(it)) {
        const struct member *m = member_of(it);
        if (node.len == 0 || slice_eq(node, slice_str(m->name)) ||
            slice_eq(node, slice_str(m->uuid)))
            put_member(&w, c, m, now);
    }
    cluster_table_end(&w);
    verb_send(c, from, &b);
}

void verb_pools(struct coordinator *c, const struct client *from, const struct cluster_request *r)
{
    struct cluster_table_writer w;
    struct buf b = BUF_INIT;
    struct error e;
    if (!coordinator_is_settled(c)) {
        error_set(&e, ERROR_REFUSED,
                  "The coordinator has just started and does not know all nodes yet; ask again in "
                  "a few seconds.");
        verb_refuse(c, from, &e);
        return;
    }
    cluster_table_begin(&w, &b, from->seq, NULL, pools_headers);
    pools_rows(&w, &c->members, r->pools.pool);
    cluster_table_end(&w);
    verb_send(c, from, &b);
}
