/* Verbs that lead to a push, or end one. CHECK happens here, before there is a push: what is
 * refused here has changed nothing and told nobody. */

#include "coordinator/push_run.h"
#include "coordinator/verb_diff.h"
#include "coordinator/verbs.h"
#include "proto/base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* What a push needs that is not the configuration. */
struct wish {
    struct cluster_author author;
    int64_t base;
    struct slice canary;
    struct push_options options;
};

static void refuse(struct coordinator *c, const struct client *to, enum error_code code,
                   const char *text)
{
    struct error e;
    error_set(&e, code, "%s", text);
    verb_refuse(c, to, &e);
}

/* ---- CHECK -------------------------------------------------------------------------------- */

static void send_findings(struct coordinator *c, const struct client *to, const struct check *check)
{
    struct cluster_table_writer w;
    struct buf b = BUF_INIT;
    struct error e;
    if (check->error_count > 0) {
        error_set_object(&e, ERROR_INVALID, check->findings[0].object,
                         "The configuration has %zu error%s, the first is: %s", check->error_count,
                         check->error_count == 1 ? "" : "s", check->findings[0].text);
        cluster_error_begin(&w, &b, to->seq, &e, finding_headers);
    } else {
        cluster_table_begin(&w, &b, to->seq, NULL, finding_headers);
    }
    finding_rows(&w, check);
    cluster_table_end(&w);
    verb_send(c, to, &b);
}

/* The configuration as a model, if it is one that may run; else the client was told. `answer_all`:
 * it is told the findings also when they are only warnings. */
static struct model *check_config(struct coordinator *c, const struct client *to,
                                  struct slice config, bool answer_all)
{
    struct model *m = NULL;
    struct check *check = NULL;
    struct error e;
    if (canon_decode(&m, config, &e) != 0 || check_model(&check, m, &e) != 0) {
        verb_refuse(c, to, &e);
    } else if (check->error_count > 0 || answer_all) {
        send_findings(c, to, check);
    } else {
        check_destroy(check);
        return m;
    }
    check_destroy(check);
    model_unref(m);
    return NULL;
}

/* ---- compare and set ---------------------------------------------------------------------- */

static void send_conflict(struct coordinator *c, const struct client *to, int64_t base,
                          const struct model *before)
{
    struct cluster_table_writer w;
    struct buf b = BUF_INIT;
    struct error e, ignored;
    error_set(&e, ERROR_CONFLICT,
              "The head is version %" PRIu64 ", not %" PRId64
              ": someone else has pushed. Look at the difference and push again.",
              c->head.at.version, base);
    cluster_error_begin(&w, &b, to->seq, &e, diff_headers);
    if (before != NULL && diff_rows(&w, before, c->head.model, NULL, &ignored) != 0)
        buf_clear(&b);
    if (b.len == 0) {
        verb_refuse(c, to, &e);
        buf_fini(&b);
        return;
    }
    cluster_table_end(&w);
    verb_send(c, to, &b);
}

static void on_base(void *arg, const struct store_result *r)
{
    struct deferred *d = arg;
    struct model *before = NULL;
    const int64_t *base = d->state;
    if (r->error.code == ERROR_NONE)
        canon_decode(&before, r->commits[0].config, NULL); /* without it there is no difference */
    send_conflict(d->coordinator, &d->client, *base, before);
    model_unref(before);
    deferred_free(d);
}

/* The head is not what the author saw: refused with what has happened since. */
static void refuse_base(struct coordinator *c, const struct client *to, int64_t base)
{
    if (base == 0 || base > (int64_t)c->head.at.version) {
        send_conflict(c, to, base, NULL);
        return;
    }
    struct deferred *d = deferred_create(c, to, sizeof base);
    if (d == NULL)
        return;
    *(int64_t *)d->state = base;
    if (store_get(c->store, (uint64_t)base, on_base, d, NULL) != 0) {
        send_conflict(c, to, base, NULL);
        deferred_free(d);
    }
}

/* ---- push --------------------------------------------------------------------------------- */

static void send_unchanged(struct coordinator *c, const struct client *to)
{
    static const char *const headers[] = {"version", "hash",  "parent",  "verdict",
                                          "nodes",   "ready", "refused", "silent",
                                          "applied", "ms",    NULL};
    struct cluster_table_writer w;
    struct buf b = BUF_INIT;
    cluster_table_begin(&w, &b, to->seq, NULL, headers);
    cluster_row_begin(&w);
    tns_put_int(&b, (int64_t)c->head.at.version);
    tns_put_str(&b, c->head.at.hash);
    tns_put_str(&b, "");
    tns_put_str(&b, "unchanged");
    for (int i = 0; i < 6; i++)
        tns_put_int(&b, 0);
    cluster_row_end(&w);
    cluster_table_end(&w);
    verb_send(c, to, &b);
}

/* The nodes that it goes to first. */
static int choose_scope(struct coordinator *c, struct wish *wish, struct buf *scope,
                        struct error *e)
{
    if (wish->canary.len == 0) {
        buf_append_str(scope, "all");
        return 0;
    }
    wish->options.is_canary = !wish->options.dry;
    if (c->head.at.version == 0)
        return error_set(e, ERROR_USAGE,
                         "There is nothing to go back to: the first configuration goes to all.");
    return canary_choose(&c->members, wish->canary, scope, e);
}

/* A configuration that may run, on top of the head. Takes the reference. */
static void push_model(struct coordinator *c, const struct client *to, struct slice config,
                       struct model *m, struct wish *wish)
{
    struct commit commit;
    struct buf scope = BUF_INIT;
    struct error e;
    if (choose_scope(c, wish, &scope, &e) != 0 ||
        coordinator_make_commit(c, config, &wish->author, buf_slice(&scope), &commit, &e) != 0 ||
        diff_count(c->head.model, m, &wish->options.changes, &e) != 0)
        verb_refuse(c, to, &e);
    else if (!wish->options.dry && strcmp(commit.config_hash, c->head.config_hash) == 0)
        send_unchanged(c, to);
    else if (coordinator_push(c, to, &commit, m, &wish->options, &e) != 0)
        verb_refuse(c, to, &e);
    buf_fini(&scope);
    model_unref(m);
}

/* May anything be pushed now, and onto this base? If not the client was told. */
static bool may_push(struct coordinator *c, const struct client *to, int64_t base)
{
    struct error e;
    if (!coordinator_leads(c, to))
        return false;
    if (canary_refuses(c, &e)) {
        verb_refuse(c, to, &e);
        return false;
    }
    if (base >= 0 && base != (int64_t)c->head.at.version) {
        refuse_base(c, to, base);
        return false;
    }
    return true;
}

static struct wish wish_of(const struct cluster_push *p)
{
    return (struct wish){.author = p->author,
                         .base = p->base,
                         .canary = p->canary,
                         .options = {.policy = (enum cluster_policy)p->policy,
                                     .dry = p->dry,
                                     .hold_s = p->hold_s,
                                     .timeout_ms = p->timeout_ms}};
}

void verb_push(struct coordinator *c, const struct client *from, const struct cluster_request *r)
{
    struct wish wish = wish_of(&r->push);
    if (!may_push(c, from, wish.base))
        return;
    struct model *m = check_config(c, from, r->push.config, false);
    if (m != NULL)
        push_model(c, from, r->push.config, m, &wish);
}

void verb_check(struct coordinator *c, const struct client *from, const struct cluster_request *r)
{
    struct wish wish = {.base = -1,
                        .author = {SLICE("check"), SLICE(""), SLICE(""), SLICE("")},
                        .options = {.dry = true, .timeout_ms = r->check.timeout_ms}};
    if (r->check.nodes && !may_push(c, from, -1))
        return;
    struct model *m = check_config(c, from, r->check.config, !r->check.nodes);
    if (m != NULL)
        push_model(c, from, r->check.config, m, &wish);
}

/* ---- rollback ----------------------------------------------------------------------------- */

static void on_rollback(void *arg, const struct store_result *r)
{
    struct deferred *d = arg;
    struct coordinator *c = d->coordinator;
    struct wish *wish = d->state;
    struct model *m;
    if (r->error.code != ERROR_NONE)
        verb_refuse(c, &d->client, &r->error);
    else if (may_push(c, &d->client, wish->base) &&
             (m = check_config(c, &d->client, r->commits[0].config, false)) != NULL)
        push_model(c, &d->client, r->commits[0].config, m, wish);
    deferred_free(d);
}

static struct slice keep(struct deferred *d, struct slice s)
{
    struct slice copy = arena_slice(&d->arena, s);
    return copy.ptr != NULL ? copy : SLICE_EMPTY;
}

void verb_rollback(struct coordinator *c, const struct client *from,
                   const struct cluster_request *r)
{
    struct error e;
    if (!may_push(c, from, r->push.base))
        return;
    struct deferred *d = deferred_create(c, from, sizeof(struct wish));
    if (d == NULL)
        return;
    struct wish *wish = d->state;
    *wish = wish_of(&r->push);
    wish->author.who = keep(d, wish->author.who);
    wish->author.where = keep(d, wish->author.where);
    wish->author.how = keep(d, wish->author.how);
    wish->author.why = keep(d, wish->author.why);
    wish->canary = keep(d, wish->canary);
    if (store_get(c->store, (uint64_t)r->push.version, on_rollback, d, &e) != 0)
        deferred_refuse(d, &e);
}

/* ---- abort, promote ----------------------------------------------------------------------- */

/* Takes back the push that is running. */
static void abort_push(struct coordinator *c, const struct client *from,
                       const struct cluster_decide *d)
{
    static const char *const headers[] = {"version", NULL};
    struct cluster_table_writer w;
    struct buf b = BUF_INIT;
    struct error e;
    char why[400];
    int64_t version = (int64_t)push_commit(c->push)->version;
    snprintf(why, sizeof why, "%.*s has taken it back: %.*s", SLICE_ARG(d->author.who),
             SLICE_ARG(d->author.why));
    if (push_abort(c->push, why, &e) != 0) {
        verb_refuse(c, from, &e);
        return;
    }
    cluster_table_begin(&w, &b, from->seq, NULL, headers);
    cluster_row_begin(&w);
    tns_put_int(&b, version);
    cluster_row_end(&w);
    cluster_table_end(&w);
    verb_send(c, from, &b);
}

static bool is_held(const struct coordinator *c, const struct cluster_decide *d)
{
    bool is_meant = d->version == 0 || d->version == (int64_t)c->head.at.version;
    return is_meant && (c->canary.phase == CANARY_WATCHED || c->canary.phase == CANARY_WAITS);
}

void verb_abort(struct coordinator *c, const struct client *from, const struct cluster_request *r)
{
    const struct cluster_decide *d = &r->decide;
    if (!coordinator_leads(c, from))
        return;
    if (coordinator_is_pushing(c) &&
        (d->version == 0 || d->version == (int64_t)push_commit(c->push)->version))
        abort_push(c, from, d);
    else if (is_held(c, d))
        canary_take_back(c, from, &d->author);
    else
        refuse(c, from, ERROR_NOT_FOUND, "No such push is running or held at a canary.");
}

void verb_promote(struct coordinator *c, const struct client *from, const struct cluster_request *r)
{
    if (!coordinator_leads(c, from))
        return;
    if (is_held(c, &r->decide))
        canary_promote(c, from, &r->decide.author);
    else
        refuse(c, from, ERROR_NOT_FOUND, "No such commit is held at a canary.");
}
