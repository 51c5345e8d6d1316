/* Verbs that read the history: head, get, diff. */

#include "coordinator/verb_diff.h"
#include "coordinator/verbs.h"
#include "proto/wire/cluster_reply.h"

#include <inttypes.h>
#include <stdlib.h>

static const char *const get_headers[] = {"version", "hash", "commit", NULL};

void verb_head(struct coordinator *c, const struct client *from, const struct cluster_request *r)
{
    static const char *const headers[] = {"version", "hash", "scope", "held", NULL};
    struct cluster_table_writer w;
    struct buf b = BUF_INIT;
    (void)r;
    cluster_table_begin(&w, &b, from->seq, NULL, headers);
    cluster_row_begin(&w);
    tns_put_int(&b, (int64_t)c->head.at.version);
    tns_put_str(&b, c->head.at.version > 0 ? c->head.at.hash : "");
    tns_put_str(&b, c->head.scope != NULL ? c->head.scope : "");
    tns_put_str(&b, canary_state(&c->canary));
    cluster_row_end(&w);
    cluster_table_end(&w);
    verb_send(c, from, &b);
}

/* ---- get ---------------------------------------------------------------------------------- */

struct get {
    uint64_t version;
    uint64_t have;
    char have_hash[CANON_HASH_LEN + 1];
    bool without_config;
};

static void send_record(struct coordinator *c, const struct client *to, uint64_t version,
                        const char *hash, struct slice record)
{
    struct cluster_table_writer w;
    struct buf b = BUF_INIT;
    c->counters.fetches++;
    cluster_table_begin(&w, &b, to->seq, NULL, get_headers);
    cluster_row_begin(&w);
    tns_put_int(&b, (int64_t)version);
    tns_put_str(&b, hash);
    tns_put_string(&b, record);
    cluster_row_end(&w);
    cluster_table_end(&w);
    verb_send(c, to, &b);
}

static void on_get(void *arg, const struct store_result *r)
{
    struct deferred *d = arg;
    const struct get *get = d->state;
    struct buf record = BUF_INIT;
    if (r->error.code != ERROR_NONE) {
        deferred_refuse(d, &r->error);
        return;
    }
    struct commit commit = r->commits[0];
    if (get->without_config)
        commit.config = SLICE_EMPTY;
    commit_encode(&commit, &record);
    send_record(d->coordinator, &d->client, commit.version, commit.hash, buf_slice(&record));
    buf_fini(&record);
    deferred_free(d);
}

static void get_commit(struct deferred *d)
{
    struct coordinator *c = d->coordinator;
    const struct get *get = d->state;
    struct error e;
    if (c->head.at.version > 0 && !get->without_config &&
        (get->version == 0 || get->version == c->head.at.version)) {
        send_record(c, &d->client, c->head.at.version, c->head.at.hash, buf_slice(&c->head.record));
        deferred_free(d);
        return;
    }
    if (store_get(c->store, get->version, on_get, d, &e) != 0)
        deferred_refuse(d, &e);
}

/* The asking node's own commit must be in this history, else it is told so instead. */
static void compare_have(struct deferred *d, const char *hash)
{
    const struct get *get = d->state;
    struct error e;
    if (strcmp(hash, get->have_hash) == 0) {
        get_commit(d);
        return;
    }
    error_set(&e, ERROR_CONFLICT,
              "Version %" PRIu64 " is %.12s in this history, not %.12s: the node has seen another.",
              get->have, hash[0] != '\0' ? hash : "missing", get->have_hash);
    deferred_refuse(d, &e);
}

static void on_have(void *arg, const struct store_result *r)
{
    struct deferred *d = arg;
    const struct get *get = d->state;
    if (r->error.code != ERROR_NONE)
        deferred_refuse(d, &r->error);
    else if (r->commit_count > 0 && r->commits[0].version == get->have)
        compare_have(d, r->commits[0].hash);
    else
        compare_have(d, "");
}

/* The commit of a push that is being decided: for a node that has missed its publication. */
static bool send_pending(struct coordinator *c, const struct client *from,
                         const struct cluster_get *get)
{
    struct buf record = BUF_INIT;
    if (get->hash.len == 0 || c->push == NULL || !push_is_pending(c->push) ||
        !slice_eq(get->hash, slice_str(push_commit(c->push)->hash)))
        return false;
    commit_encode(push_commit(c->push), &record);
    send_record(c, from, push_commit(c->push)->version, push_commit(c->push)->hash,
                buf_slice(&record));
    buf_fini(&record);
    return true;
}

void verb_get(struct coordinator *c, const struct client *from, const struct cluster_request *r)
{
    struct error e;
    if (send_pending(c, from, &r->get))
        return;
    struct deferred *d = deferred_create(c, from, sizeof(struct get));
    if (d == NULL)
        return;
    struct get *get = d->state;
    get->version = (uint64_t)r->get.version;
    get->have = (uint64_t)r->get.have;
    get->without_config = r->get.without_config;
    memcpy(get->have_hash, r->get.have_hash.ptr, r->get.have_hash.len);
    if (get->have == 0 || get->have_hash[0] == '\0')
        get_commit(d);
    else if (get->have == c->head.at.version)
        compare_have(d, c->head.at.hash);
    else if (store_list(c->store, get->have + 1, 1, on_have, d, &e) != 0)
        deferred_refuse(d, &e);
}

/* The head's configuration; NULL while there is no commit. The caller's reference. */
static struct model *head_model(struct coordinator *c)
{
    return c->head.model != NULL ? model_ref(c->head.model) : NULL;
}

/* ---- diff --------------------------------------------------------------------------------- */

struct diff_state {
    uint64_t to; /* read after the first; UINT64_MAX: the other one is here already */
    struct model *from_model, *to_model;
};

static void diff_end(struct deferred *d, const struct error *e)
{
    struct diff_state *s = d->state;
    struct cluster_table_writer w;
    struct buf b = BUF_INIT;
    struct error why;
    if (e != NULL) {
        verb_refuse(d->coordinator, &d->client, e);
    } else {
        cluster_table_begin(&w, &b, d->client.seq, NULL, diff_headers);
        if (diff_rows(&w, s->from_model, s->to_model, NULL, &why) != 0) {
            verb_refuse(d->coordinator, &d->client, &why);
            buf_fini(&b);
        } else {
            cluster_table_end(&w);
            verb_send(d->coordinator, &d->client, &b);
        }
    }
    model_unref(s->from_model);
    model_unref(s->to_model);
    deferred_free(d);
}

static void on_diff_to(void *arg, const struct store_result *r)
{
    struct deferred *d = arg;
    struct diff_state *s = d->state;
    struct error e = r->error;
    bool good = e.code == ERROR_NONE && canon_decode(&s->to_model, r->commits[0].config, &e) == 0;
    diff_end(d, good ? NULL : &e);
}

static void diff_second(struct deferred *d)
{
    struct coordinator *c = d->coordinator;
    struct diff_state *s = d->state;
    struct error e;
    if (s->to == 0 && s->to_model == NULL)
        s->to_model = head_model(c);
    if (s->to == 0 || s->to_model != NULL)
        diff_end(d, NULL);
    else if (store_get(c->store, s->to, on_diff_to, d, &e) != 0)
        diff_end(d, &e);
}

static void on_diff_from(void *arg, const struct store_result *r)
{
    struct deferred *d = arg;
    struct diff_state *s = d->state;
    struct error e = r->error;
    if (e.code != ERROR_NONE || canon_decode(&s->from_model, r->commits[0].config, &e) != 0)
        diff_end(d, &e);
    else
        diff_second(d);
}

void verb_diff(struct coordinator *c, const struct client *from, const struct cluster_request *r)
{
    struct error e;
    struct deferred *d = deferred_create(c, from, sizeof(struct diff_state));
    if (d == NULL)
        return;
    struct diff_state *s = d->state;
    s->to = (uint64_t)r->diff.to;
    if (r->diff.config.len > 0 && canon_decode(&s->to_model, r->diff.config, &e) != 0) {
        diff_end(d, &e);
        return;
    }
    if (r->diff.from == 0) {
        s->from_model = head_model(c);
        diff_second(d);
    } else if (store_get(c->store, (uint64_t)r->diff.from, on_diff_from, d, &e) != 0) {
        diff_end(d, &e);
    }
}
