/* The time line: commits with what became of them, and people's notes between them. Three questions
 * to the store, one after the other, then one merge by time. */

#include "coordinator/push_run.h"
#include "coordinator/verbs.h"
#include "proto/base/clock.h"
#include "proto/wire/cluster_reply.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* The key of a note: sixteen digits of milliseconds and something random. */
enum { NOTE_KEY_MAX = 32 };

/* One line: a commit or a note; in the deferred's arena. */
struct line {
    bool is_note;
    struct commit commit; /* of a note: who, where, how, why, when_ms */
    struct slice what;    /* of a note */
    char verdict[16];
    char nodes[64];
    const char *effect;
};

struct log_state {
    unsigned count;
    uint64_t before;
    size_t line_count, commit_count;
    struct line lines[];
};

static struct slice keep(struct deferred *d, struct slice s)
{
    struct slice copy = arena_slice(&d->arena, s);
    return copy.ptr != NULL ? copy : SLICE_EMPTY;
}

static void put_line(struct cluster_table_writer *w, const struct line *l)
{
    struct buf *b = w->out;
    cluster_row_begin(w);
    tns_put_str(b, l->is_note ? "note" : "commit");
    tns_put_int(b, (int64_t)l->commit.version);
    tns_put_str(b, l->commit.hash);
    tns_put_string(b, l->commit.who);
    tns_put_string(b, l->commit.where);
    tns_put_int(b, l->commit.when_ms);
    tns_put_string(b, l->commit.how);
    tns_put_string(b, l->commit.why);
    tns_put_string(b, l->what);
    tns_put_string(b, l->commit.scope);
    tns_put_str(b, l->verdict);
    tns_put_str(b, l->nodes);
    tns_put_str(b, l->effect != NULL ? l->effect : "");
    cluster_row_end(w);
}

static int newest_first(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    if (!x->is_note && !y->is_note) /* the chain's order is the truth, whatever the clocks said */
        return (x->commit.version < y->commit.version) - (x->commit.version > y->commit.version);
    return (x->commit.when_ms < y->commit.when_ms) - (x->commit.when_ms > y->commit.when_ms);
}

static void send_log(struct deferred *d)
{
    static const char *const headers[] = {"kind",    "version", "hash",   "who",  "where",
                                          "when_ms", "how",     "why",    "what", "scope",
                                          "verdict", "nodes",   "effect", NULL};
    struct log_state *s = d->state;
    struct cluster_table_writer w;
    struct buf b = BUF_INIT;
    qsort(s->lines, s->line_count, sizeof *s->lines, newest_first);
    cluster_table_begin(&w, &b, d->client.seq, NULL, headers);
    for (size_t i = 0; i < s->line_count && i < s->count; i++)
        put_line(&w, &s->lines[i]);
    cluster_table_end(&w);
    verb_send(d->coordinator, &d->client, &b);
    deferred_free(d);
}

/* A note belongs here when it is not older than the oldest commit shown and, on a later page, not
 * newer than the newest. */
static bool fits_page(const struct log_state *s, int64_t when_ms)
{
    if (s->commit_count == 0)
        return s->before == 0;
    if (s->before != 0 && when_ms > s->lines[0].commit.when_ms)
        return false;
    bool is_last_page = s->commit_count < s->count;
    return is_last_page || when_ms >= s->lines[s->commit_count - 1].commit.when_ms;
}

static void take_note(struct deferred *d, struct slice value)
{
    struct log_state *s = d->state;
    struct line *l = &s->lines[s->line_count];
    struct tns_value note;
    *l = (struct line){.is_note = true};
    if (tns_parse(&note, keep(d, value), &d->arena, NULL, NULL, NULL) != 0 ||
        !tns_get_int(&note, "when_ms", &l->commit.when_ms) || !fits_page(s, l->commit.when_ms))
        return;
    tns_get_string(&note, "who", &l->commit.who);
    tns_get_string(&note, "where", &l->commit.where);
    tns_get_string(&note, "how", &l->commit.how);
    tns_get_string(&note, "why", &l->commit.why);
    tns_get_string(&note, "what", &l->what);
    s->line_count++;
}

static void on_notes(void *arg, const struct store_result *r)
{
    struct deferred *d = arg;
    if (r->error.code != ERROR_NONE) {
        deferred_refuse(d, &r->error);
        return;
    }
    for (size_t i = 0; i < r->record_count; i++)
        take_note(d, r->records[i].value);
    send_log(d);
}

static void take_outcome(struct deferred *d, const struct store_record *record)
{
    struct log_state *s = d->state;
    struct outcome o = {.version = 0};
    char key[OUTCOME_KEY_LEN + 1];
    for (size_t i = 0; i < s->commit_count; i++) {
        struct line *l = &s->lines[i];
        outcome_key(l->commit.version, key);
        if (!slice_eq(record->key, slice_str(key)) || !outcome_decode(&o, record->value, &d->arena))
            continue;
        snprintf(l->verdict, sizeof l->verdict, "%s", o.verdict);
        snprintf(l->nodes, sizeof l->nodes, "%" PRId64 " of %" PRId64 " applied", o.applied,
                 o.nodes);
        l->effect = arena_strdup(&d->arena, o.effect);
    }
}

static void on_outcomes(void *arg, const struct store_result *r)
{
    struct deferred *d = arg;
    struct log_state *s = d->state;
    struct error e;
    char key[NOTE_KEY_MAX] = "";
    if (r->error.code != ERROR_NONE) {
        deferred_refuse(d, &r->error);
        return;
    }
    for (size_t i = 0; i < r->record_count; i++)
        take_outcome(d, &r->records[i]);
    if (s->before != 0 && s->commit_count > 0)
        snprintf(key, sizeof key, "%016" PRId64, s->lines[0].commit.when_ms + 1);
    if (store_scan(d->coordinator->store, STORE_NOTE, slice_str(key), s->count, on_notes, d, &e) !=
        0)
        deferred_refuse(d, &e);
}

static void on_commits(void *arg, const struct store_result *r)
{
    struct deferred *d = arg;
    struct log_state *s = d->state;
    struct error e = r->error;
    char key[OUTCOME_KEY_LEN + 1];
    for (size_t i = 0; i < r->commit_count; i++) {
        struct line *l = &s->lines[s->line_count++];
        *l = (struct line){.commit = r->commits[i]};
        l->commit.who = keep(d, l->commit.who);
        l->commit.where = keep(d, l->commit.where);
        l->commit.how = keep(d, l->commit.how);
        l->commit.why = keep(d, l->commit.why);
        l->commit.scope = keep(d, l->commit.scope);
    }
    s->commit_count = s->line_count;
    outcome_key(s->line_count > 0 ? s->lines[0].commit.version + 1 : 1, key);
    if (e.code != ERROR_NONE || store_scan(d->coordinator->store, STORE_OUTCOME, slice_str(key),
                                           s->count, on_outcomes, d, &e) != 0)
        deferred_refuse(d, &e);
}

void verb_log(struct coordinator *c, const struct client *from, const struct cluster_request *r)
{
    struct error e;
    size_t lines = (size_t)r->log.count * 2; /* as many notes as commits */
    struct deferred *d = deferred_create(c, from,
                                         sizeof(struct log_state) + lines * sizeof(struct line));
    if (d == NULL)
        return;
    struct log_state *s = d->state;
    s->count = (unsigned)r->log.count;
    s->before = (uint64_t)r->log.before;
    if (store_list(c->store, s->before, s->count, on_commits, d, &e) != 0)
        deferred_refuse(d, &e);
}

/* ---- note --------------------------------------------------------------------------------- */

static void on_note(void *arg, const struct store_result *r)
{
    static const char *const headers[] = {"when_ms", NULL};
    struct deferred *d = arg;
    const int64_t *when_ms = d->state;
    struct cluster_table_writer w;
    struct buf b = BUF_INIT;
    if (r->error.code != ERROR_NONE) {
        deferred_refuse(d, &r->error);
        return;
    }
    cluster_table_begin(&w, &b, d->client.seq, NULL, headers);
    cluster_row_begin(&w);
    tns_put_int(&b, *when_ms);
    cluster_row_end(&w);
    cluster_table_end(&w);
    verb_send(d->coordinator, &d->client, &b);
    deferred_free(d);
}

static void put_note(struct buf *b, const struct cluster_note *note, int64_t when_ms)
{
    size_t dict = tns_open(b);
    tns_put_pair_int(b, "when_ms", when_ms);
    tns_put_pair(b, "who", note->author.who);
    tns_put_pair(b, "where", note->author.where);
    tns_put_pair(b, "how", note->author.how);
    tns_put_pair(b, "why", note->author.why);
    tns_put_pair(b, "what", note->what);
    tns_close_dict(b, dict);
}

void verb_note(struct coordinator *c, const struct client *from, const struct cluster_request *r)
{
    struct buf value = BUF_INIT;
    struct error e;
    char key[NOTE_KEY_MAX], random[UUID_LEN + 1];
    if (!coordinator_leads(c, from))
        return;
    struct deferred *d = deferred_create(c, from, sizeof(int64_t));
    if (d == NULL)
        return;
    if (uuid_generate(random, &e) != 0) {
        deferred_refuse(d, &e);
        return;
    }
    int64_t *when_ms = d->state;
    *when_ms = clock_wall_ms();
    put_note(&value, &r->note, *when_ms);
    snprintf(key, sizeof key, "%016" PRId64 "-%.8s", *when_ms, random);
    events_add(&c->events, "note", "", (int64_t)c->head.at.version, "%.*s: %.*s (%.*s)",
               SLICE_ARG(r->note.author.who), SLICE_ARG(r->note.what),
               SLICE_ARG(r->note.author.why));
    if (store_put(c->store, STORE_NOTE, slice_str(key), buf_slice(&value), c->leader.token, on_note,
                  d, &e) != 0)
        deferred_refuse(d, &e);
    buf_fini(&value);
}

void verb_watch(struct coordinator *c, const struct client *from, const struct cluster_request *r)
{
    events_watch(&c->events, from, &r->watch);
}
