/* One table says what a beat or a silence does to a state; move() is the only place that sets one.
 */

#include "coordinator/members.h"

#include "proto/base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum event {
    EVENT_SYNCED, /* a beat: ready, and it holds the head */
    EVENT_BEHIND, /* a beat: ready, but it holds something older */
    EVENT_DRAINING,
    EVENT_NACKED,
    EVENT_DIVERGED,
    EVENT_MISSED_3,
    EVENT_MISSED_10,
    EVENT_COUNT
};

/* clang-format off */
enum {
    JOINING = MEMBER_JOINING, READY = MEMBER_READY, DRAINING = MEMBER_DRAINING,
    SUSPECT = MEMBER_SUSPECT, GONE = MEMBER_GONE, DIVERGED = MEMBER_DIVERGED, NACKED = MEMBER_NACKED
};
static const uint8_t transitions[MEMBER_STATE_COUNT][EVENT_COUNT] = {
    /* from         synced  behind   draining  nacked  diverged  missed 3  missed 10 */
    [JOINING]  = { READY,  JOINING, DRAINING, NACKED, DIVERGED, SUSPECT,  GONE },
    [READY]    = { READY,  READY,   DRAINING, NACKED, DIVERGED, SUSPECT,  GONE },
    [DRAINING] = { READY,  READY,   DRAINING, NACKED, DIVERGED, SUSPECT,  GONE },
    [SUSPECT]  = { READY,  JOINING, DRAINING, NACKED, DIVERGED, SUSPECT,  GONE },
    [GONE]     = { READY,  JOINING, DRAINING, NACKED, DIVERGED, GONE,     GONE },
    [DIVERGED] = { READY,  JOINING, DRAINING, NACKED, DIVERGED, SUSPECT,  GONE },
    [NACKED]   = { READY,  JOINING, DRAINING, NACKED, DIVERGED, SUSPECT,  GONE },
};
/* clang-format on */

static const char *const state_names[MEMBER_STATE_COUNT] = {
    "joining", "ready", "draining", "suspect", "gone", "diverged", "nacked"};

const char *member_state_name(enum member_state s)
{
    return state_names[s];
}

bool member_is_live(const struct member *m)
{
    return m->state != MEMBER_SUSPECT && m->state != MEMBER_GONE;
}

bool member_has_pool(const struct member *m, struct slice pool)
{
    for (size_t i = 0; i < m->pools.count; i++)
        if (slice_eq(m->pools.items[i], pool))
            return true;
    return false;
}

static void move(struct members *ms, struct member *m, enum event event, const char *why)
{
    enum member_state before = m->state, after = (enum member_state)transitions[before][event];
    if (after == before)
        return;
    m->state = after;
    ms->ops->changed(ms->arg, m, before, why);
    if (before == MEMBER_GONE || after == MEMBER_GONE)
        ms->ops->moved(ms->arg, m);
}

void members_init(struct members *ms, const struct members_ops *ops, void *arg)
{
    *ms = (struct members){.by_uuid = MAP_INIT, .ops = ops, .arg = arg};
}

static void member_free(void *member)
{
    struct member *m = member;
    arena_fini(&m->info);
    free(m);
}

void members_fini(struct members *ms)
{
    map_fini(&ms->by_uuid, member_free);
}

static void forget(struct members *ms, struct member *m)
{
    map_remove(&ms->by_uuid, slice_str(m->uuid));
    ms->ops->moved(ms->arg, m);
    member_free(m);
}

struct member *members_by_uuid(const struct members *ms, struct slice uuid)
{
    return map_get(&ms->by_uuid, uuid);
}

struct member *members_find(const struct members *ms, struct slice node)
{
    struct member *best = members_by_uuid(ms, node);
    if (best != NULL)
        return best;
    for (struct map_entry *it = map_first(&ms->by_uuid); it != NULL; it = map_next(it)) {
        struct member *m = member_of(it);
        if (slice_eq(slice_str(m->name), node) &&
            (best == NULL || (!member_is_live(best) && member_is_live(m))))
            best = m;
    }
    return best;
}

/* ---- join --------------------------------------------------------------------------------- */

static const char *keep(struct member *m, struct slice s, bool *failed)
{
    const char *copy = arena_strndup(&m->info, s.ptr, s.len);
    if (copy == NULL)
        *failed = true;
    return copy != NULL ? copy : "";
}

static const char *keep_joined(struct member *m, const struct field_strings *list, bool *failed)
{
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < list->count; i++) {
        buf_append_str(&b, i > 0 ? " " : "");
        buf_append_slice(&b, list->items[i]);
    }
    const char *copy = keep(m, buf_slice(&b), failed);
    buf_fini(&b);
    return copy;
}

static void keep_pools(struct member *m, const struct field_strings *pools, bool *failed)
{
    m->pools.items = arena_alloc(&m->info, (pools->count + 1) * sizeof *m->pools.items);
    m->pools.count = 0;
    if (m->pools.items == NULL) {
        *failed = true;
        return;
    }
    for (size_t i = 0; i < pools->count; i++)
        m->pools.items[m->pools.count++] = slice_str(keep(m, pools->items[i], failed));
}

/* Replaces what is known of the member by what it says now. */
static int describe(struct member *m, const struct cluster_join *join, struct error *e)
{
    bool failed = false;
    arena_reset(&m->info);
    m->name = keep(m, join->name, &failed);
    m->server = keep(m, join->server, &failed);
    m->host = keep(m, join->host, &failed);
    m->program = keep(m, join->program, &failed);
    m->handler = keep(m, join->handler, &failed);
    m->control = keep(m, join->control, &failed);
    m->addresses = keep_joined(m, &join->addresses, &failed);
    keep_pools(m, &join->pools, &failed);
    m->pid = join->pid;
    m->version = join->version;
    snprintf(m->boot, sizeof m->boot, "%.*s", SLICE_ARG(join->boot));
    snprintf(m->hash, sizeof m->hash, "%.*s", SLICE_ARG(join->hash));
    return failed ? error_set(e, ERROR_NO_MEMORY, "Out of memory.") : 0;
}

static struct member *member_create(struct members *ms, struct slice uuid, struct error *e)
{
    struct member *m = calloc(1, sizeof *m);
    if (m != NULL) {
        arena_init(&m->info, 1024);
        snprintf(m->uuid, sizeof m->uuid, "%.*s", SLICE_ARG(uuid));
        m->name = m->server = m->host = m->program = m->addresses = m->handler = m->control = "";
        if (map_put(&ms->by_uuid, uuid, m, NULL) == 0)
            return m;
        member_free(m);
    }
    error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    return NULL;
}

/* Is the process that joined under this identity still there? */
static bool holds_its_place(struct members *ms, const struct member *m)
{
    return member_is_live(m) && ms->ops->is_connected(ms->arg, &m->peer);
}

static int refuse(const struct member *older, const char *what, struct error *e)
{
    return error_set_object(e, ERROR_EXISTS, older->name,
                            "The %s is taken by node %s (%s) on %s, process %lld, at %s; %s.", what,
                            older->name, older->uuid, older->host, (long long)older->pid,
                            older->addresses[0] != '\0' ? older->addresses : "no address",
                            what[0] == 'U' ? "give each node a state directory of its own"
                                           : "give each node a name of its own");
}

static int check_identity(struct members *ms, const struct cluster_join *join, struct error *e)
{
    struct member *same = members_by_uuid(ms, join->uuid);
    if (same != NULL && !slice_eq(join->boot, slice_str(same->boot)) && holds_its_place(ms, same))
        return refuse(same, "UUID", e);
    struct member *named = members_find(ms, join->name);
    if (named != NULL && named != same && holds_its_place(ms, named))
        return refuse(named, "name", e);
    return 0;
}

static bool same_pools(const struct member *m, const struct cluster_join *join)
{
    if (m->pools.count != join->pools.count || !slice_eq(slice_str(m->handler), join->handler))
        return false;
    for (size_t i = 0; i < m->pools.count; i++)
        if (!slice_eq(m->pools.items[i], join->pools.items[i]))
            return false;
    return true;
}

int members_join(struct members *ms, const struct cluster_join *join, const struct peer *peer,
                 uint64_t now_ms, struct member **out, struct error *e)
{
    if (check_identity(ms, join, e) != 0)
        return -1;
    struct member *m = members_by_uuid(ms, join->uuid);
    bool is_new = m == NULL;
    if (is_new && (m = member_create(ms, join->uuid, e)) == NULL)
        return -1;
    bool restarted = !is_new && !slice_eq(join->boot, slice_str(m->boot));
    bool moved = is_new || restarted || !same_pools(m, join);
    enum member_state before = is_new ? MEMBER_GONE : m->state;
    if (describe(m, join, e) != 0) {
        forget(ms, m);
        return -1;
    }
    m->peer = *peer;
    m->beat_ms = now_ms;
    if (is_new || restarted)
        m->is_counted = false; /* its counters run from its start, not from ours */
    if (is_new || restarted || !member_is_live(m)) {
        m->restarts += restarted ? 1 : 0;
        m->joined_ms = now_ms;
        m->state = MEMBER_JOINING;
        m->error[0] = '\0';
        ms->ops->changed(ms->arg, m, before, restarted ? "it was restarted" : "it has joined");
    }
    if (moved || before == MEMBER_GONE)
        ms->ops->moved(ms->arg, m);
    *out = m;
    return 0;
}

/* ---- beats -------------------------------------------------------------------------------- */

static void add_latency(struct histogram *h, const struct field_ints *pairs)
{
    for (size_t i = 0; i + 1 < pairs->count; i += 2) {
        int64_t bucket = pairs->items[i], count = pairs->items[i + 1];
        if (bucket >= HISTOGRAM_BUCKETS || count > UINT32_MAX)
            continue; /* a node's nonsense must not become ours */
        h->buckets[bucket] += (uint32_t)count;
        h->count += (uint64_t)count;
    }
}

static void add_work(struct member_work *w, const struct member *m, const struct cluster_beat *b)
{
    add_latency(&w->latency, &b->latency);
    if (!m->is_counted)
        return;
    w->requests += (uint64_t)(b->requests > m->requests ? b->requests - m->requests : 0);
    w->errors += (uint64_t)(b->errors > m->errors ? b->errors - m->errors : 0);
}

static void count_work(struct members *ms, struct member *m, const struct cluster_beat *beat,
                       uint64_t now_ms)
{
    if (now_ms - m->recent_since_ms >= 60000) {
        m->recent[1] = m->recent[0];
        memset(&m->recent[0], 0, sizeof m->recent[0]);
        m->recent_since_ms = now_ms;
    }
    add_work(&m->recent[0], m, beat);
    add_work(&m->since, m, beat);
    add_work(&ms->flow, m, beat);
    m->is_counted = true;
    m->requests = beat->requests;
    m->errors = beat->errors;
}

void member_mark(struct member *m)
{
    memset(&m->since, 0, sizeof m->since);
    m->restarts_then = m->restarts;
}

uint64_t member_latency_us(const struct member *m, double q)
{
    struct histogram both = m->recent[0].latency;
    histogram_merge(&both, &m->recent[1].latency);
    return histogram_quantile(&both, q);
}

static enum event beat_event(const struct cluster_beat *beat, int64_t head)
{
    switch ((enum cluster_condition)beat->condition) {
    case CONDITION_DRAINING: return EVENT_DRAINING;
    case CONDITION_NACKED: return EVENT_NACKED;
    case CONDITION_DIVERGED: return EVENT_DIVERGED;
    case CONDITION_READY: break;
    }
    return beat->version >= head ? EVENT_SYNCED : EVENT_BEHIND;
}

int members_beat(struct members *ms, const struct cluster_beat *beat, const struct peer *peer,
                 uint64_t now_ms, int64_t head, struct error *e)
{
    struct member *m = members_by_uuid(ms, beat->uuid);
    if (m == NULL || !slice_eq(beat->boot, slice_str(m->boot)))
        return error_set(e, ERROR_NOT_FOUND, "This node is not known here; it is to join.");
    m->peer = *peer;
    m->beat_ms = now_ms;
    m->version = beat->version;
    snprintf(m->hash, sizeof m->hash, "%.*s", SLICE_ARG(beat->hash));
    snprintf(m->error, sizeof m->error, "%.*s", SLICE_ARG(beat->error));
    m->connections = beat->connections;
    m->orders = beat->orders;
    m->in_flight = beat->in_flight;
    count_work(ms, m, beat, now_ms);
    move(ms, m, beat_event(beat, head), m->error);
    return 0;
}

void members_leave(struct members *ms, const struct cluster_leave *leave)
{
    char why[256];
    struct member *m = members_by_uuid(ms, leave->uuid);
    if (m == NULL || !slice_eq(leave->boot, slice_str(m->boot)))
        return;
    enum member_state before = m->state;
    snprintf(why, sizeof why, "it has left: %.*s", SLICE_ARG(leave->reason));
    m->state = MEMBER_GONE;
    ms->ops->changed(ms->arg, m, before, why);
    forget(ms, m);
}

void members_tick(struct members *ms, uint64_t now_ms)
{
    for (struct map_entry *it = map_first(&ms->by_uuid), *next; it != NULL; it = next) {
        struct member *m = member_of(it);
        uint64_t silent_ms = now_ms > m->beat_ms ? now_ms - m->beat_ms : 0;
        next = map_next(it);
        if (silent_ms >= MEMBER_FORGET_MS)
            forget(ms, m);
        else if (silent_ms >= MEMBER_GONE_MS)
            move(ms, m, EVENT_MISSED_10, "ten beats are missing");
        else if (silent_ms >= MEMBER_SUSPECT_MS)
            move(ms, m, EVENT_MISSED_3, "three beats are missing");
    }
}
