/* The keys of TLS session tickets: made here by the leader, told to nodes that ask. They are
 * secrets, and so travel encrypted, or not beyond this machine. */

#include "coordinator/verbs.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/wire/cluster_reply.h"

static bool may_tell(const struct coordinator *c)
{
    return c->access.has_keys || endpoint_is_local(c->requests.endpoint);
}

void tickets_tick(struct coordinator *c)
{
    static struct log_limit limit;
    struct error e;
    if (!c->leader.is_leader || c->config.ticket_keys_s == 0 || !may_tell(c)) {
        ticket_keys_wipe(&c->ticket_keys);
        return;
    }
    if (ticket_keys_renew(&c->ticket_keys, clock_monotonic_ms(), clock_wall_ms(),
                          c->config.ticket_keys_s, &e))
        log_info("tickets", "nodes get a new key for TLS session tickets");
    else if (e.code != ERROR_NONE)
        log_limited(&limit, LOG_ERROR_LEVEL, "tickets", "%s", e.text);
}

void verb_tickets(struct coordinator *c, const struct client *from, const struct cluster_request *r)
{
    static const char *const headers[] = {"name", "secret", "age_s", NULL};
    const struct ticket_keys *t = &c->ticket_keys;
    uint64_t now_ms = clock_monotonic_ms();
    struct cluster_table_writer w;
    struct buf b = BUF_INIT;
    (void)r;
    cluster_table_begin(&w, &b, from->seq, NULL, headers);
    for (unsigned i = t->count; i-- > 0;) { /* the newest last: a node takes them in this order */
        cluster_row_begin(&w);
        tns_put_string(&b, slice_of((const char *)t->keys[i].name, TICKET_KEY_NAME_BYTES));
        tns_put_string(&b, slice_of((const char *)t->keys[i].secret, TICKET_KEY_SECRET_BYTES));
        tns_put_int(&b, (int64_t)((now_ms - t->keys[i].since_ms) / 1000));
        cluster_row_end(&w);
    }
    cluster_table_end(&w);
    verb_send(c, from, &b);
}
