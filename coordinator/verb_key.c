/* Keys: written to the store first, then known here, then told to the nodes by the next beat, which
 * is now. The other coordinators read the store again every few seconds. */

#include "coordinator/verbs.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/wire/cluster_reply.h"

#include <stdio.h>

enum { KEYS_PAGE = 500, KEYS_AGAIN_MS = 2000 };

/* ---- reading the store and the directory -------------------------------------------------- */

static bool read_page(struct coordinator *c, struct slice before);

/* There are other keys now. ZeroMQ cannot cut one subscriber: when a key is lost all are. */
static void apply_change(struct coordinator *c)
{
    if (keys_changed(&c->access.keys, clock_wall_ms()))
        coordinator_cut_updates(c);
}

/* One that makes no difference does not make nodes ask. */
static void finish_reading(struct coordinator *c)
{
    struct error e;
    keys_load_end(&c->access.keys);
    bool is_first = c->access.keys.seq == 0 || c->keys_stale;
    c->keys_loading = c->keys_stale = false;
    c->keys_read_ms = clock_monotonic_ms();
    if (is_first || !c->leader.is_leader)
        apply_change(c);
    if (is_first)
        coordinator_beat(c);
    if (access_begin(&c->access, &e) != 0)
        log_error("access", "%s", e.text);
}

static void on_scanned(void *arg, const struct store_result *r)
{
    struct coordinator *c = arg;
    bool failed = r->error.code != ERROR_NONE;
    for (size_t i = 0; !failed && i < r->record_count; i++)
        failed = keys_load_take(&c->access.keys, r->records[i].key, r->records[i].value) != 0;
    if (!failed && r->record_count == KEYS_PAGE)
        failed = !read_page(c, r->records[KEYS_PAGE - 1].key);
    else if (!failed)
        finish_reading(c);
    if (!failed)
        return;
    c->keys_loading = false; /* the next tick tries again; the keys are as they were */
    log_warn("keys", "the keys could not be read: %s", r->error.text);
}

static bool read_page(struct coordinator *c, struct slice before)
{
    return store_scan(c->store, STORE_KEY, before, KEYS_PAGE, on_scanned, c, NULL) == 0;
}

/* A leader knows what is in the store: it wrote it. */
static bool wants_reading(const struct coordinator *c)
{
    if (c->access.keys.seq == 0 || c->keys_stale)
        return true;
    return !c->leader.is_leader && clock_monotonic_ms() - c->keys_read_ms >= KEYS_AGAIN_MS;
}

void keys_tick(struct coordinator *c)
{
    if (!c->access.has_keys)
        return;
    if (keys_read_files(&c->access.keys, c->config.keys_dir) && c->access.keys.seq != 0) {
        apply_change(c);
        coordinator_beat(c);
    }
    if (c->keys_loading || !wants_reading(c))
        return;
    keys_load_begin(&c->access.keys);
    c->keys_loading = read_page(c, SLICE_EMPTY);
}

/* ---- changing one ------------------------------------------------------------------------- */

struct key_state {
    enum cluster_key_action action;
    struct slice key, owner, who, why, record;
};

static void answer_key(struct deferred *d)
{
    static const char *const headers[] = {"key", "owner", "seq", NULL};
    const struct key_state *s = d->state;
    struct cluster_table_writer w;
    struct buf b = BUF_INIT;
    cluster_table_begin(&w, &b, d->client.seq, NULL, headers);
    cluster_row_begin(&w);
    tns_put_string(&b, s->key);
    tns_put_string(&b, s->owner);
    tns_put_int(&b, d->coordinator->access.keys.seq);
    cluster_row_end(&w);
    cluster_table_end(&w);
    verb_send(d->coordinator, &d->client, &b);
    deferred_free(d);
}

static void on_kept(void *arg, const struct store_result *r)
{
    struct deferred *d = arg;
    struct coordinator *c = d->coordinator;
    const struct key_state *s = d->state;
    if (r->error.code != ERROR_NONE) {
        c->keys_stale = true; /* it is not known whether it was kept */
        deferred_refuse(d, &r->error);
        return;
    }
    if (keys_take(&c->access.keys, s->key, s->record) != 0)
        c->keys_stale = true;
    apply_change(c);
    events_add(&c->events, "key", "", (int64_t)c->head.at.version,
               "%.*s %s the key of %.*s (%.8s...)%s%.*s", SLICE_ARG(s->who),
               s->action == KEY_ADD ? "accepts" : "revokes", SLICE_ARG(s->owner), s->key.ptr,
               s->why.len > 0 ? ": " : "", SLICE_ARG(s->why));
    coordinator_beat(c);
    answer_key(d);
}

/* Somebody must be able to change things. */
static int check_last_admin(const struct coordinator *c, struct slice key, struct error *e)
{
    if (!keys_is_last_admin(&c->access.keys, key))
        return 0;
    return error_set(e, ERROR_REFUSED,
                     "That is the only key of an admin: without it nothing could be changed any "
                     "more. Add another first.");
}

static int check_add(const struct coordinator *c, const struct cluster_key *k, struct error *e)
{
    unsigned role = cluster_role_from_name(k->role);
    if ((role & ROLE_ANY) == 0)
        return error_set(e, ERROR_USAGE, "A role is admin, node, handler or viewer, not \"%.*s\".",
                         SLICE_ARG(k->role));
    if (k->owner.len == 0)
        return error_set(e, ERROR_USAGE, "Say whose key it is.");
    return role == ROLE_ADMIN ? 0 : check_last_admin(c, k->key, e);
}

static int check_revoke(const struct coordinator *c, const struct cluster_key *k, struct error *e)
{
    if (keys_find(&c->access.keys, k->key) == NULL)
        return error_set(e, ERROR_NOT_FOUND, "There is no such key; see m2sh keys.");
    return check_last_admin(c, k->key, e);
}

static int check(const struct coordinator *c, const struct cluster_key *k, struct error *e)
{
    if (!c->access.has_keys)
        return error_set(e, ERROR_UNSUPPORTED,
                         "This coordinator runs without -keys: whoever can reach it may do "
                         "everything.");
    if (c->access.keys.seq == 0 || c->keys_stale || c->keys_loading)
        return error_set(e, ERROR_REFUSED, "The keys are being read; try again.");
    if (!curve_key_is_valid(k->key))
        return error_set(e, ERROR_INVALID, "A key has 40 characters of Z85.");
    return k->action == KEY_ADD ? check_add(c, k, e) : check_revoke(c, k, e);
}

/* What is kept of a key that is revoked says whose it was. */
static void fill_state(struct coordinator *c, struct deferred *d, const struct cluster_key *k)
{
    struct key_state *s = d->state;
    struct buf record = BUF_INIT;
    bool adds = k->action == KEY_ADD;
    struct slice owner = adds ? k->owner : keys_find(&c->access.keys, k->key)->owner;
    key_encode(&record, adds ? cluster_role_from_name(k->role) : 0, owner, &k->author,
               clock_wall_ms());
    s->action = (enum cluster_key_action)k->action;
    s->key = arena_slice(&d->arena, k->key);
    s->owner = arena_slice(&d->arena, owner);
    s->who = arena_slice(&d->arena, k->author.who);
    s->why = arena_slice(&d->arena, k->author.why);
    s->record = record.failed ? (struct slice){NULL, 0}
                              : arena_slice(&d->arena, buf_slice(&record));
    buf_fini(&record);
}

void verb_key(struct coordinator *c, const struct client *from, const struct cluster_request *r)
{
    struct error e;
    if (!coordinator_leads(c, from))
        return;
    if (check(c, &r->key, &e) != 0) {
        verb_refuse(c, from, &e);
        return;
    }
    struct deferred *d = deferred_create(c, from, sizeof(struct key_state));
    if (d == NULL)
        return;
    fill_state(c, d, &r->key);
    const struct key_state *s = d->state;
    if (s->key.ptr == NULL || s->owner.ptr == NULL || s->who.ptr == NULL || s->why.ptr == NULL ||
        s->record.ptr == NULL) {
        error_set(&e, ERROR_NO_MEMORY, "The coordinator is out of memory.");
        deferred_refuse(d, &e);
    } else if (store_put(c->store, STORE_KEY, s->key, s->record, c->leader.token, on_kept, d, &e) !=
               0) {
        deferred_refuse(d, &e);
    }
}

/* ---- showing them ------------------------------------------------------------------------- */

static void put_key(void *arg, struct slice key, const struct key_record *record)
{
    struct cluster_table_writer *w = arg;
    struct buf *b = w->out;
    cluster_row_begin(w);
    tns_put_string(b, key);
    tns_put_str(b, record->role != 0 ? cluster_role_name(record->role) : "revoked");
    tns_put_string(b, record->owner);
    tns_put_string(b, record->author.who);
    tns_put_string(b, record->author.where);
    tns_put_string(b, record->author.how);
    tns_put_string(b, record->author.why);
    tns_put_int(b, record->when_ms);
    cluster_row_end(w);
}

void verb_keys(struct coordinator *c, const struct client *from, const struct cluster_request *r)
{
    static const char *const headers[] = {"key", "role", "owner",   "who", "where",
                                          "how", "why",  "when_ms", NULL};
    struct cluster_table_writer w;
    struct buf b = BUF_INIT;
    struct error e;
    (void)r;
    if (!c->access.has_keys) {
        error_set(&e, ERROR_UNSUPPORTED,
                  "This coordinator runs without -keys: whoever can reach it may do everything.");
        verb_refuse(c, from, &e);
        return;
    }
    cluster_table_begin(&w, &b, from->seq, NULL, headers);
    keys_each(&c->access.keys, put_key, &w);
    cluster_table_end(&w);
    verb_send(c, from, &b);
}
