/* One function per table of the reference. */

#include "coordinator/push_report.h"

#include "proto/base/clock.h"
#include "proto/wire/cluster_reply.h"

static void send(struct push *p, struct cluster_table_writer *w)
{
    cluster_table_end(w);
    if (!w->out->failed)
        p->env->answer(p->arg, buf_slice(w->out));
    buf_fini(w->out);
}

void push_report_waiting(struct push *p, const char *text)
{
    static const char *const headers[] = {"text", NULL};
    struct buf b = BUF_INIT;
    struct cluster_table_writer w;
    cluster_table_begin(&w, &b, p->options.seq, "waiting", headers);
    cluster_row_begin(&w);
    tns_put_str(&b, text);
    cluster_row_end(&w);
    send(p, &w);
}

void push_report_checked(struct push *p)
{
    static const char *const headers[] = {"version", "hash", "parent", "changes", "nodes", NULL};
    struct buf b = BUF_INIT;
    struct cluster_table_writer w;
    cluster_table_begin(&w, &b, p->options.seq, "checked", headers);
    cluster_row_begin(&w);
    tns_put_int(&b, (int64_t)p->commit.version);
    tns_put_str(&b, p->commit.hash);
    tns_put_str(&b, p->commit.parent);
    tns_put_int(&b, (int64_t)p->options.changes);
    tns_put_int(&b, (int64_t)p->count.nodes);
    cluster_row_end(&w);
    send(p, &w);
}

void push_report_answer(struct push *p, const char *progress, const struct voter *v, bool ok)
{
    static const char *const headers[] = {"node",   "uuid",  "ok", "code",
                                          "object", "error", "ms", NULL};
    struct buf b = BUF_INIT;
    struct cluster_table_writer w;
    cluster_table_begin(&w, &b, p->options.seq, progress, headers);
    cluster_row_begin(&w);
    tns_put_str(&b, v->name);
    tns_put_str(&b, v->uuid);
    tns_put_bool(&b, ok);
    tns_put_string(&b, v->code);
    tns_put_string(&b, v->object);
    tns_put_string(&b, v->error);
    tns_put_int(&b, (int64_t)(clock_monotonic_ms() - p->since_ms));
    cluster_row_end(&w);
    send(p, &w);
}

void push_report_decided(struct push *p, const char *decision)
{
    static const char *const headers[] = {"version", "decision", "nodes", "ready",
                                          "refused", "silent",   NULL};
    struct buf b = BUF_INIT;
    struct cluster_table_writer w;
    cluster_table_begin(&w, &b, p->options.seq, "decided", headers);
    cluster_row_begin(&w);
    tns_put_int(&b, (int64_t)p->commit.version);
    tns_put_str(&b, decision);
    tns_put_int(&b, (int64_t)p->count.nodes);
    tns_put_int(&b, (int64_t)p->count.ready);
    tns_put_int(&b, (int64_t)p->count.refused);
    tns_put_int(&b, (int64_t)(p->count.nodes - p->count.ready - p->count.refused));
    cluster_row_end(&w);
    send(p, &w);
}

void push_report_stored(struct push *p)
{
    static const char *const headers[] = {"version", "hash", NULL};
    struct buf b = BUF_INIT;
    struct cluster_table_writer w;
    cluster_table_begin(&w, &b, p->options.seq, "stored", headers);
    cluster_row_begin(&w);
    tns_put_int(&b, (int64_t)p->commit.version);
    tns_put_str(&b, p->commit.hash);
    cluster_row_end(&w);
    send(p, &w);
}

static void put_verdict(struct buf *b, struct cluster_table_writer *w, const struct push_result *r)
{
    cluster_row_begin(w);
    tns_put_int(b, (int64_t)r->commit->version);
    tns_put_str(b, r->commit->hash);
    tns_put_str(b, r->commit->parent);
    tns_put_str(b, push_verdict_name(r->verdict));
    tns_put_int(b, (int64_t)r->nodes);
    tns_put_int(b, (int64_t)r->ready);
    tns_put_int(b, (int64_t)r->refused);
    tns_put_int(b, (int64_t)r->silent);
    tns_put_int(b, (int64_t)r->applied);
    tns_put_int(b, r->ms);
    cluster_row_end(w);
}

static void put_voters(struct push *p, struct buf *b, struct cluster_table_writer *w)
{
    static const char *const answers[] = {"silent", "ready", "refused"};
    for (struct map_entry *it = map_first(&p->voters); it != NULL; it = map_next(it)) {
        const struct voter *v = map_value(it);
        cluster_row_begin(w);
        tns_put_str(b, v->name);
        tns_put_str(b, v->uuid);
        tns_put_str(b, answers[v->answer]);
        tns_put_string(b, v->code);
        tns_put_string(b, v->object);
        tns_put_string(b, v->error);
        cluster_row_end(w);
    }
}

void push_report_end(struct push *p, const struct push_result *r)
{
    static const char *const verdict_headers[] = {"version", "hash",  "parent",  "verdict",
                                                  "nodes",   "ready", "refused", "silent",
                                                  "applied", "ms",    NULL};
    static const char *const voter_headers[] = {"node",   "uuid",  "answer", "code",
                                                "object", "error", NULL};
    struct buf b = BUF_INIT;
    struct cluster_table_writer w;
    if (p->options.is_canary && r->verdict <= PUSH_STORED)
        return;
    if (r->verdict <= PUSH_DRY) {
        cluster_table_begin(&w, &b, p->options.seq, NULL, verdict_headers);
        put_verdict(&b, &w, r);
    } else {
        cluster_error_begin(&w, &b, p->options.seq, &r->error, voter_headers);
        put_voters(p, &b, &w);
    }
    send(p, &w);
}
