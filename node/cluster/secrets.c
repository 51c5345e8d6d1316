/* Beats come every second, so what could not be fetched is asked for again by the next. */

#include "node/cluster/secrets.h"

#include "proto/base/log.h"

enum { FETCH_MS = 10000, TICKETS_MOST = 8 };

void secrets_init(struct secrets *s, const struct agent_ops *ops, void *arg,
                  const struct state_dir *dir, bool has_keys)
{
    *s = (struct secrets){.ops = ops, .arg = arg, .dir = dir, .has_keys = has_keys};
    key_list_init(&s->keys);
}

void secrets_fini(struct secrets *s)
{
    key_list_fini(&s->keys);
}

void secrets_recall(struct secrets *s)
{
    struct error e;
    if (!s->has_keys)
        return;
    if (key_list_load(&s->keys, s->dir, &e) != 0)
        log_error("cluster", "no key is accepted before a coordinator is heard: %s", e.text);
    s->ops->keys(s->arg, &s->keys.ring);
}

/* The table of an answer, or NULL with a line in the log. */
static const struct cluster_table *table_of(const struct cluster_reply *reply,
                                            const struct error *e, const char *what)
{
    static struct log_limit limit;
    struct error problem;
    if (reply != NULL && reply->kind == REPLY_TABLE)
        return &reply->table;
    if (reply != NULL)
        cluster_reply_error(reply, &problem);
    else
        problem = *e;
    log_limited(&limit, LOG_WARN_LEVEL, "cluster", "the %s could not be fetched: %s", what,
                problem.text);
    return NULL;
}

static void on_keys(void *arg, const struct cluster_reply *reply, const struct error *e)
{
    struct secrets *s = arg;
    struct error problem;
    int64_t seq = s->key_part.asked;
    const struct cluster_table *t = table_of(reply, e, "keys");
    s->key_part.asked = 0;
    if (t == NULL)
        return;
    if (key_list_take(&s->keys, t, &problem) != 0) {
        log_error("cluster", "%s", problem.text);
        return;
    }
    s->key_part.known = seq;
    if (key_list_save(&s->keys, s->dir, &problem) != 0)
        log_error("cluster", "the keys are known, but not written: %s", problem.text);
    s->ops->keys(s->arg, &s->keys.ring);
}

static void on_tickets(void *arg, const struct cluster_reply *reply, const struct error *e)
{
    struct secrets *s = arg;
    struct agent_ticket tickets[TICKETS_MOST];
    int64_t seq = s->ticket_part.asked;
    const struct cluster_table *t = table_of(reply, e, "keys of session tickets");
    s->ticket_part.asked = 0;
    if (t == NULL)
        return;
    size_t count = t->row_count < TICKETS_MOST ? t->row_count : TICKETS_MOST;
    for (size_t i = 0; i < count; i++)
        tickets[i] = (struct agent_ticket){.name = cluster_table_text(t, i, "name"),
                                           .secret = cluster_table_text(t, i, "secret"),
                                           .age_s = cluster_table_int(t, i, "age_s")};
    s->ticket_part.known = seq;
    s->ops->tickets(s->arg, tickets, count);
}

static void ask(struct secrets *s, struct coordinator_link *l, struct secrets_part *part,
                int64_t seq, enum cluster_verb verb, caller_ev_done *done)
{
    struct cluster_request r;
    struct error e;
    if (seq == 0 || seq == part->known || part->asked != 0)
        return;
    cluster_request_init(&r, verb);
    if (coordinator_link_call(l, &r, FETCH_MS, done, s, &e) == 0)
        part->asked = seq;
}

void secrets_on_beat(struct secrets *s, struct coordinator_link *l,
                     const struct cluster_head_beat *b)
{
    if (s->has_keys)
        ask(s, l, &s->key_part, b->keys_seq, CLUSTER_KEYS, on_keys);
    if (s->ops->tickets != NULL)
        ask(s, l, &s->ticket_part, b->tickets_seq, CLUSTER_TICKETS, on_tickets);
}
