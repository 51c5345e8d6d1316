/* The commit that ends a canary is a push like any other: asked of all nodes, refused by their
 * policy, resolved with the store. Here is only when it begins and what it contains. */

#include "coordinator/canary_run.h"

#include "coordinator/push_run.h"
#include "coordinator/verb_diff.h"
#include "coordinator/verbs.h"
#include "proto/base/clock.h"
#include "proto/wire/cluster_reply.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Of the commit that ends it, where the push that began it is unknown. */
enum { TIMEOUT_MS = 10000 };

/* The commit that is to end it. */
struct ending {
    struct cluster_author author;
    struct push_options options;
};

static struct slice scope_of(const struct coordinator *c)
{
    return slice_str(c->head.scope != NULL ? c->head.scope : "all");
}

void canary_head_changed(struct coordinator *c)
{
    struct canary *k = &c->canary;
    k->phase = commit_is_for_all(scope_of(c)) ? CANARY_NONE : CANARY_WAITS;
    k->policy = POLICY_ALL;
    k->timeout_ms = TIMEOUT_MS;
    snprintf(k->why, sizeof k->why,
             "This coordinator has not begun it and has no figures to judge it by.");
}

const char *canary_state(const struct canary *k)
{
    switch (k->phase) {
    case CANARY_WATCHED: return "It is being watched.";
    case CANARY_ENDING: return "The commit that ends it is being pushed.";
    case CANARY_WAITS: return k->why;
    default: return "";
    }
}

bool canary_refuses(const struct coordinator *c, struct error *e)
{
    if (c->canary.phase == CANARY_NONE)
        return false;
    error_set(e, ERROR_CONFLICT,
              "Version %" PRIu64 " is held at its canary (%s): m2sh promote or m2sh abort decides "
              "about it first.",
              c->head.at.version, c->head.scope);
    return true;
}

/* ---- telling ------------------------------------------------------------------------------ */

static void put_head(struct coordinator *c, struct buf *b)
{
    tns_put_int(b, (int64_t)c->head.at.version);
    tns_put_str(b, c->head.at.hash);
}

static void send_table(struct coordinator *c, struct cluster_table_writer *w, struct buf *b)
{
    cluster_table_end(w);
    verb_send(c, &c->canary.client, b);
}

static void report_held(struct coordinator *c)
{
    static const char *const headers[] = {"version", "hash", "scope", "hold_s", NULL};
    struct cluster_table_writer w;
    struct buf b = BUF_INIT;
    cluster_table_begin(&w, &b, c->canary.client.seq, "held", headers);
    cluster_row_begin(&w);
    put_head(c, &b);
    tns_put_string(&b, scope_of(c));
    tns_put_int(&b, c->canary.hold_s);
    cluster_row_end(&w);
    send_table(c, &w, &b);
}

static void report_judged(struct coordinator *c, const char *decision, const char *why)
{
    static const char *const headers[] = {"version", "hash", "decision", "text", "effect", NULL};
    struct cluster_table_writer w;
    struct buf b = BUF_INIT;
    cluster_table_begin(&w, &b, c->canary.client.seq, "judged", headers);
    cluster_row_begin(&w);
    put_head(c, &b);
    tns_put_str(&b, decision);
    tns_put_str(&b, why);
    tns_put_str(&b, c->outcome.effect);
    cluster_row_end(&w);
    send_table(c, &w, &b);
}

/* The last answer to whoever pushed: it is held and others will decide ("held"), or they have. */
static void answer(struct coordinator *c, const char *verdict)
{
    static const char *const headers[] = {"version", "hash", "verdict", "applied", "text", NULL};
    struct cluster_table_writer w;
    struct buf b = BUF_INIT;
    if (c->canary.client.peer.len == 0)
        return;
    cluster_table_begin(&w, &b, c->canary.client.seq, NULL, headers);
    cluster_row_begin(&w);
    put_head(c, &b);
    tns_put_str(&b, verdict);
    tns_put_int(&b, c->outcome.applied);
    tns_put_str(&b, c->canary.why);
    cluster_row_end(&w);
    send_table(c, &w, &b);
    c->canary.client.peer.len = 0;
}

static void wait_for_a_person(struct coordinator *c, const char *why)
{
    c->canary.phase = CANARY_WAITS;
    snprintf(c->canary.why, sizeof c->canary.why, "%s", why);
    events_add(&c->events, "canary", "", (int64_t)c->head.at.version, "it waits: %s", why);
    answer(c, "held");
}

/* Into the log, beside the commit. */
static void keep_effect(struct coordinator *c, const struct effect_figures *after,
                        const char *decision, const char *why)
{
    char text[EFFECT_TEXT_MAX];
    effect_text(&c->effect.before, after, clock_monotonic_ms() - c->effect.begun_ms, text);
    c->effect.version = 0;
    if (c->outcome.version != c->head.at.version)
        return;
    snprintf(c->outcome.effect, sizeof c->outcome.effect, "%s: %s %s", decision, why, text);
    coordinator_keep_outcome(c);
}

/* ---- ending it ---------------------------------------------------------------------------- */

static void failed(struct coordinator *c, struct deferred *d, const struct error *e)
{
    c->canary.phase = CANARY_WAITS;
    snprintf(c->canary.why, sizeof c->canary.why, "It could not be ended: %.250s", e->text);
    deferred_refuse(d, e);
}

static void on_content(void *arg, const struct store_result *r)
{
    struct deferred *d = arg;
    struct coordinator *c = d->coordinator;
    const struct ending *end = d->state;
    struct push_options options = end->options;
    struct model *m = NULL;
    struct commit commit;
    struct error e = r->error;
    if (e.code != ERROR_NONE || canon_decode(&m, r->commits[0].config, &e) != 0 ||
        coordinator_make_commit(c, r->commits[0].config, &end->author, SLICE("all"), &commit, &e) !=
            0 ||
        diff_count(c->head.model, m, &options.changes, &e) != 0 ||
        coordinator_push(c, &d->client, &commit, m, &options, &e) != 0)
        failed(c, d, &e);
    else
        deferred_free(d);
    model_unref(m);
}

static struct slice keep(struct deferred *d, struct slice s)
{
    struct slice copy = arena_slice(&d->arena, s);
    return copy.ptr != NULL ? copy : SLICE_EMPTY;
}

/* Pushes the content of `version` to all, on behalf of `client`. */
static void end_with(struct coordinator *c, uint64_t version, enum cluster_policy policy,
                     const struct client *client, const struct cluster_author *author)
{
    struct error e;
    struct deferred *d = deferred_create(c, client, sizeof(struct ending));
    if (d == NULL)
        return;
    struct ending *end = d->state;
    *end = (struct ending){.author = {keep(d, author->who), keep(d, author->where),
                                      keep(d, author->how), keep(d, author->why)},
                           .options = {.policy = policy, .timeout_ms = c->canary.timeout_ms}};
    c->canary.phase = CANARY_ENDING;
    if (store_get(c->store, version, on_content, d, &e) != 0)
        failed(c, d, &e);
}

static void go_on(struct coordinator *c, const struct client *client,
                  const struct cluster_author *author)
{
    end_with(c, c->head.at.version, c->canary.policy, client, author);
}

static void take_back(struct coordinator *c, const struct client *client,
                      const struct cluster_author *author)
{
    end_with(c, c->head.at.version - 1, POLICY_ANY, client, author);
}

/* By the coordinator itself, in the name of whoever pushed. */
static void decide(struct coordinator *c, bool good, const struct effect_figures *after,
                   const char *why)
{
    const char *decision = good ? "promoted" : "taken back";
    char text[EFFECT_TEXT_MAX + 100], who[300];
    struct commit head;
    struct arena a;
    struct client client = c->canary.client;
    arena_init(&a, 0);
    keep_effect(c, after, decision, why);
    if (c->canary.client.peer.len > 0)
        report_judged(c, decision, why);
    events_add(&c->events, "canary", "", (int64_t)c->head.at.version, "%s: %s", decision, why);
    who[0] = '\0';
    if (commit_decode(&head, buf_slice(&c->head.record), &a, NULL) == 0)
        snprintf(who, sizeof who, "%.*s", SLICE_ARG(head.who));
    arena_fini(&a);
    snprintf(text, sizeof text, "canary of version %" PRIu64 " %s: %s", c->head.at.version,
             decision, why);
    const struct cluster_author author = {.who = slice_str(who),
                                          .where = slice_str(c->config.name),
                                          .how = SLICE("mongrel2-coordinator"),
                                          .why = slice_str(text)};
    c->canary.client.peer.len = 0; /* the push that follows answers it */
    (good ? go_on : take_back)(c, &client, &author);
}

/* ---- watching ----------------------------------------------------------------------------- */

void canary_begin(struct coordinator *c, const struct push_options *options)
{
    struct canary *k = &c->canary;
    k->phase = CANARY_WATCHED;
    k->hold_s = options->hold_s;
    k->ends_ms = clock_monotonic_ms() + (uint64_t)options->hold_s * 1000;
    k->policy = options->policy;
    k->timeout_ms = options->timeout_ms;
    k->client = c->push_client;
    events_add(&c->events, "canary", "", (int64_t)c->head.at.version,
               "held for %" PRId64 " s at %s", k->hold_s, c->head.scope);
    report_held(c);
}

void canary_tick(struct coordinator *c)
{
    struct effect_figures after;
    char why[EFFECT_TEXT_MAX], name[256];
    if (c->canary.phase != CANARY_WATCHED)
        return;
    if (!c->leader.is_leader) {
        wait_for_a_person(c, "Its coordinator has lost the lease.");
        return;
    }
    effect_after(&c->members, scope_of(c), &after);
    const char *lost = canary_lost(&c->members, scope_of(c), name);
    enum canary_judgement j = canary_judge(&c->effect.before, &after, why);
    if (lost != NULL) {
        snprintf(why, sizeof why, "Node %.150s of it is lost.", lost);
        j = CANARY_WORSE;
    }
    if (j == CANARY_WORSE) {
        decide(c, false, &after, why);
    } else if (clock_monotonic_ms() >= c->canary.ends_ms && j == CANARY_GOOD) {
        decide(c, true, &after, why);
    } else if (clock_monotonic_ms() >= c->canary.ends_ms) {
        keep_effect(c, &after, "held", why);
        wait_for_a_person(c, why);
    }
}

void canary_push_ended(struct coordinator *c, const struct push_result *r)
{
    if (c->canary.phase != CANARY_ENDING)
        return;
    c->canary.phase = CANARY_WAITS;
    snprintf(c->canary.why, sizeof c->canary.why, "The commit that was to end it: %.250s",
             r->error.text);
}

/* ---- people ------------------------------------------------------------------------------- */

/* Whoever pushed it may still wait for the judgement: this is it. */
static void tell_decision(struct coordinator *c, const struct cluster_author *author,
                          const char *decision)
{
    struct effect_figures after;
    char why[EFFECT_TEXT_MAX];
    int len = snprintf(why, sizeof why, "by %.*s", author->who.len < 60 ? (int)author->who.len : 60,
                       author->who.ptr);
    if (author->why.len > 0)
        len += snprintf(why + len, sizeof why - (size_t)len, " (%.*s)",
                        author->why.len < 100 ? (int)author->why.len : 100, author->why.ptr);
    snprintf(why + len, sizeof why - (size_t)len, ".");
    effect_after(&c->members, scope_of(c), &after);
    keep_effect(c, &after, decision, why);
    if (c->canary.client.peer.len > 0)
        report_judged(c, decision, why);
    snprintf(c->canary.why, sizeof c->canary.why, "%s", why);
    answer(c, decision);
    events_add(&c->events, "canary", "", (int64_t)c->head.at.version, "%s %s", decision, why);
}

void canary_promote(struct coordinator *c, const struct client *by,
                    const struct cluster_author *author)
{
    tell_decision(c, author, "promoted");
    go_on(c, by, author);
}

void canary_take_back(struct coordinator *c, const struct client *by,
                      const struct cluster_author *author)
{
    tell_decision(c, author, "taken back");
    take_back(c, by, author);
}
