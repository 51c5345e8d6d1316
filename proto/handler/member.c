/* Late binding. A worker with free places tells every node so (CREDIT, a hint that several nodes
 * may use at once). A node whose requests wait leaves reservations (WANT). A place that gets free
 * goes to the oldest reservation and is held for it until the node has used it or passed it on. A
 * request that finds no place is handed back (RETURN). So a request is bound to a worker only when
 * the worker is free for it.
 *
 * Messages cross on the way, so both sides count alike whatever the order:
 * - A request uses up a held place; or, when none is held, one of its node's reservations: then the
 *   node has taken a hint for the answer to its WANT.
 * - WANT n says what waits in all. If places are held for the node, it has not heard of them when
 * it said so (else it would have used them before): they count towards n. Without these two, a
 * place could be held for a node that no longer wants it, while others wait. */

#include "proto/handler/member.h"

#include "proto/base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEARTBEAT_DEFAULT_MS 300 /* until WELCOME says otherwise */

const char *member_state_name(enum member_state state)
{
    switch (state) {
    case MEMBER_AWAY: return "away";
    case MEMBER_JOINING: return "joining";
    case MEMBER_JOINED: return "joined";
    case MEMBER_LEFT_BY_NODE: return "leaving";
    }
    return "?";
}

__attribute__((format(printf, 2, 3))) static void tell(struct member *m, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    m->ops->event(m, text);
}

static void copy_text(char *out, size_t room, struct slice s)
{
    size_t len = s.len < room - 1 ? s.len : room - 1;
    memcpy(out, s.ptr, len);
    out[len] = '\0';
}

static bool is_wanted(const struct member_node *n)
{
    return n->is_fixed || n->is_named;
}

/* ---- nodes -------------------------------------------------------------------------------- */

void member_init(struct member *m, const struct member_ops *ops, void *arg, const char *pool,
                 const char *name, const char *worker, uint32_t capacity)
{
    memset(m, 0, sizeof *m);
    m->ops = ops;
    m->arg = arg;
    m->capacity = capacity;
    copy_text(m->pool, sizeof m->pool, slice_str(pool));
    copy_text(m->name, sizeof m->name, slice_str(name));
    copy_text(m->worker, sizeof m->worker, slice_str(worker));
    if (gethostname(m->host, sizeof m->host - 1) != 0)
        m->host[0] = '\0';
    list_init(&m->nodes);
    line_init(&m->line);
}

static struct member_node *node_at(struct list *link)
{
    return container_of(link, struct member_node, link);
}

static struct member_node *node_find(const struct member *m, struct slice endpoint)
{
    list_for_each (it, (struct list *)&m->nodes)
        if (slice_eq(slice_str(node_at(it)->endpoint), endpoint))
            return node_at(it);
    return NULL;
}

static struct member_node *node_create(struct member *m, struct slice endpoint)
{
    struct member_node *n = calloc(1, sizeof *n);
    char *copy = n != NULL ? strndup(endpoint.ptr, endpoint.len) : NULL;
    if (copy == NULL) {
        free(n);
        return NULL;
    }
    n->member = m;
    n->endpoint = copy;
    n->retry_ms = MEMBER_RETRY_MS;
    list_init(&n->places);
    list_push_back(&m->nodes, &n->link);
    return n;
}

static void set_held(struct member_node *n, uint32_t held)
{
    n->member->held = n->member->held - n->held + held;
    n->held = held;
}

static void reserve_none(struct member_node *n)
{
    line_remove_last(&n->member->line, n, n->reserved);
    n->reserved = 0;
}

/* The connection is over: reservations, held places and requests of the node are void. */
static void let_go(struct member_node *n, uint64_t now_ms)
{
    struct list *link;
    reserve_none(n);
    while ((link = list_pop_front(&n->places)) != NULL)
        container_of(link, struct member_place, link)->node = NULL;
    if (map_get(&n->member->by_uuid, slice_str(n->uuid)) == n)
        map_remove(&n->member->by_uuid, slice_str(n->uuid));
    n->member->ops->close(n);
    n->state = MEMBER_AWAY;
    set_held(n, 0);
    n->believed = n->pings = 0;
    n->retry_at_ms = now_ms;
}

static void forget(struct member_node *n)
{
    BUG_ON(n->state != MEMBER_AWAY);
    list_remove(&n->link);
    free(n->endpoint);
    free(n);
}

static void lose(struct member_node *n, uint64_t now_ms, const char *why)
{
    if (n->state != MEMBER_JOINING)
        tell(n->member, "pool %s: lost node %s (%s): %s", n->member->pool, n->uuid, n->endpoint,
             why);
    let_go(n, now_ms);
}

void member_fini(struct member *m)
{
    list_for_each_safe (it, &m->nodes) {
        let_go(node_at(it), 0);
        forget(node_at(it));
    }
    line_fini(&m->line);
    map_fini(&m->by_uuid, NULL);
}

bool member_send(struct member_node *n, const struct pool_frame *f, uint64_t now_ms)
{
    if (n->state == MEMBER_AWAY || !n->member->ops->send(n, f))
        return false;
    n->sent_ms = now_ms;
    return true;
}

static void ping(struct member_node *n, uint64_t now_ms)
{
    struct pool_frame f = {.type = POOL_PING};
    n->pings += member_send(n, &f, now_ms);
}

static void join(struct member_node *n, uint64_t now_ms)
{
    struct member *m = n->member;
    n->opened_ms = n->heard_ms = n->sent_ms = now_ms;
    n->heartbeat_ms = HEARTBEAT_DEFAULT_MS;
    n->retry_at_ms = now_ms + MEMBER_RETRY_MAX_MS;
    if (m->ops->open(n) != 0)
        return;
    n->state = MEMBER_JOINING;
    struct pool_frame f = {.type = POOL_READY,
                           .ready = {.pool = slice_str(m->pool),
                                     .worker = slice_str(m->worker),
                                     .capacity = m->capacity,
                                     .name = slice_str(m->name),
                                     .host = slice_str(m->host),
                                     .pid = getpid()}};
    member_send(n, &f, now_ms);
}

static struct member_node *find_or_create(struct member *m, struct slice endpoint, uint64_t now_ms)
{
    struct member_node *n = node_find(m, endpoint);
    if (n == NULL && (n = node_create(m, endpoint)) != NULL)
        join(n, now_ms);
    return n;
}

int member_add(struct member *m, struct slice endpoint, uint64_t now_ms)
{
    if (m->is_leaving)
        return 0;
    struct member_node *n = find_or_create(m, endpoint, now_ms);
    if (n == NULL)
        return -1;
    n->is_fixed = true;
    return 0;
}

void member_remove(struct member *m, struct slice endpoint, uint64_t now_ms)
{
    struct member_node *n = node_find(m, endpoint);
    if (n == NULL)
        return;
    n->is_fixed = false;
    if (is_wanted(n))
        return;
    struct pool_frame bye = {.type = POOL_BYE};
    member_send(n, &bye, now_ms);
    let_go(n, now_ms);
    forget(n);
}

void member_keep(struct member *m, const struct slice *endpoints, size_t count, uint64_t now_ms)
{
    list_for_each (it, &m->nodes)
        node_at(it)->is_named = false;
    for (size_t i = 0; i < count && !m->is_leaving; i++) {
        struct member_node *n = find_or_create(m, endpoints[i], now_ms);
        if (n != NULL)
            n->is_named = true;
    }
}

size_t member_joined(const struct member *m)
{
    size_t count = 0;
    list_for_each (it, (struct list *)&m->nodes)
        count += node_at(it)->state == MEMBER_JOINED;
    return count;
}

struct member_node *member_find(const struct member *m, struct slice uuid)
{
    return map_get(&m->by_uuid, uuid);
}

/* ---- what nodes say ----------------------------------------------------------------------- */

static void on_welcome(struct member_node *n, const struct pool_frame *f, uint64_t now_ms)
{
    struct member *m = n->member;
    struct member_node *other = map_get(&m->by_uuid, f->welcome.node);
    if (other != NULL && other != n) { /* one node at two endpoints: the newer connection counts */
        lose(other, now_ms, "it is now reached elsewhere");
        if (!other->is_fixed)
            forget(other);
        else
            other->retry_at_ms = now_ms + MEMBER_RETRY_MAX_MS;
    }
    if (n->state == MEMBER_JOINED)
        map_remove(&m->by_uuid, slice_str(n->uuid));
    copy_text(n->uuid, sizeof n->uuid, f->welcome.node);
    copy_text(m->cluster, sizeof m->cluster, f->welcome.cluster);
    n->heartbeat_ms = f->welcome.heartbeat_ms;
    n->retry_ms = MEMBER_RETRY_MS;
    if (map_put(&m->by_uuid, slice_str(n->uuid), n, NULL) != 0) {
        lose(n, now_ms, "out of memory");
        return;
    }
    if (n->state != MEMBER_JOINED)
        tell(m, "pool %s: joined node %s (%s)", m->pool, n->uuid, n->endpoint);
    n->state = MEMBER_JOINED;
}

static void on_refused(struct member_node *n, const struct pool_frame *f, uint64_t now_ms)
{
    struct slice why = f->refused.error;
    bool was_joined = n->state != MEMBER_JOINING;
    if (was_joined || n->retry_ms == MEMBER_RETRY_MS)
        tell(n->member, "pool %s: node %s refuses: %.*s", n->member->pool, n->endpoint,
             (int)(why.len < 300 ? why.len : 300), why.ptr);
    let_go(n, now_ms);
    if (!was_joined) { /* one that forgot us is tried at once, one that never knew us slowly */
        n->retry_at_ms = now_ms + n->retry_ms;
        n->retry_ms = n->retry_ms * 2 < MEMBER_RETRY_MAX_MS ? n->retry_ms * 2 : MEMBER_RETRY_MAX_MS;
    }
}

static uint32_t room(const struct member *m)
{
    uint64_t taken = (uint64_t)m->running + m->held;
    return taken < m->capacity ? (uint32_t)(m->capacity - taken) : 0;
}

static void hand_back(struct member_node *n, struct slice id, uint64_t now_ms)
{
    struct pool_frame f = {.type = POOL_RETURN, .returned.id = id};
    n->member->returned++;
    n->believed = 0; /* as the node concludes from it */
    member_send(n, &f, now_ms);
}

/* A notice of the node itself needs no place: it says that something is over, and must not be lost
 * because a worker is busy. Told by its path and by its headers, which a client's message on such a
 * path does not have. */
static bool is_notice(struct slice message)
{
    for (int word = 0; word < 4; word++) {
        char until = word < 3 ? ' ' : ':';
        size_t len = slice_find(message, until);
        if (len == message.len || (word == 2 && !slice_eq(slice_of(message.ptr, len), SLICE("@*"))))
            return false;
        message = slice_from(message, len + 1);
    }
    return slice_starts_with(message, SLICE("{\"METHOD\":\"JSON\"")) ||
           slice_starts_with(message, SLICE("6:METHOD,4:JSON,")) ||
           slice_starts_with(message, SLICE("16:DOWNLOAD_CREDITS,"));
}

/* A further part of a request that is here already, and has its place. */
static bool is_part(struct slice id)
{
    return slice_starts_with(id, SLICE("+"));
}

static void on_request(struct member_node *n, const struct pool_frame *f, uint64_t now_ms)
{
    struct member *m = n->member;
    bool part = is_part(f->request.id), counted = !part && !is_notice(f->request.message);
    bool has_room = !counted;
    if (n->believed > 0 && !part)
        n->believed--;
    if (counted && n->held > 0) {
        set_held(n, n->held - 1);
        n->held_ms = now_ms;
        has_room = true;
    } else if (counted) {
        n->reserved -= line_remove_first(&m->line, n, 1);
        has_room = room(m) > 0;
    }
    if (!has_room || (m->is_leaving && counted))
        hand_back(n, f->request.id, now_ms);
    else if (!m->ops->deliver(n, f, counted))
        m->malformed++; /* handing back what can't be read would go on for ever */
}

static void on_want(struct member_node *n, uint32_t count)
{
    if (count == 0)
        set_held(n, 0);
    count = count > n->held ? count - n->held : 0;
    struct line *line = &n->member->line;
    if (count > n->reserved) /* out of memory: it will come to a place by a hint */
        n->reserved += line_add(line, n, count - n->reserved);
    else
        n->reserved -= line_remove_last(line, n, n->reserved - count);
}

static void on_bye(struct member_node *n)
{
    tell(n->member, "pool %s: node %s (%s) leaves", n->member->pool, n->uuid, n->endpoint);
    n->state = MEMBER_LEFT_BY_NODE;
    reserve_none(n);
    set_held(n, 0);
    n->believed = 0;
}

void member_on_frame(struct member_node *n, const struct pool_frame *f, uint64_t now_ms)
{
    struct pool_frame pong = {.type = POOL_PONG};
    if (n->state == MEMBER_AWAY)
        return;
    n->heard_ms = now_ms;
    if (n->state == MEMBER_JOINING && f->type != POOL_WELCOME && f->type != POOL_REFUSED)
        return;
    switch (f->type) {
    case POOL_WELCOME: on_welcome(n, f, now_ms); break;
    case POOL_REFUSED: on_refused(n, f, now_ms); break;
    case POOL_REQUEST: on_request(n, f, now_ms); break;
    case POOL_WANT:
        if (n->state == MEMBER_JOINED && !n->member->is_leaving)
            on_want(n, f->want.count);
        break;
    case POOL_PING: member_send(n, &pong, now_ms); break;
    case POOL_PONG: n->pings -= n->pings > 0; break;
    case POOL_BYE:
        if (n->state == MEMBER_JOINED)
            on_bye(n);
        break;
    default: break; /* words of a worker: not for us */
    }
}

void member_on_malformed(struct member_node *n, uint64_t now_ms)
{
    n->member->malformed++;
    n->heard_ms = now_ms;
}

/* ---- places ------------------------------------------------------------------------------- */

void member_occupy(struct member_node *n, struct member_place *place, struct slice id,
                   bool is_counted)
{
    BUG_ON(id.len > sizeof place->id);
    place->node = n;
    place->is_counted = is_counted;
    place->id_len = (uint8_t)id.len;
    memcpy(place->id, id.ptr, id.len);
    list_push_back(&n->places, &place->link);
    n->member->running += is_counted;
}

void member_done(struct member *m, struct member_place *place)
{
    if (place->is_counted) {
        BUG_ON(m->running == 0);
        m->running--;
    }
    list_remove(&place->link);
    place->node = NULL;
    place->is_counted = false;
}

void member_give_back(struct member *m, struct member_place *place, uint64_t now_ms)
{
    if (place->node != NULL && place->is_counted)
        hand_back(place->node, slice_of(place->id, place->id_len), now_ms);
    member_done(m, place);
}

bool member_is_current(const struct member_place *place)
{
    return place->node != NULL;
}

/* Places to reservations, in their order. */
static uint32_t grant(struct member *m, uint32_t left)
{
    struct member_node *n;
    uint32_t count;
    while (left > 0 && (n = line_front(&m->line, &count)) != NULL) {
        count = line_remove_first(&m->line, n, count < left ? count : left);
        n->reserved -= count;
        n->granted += count;
        left -= count;
    }
    return left;
}

static void send_credit(struct member_node *n, uint32_t count, uint64_t now_ms)
{
    struct pool_frame f = {.type = POOL_CREDIT, .credit.count = count};
    member_send(n, &f, now_ms);
}

void member_flush(struct member *m, uint64_t now_ms)
{
    uint32_t left = m->is_leaving ? 0 : room(m);
    if (left == 0)
        return;
    left = grant(m, left);
    list_for_each (it, &m->nodes) {
        struct member_node *n = node_at(it);
        if (n->granted > 0) {
            n->held_ms = now_ms;
            set_held(n, n->held + n->granted);
            send_credit(n, n->granted, now_ms);
            n->granted = 0;
        } else if (left > 0 && n->state == MEMBER_JOINED && n->believed < left &&
                   n->believed * 2 <= left) {
            /* A hint to a node that might not know. One that believes in more than half of the
             * room has enough to go on with, so that not each request is followed by a credit. */
            n->believed = left;
            send_credit(n, left, now_ms);
        }
    }
}

/* ---- time --------------------------------------------------------------------------------- */

static void tick_connected(struct member_node *n, uint64_t now_ms)
{
    if (now_ms - n->heard_ms >= (uint64_t)n->heartbeat_ms * MEMBER_BEATS_LOST) {
        lose(n, now_ms, "it is silent");
        return;
    }
    if (now_ms - n->sent_ms >= n->heartbeat_ms) {
        n->sent_ms = now_ms; /* also when it is not taken: not again at once */
        ping(n, now_ms);
    }
    if (n->held > 0 && now_ms - n->held_ms >= 2 * (uint64_t)n->heartbeat_ms)
        set_held(n, 0); /* neither used nor passed on: not to be lost for ever */
}

static void tick_node(struct member_node *n, uint64_t now_ms)
{
    if (n->state == MEMBER_JOINING && now_ms - n->opened_ms >= MEMBER_JOIN_TIMEOUT_MS)
        let_go(n, now_ms);
    else if (n->state == MEMBER_JOINED || n->state == MEMBER_LEFT_BY_NODE)
        tick_connected(n, now_ms);
    if (n->state != MEMBER_AWAY || now_ms < n->retry_at_ms)
        return;
    if (is_wanted(n) && !n->member->is_leaving)
        join(n, now_ms);
    else
        forget(n);
}

void member_tick(struct member *m, uint64_t now_ms)
{
    list_for_each_safe (it, &m->nodes)
        tick_node(node_at(it), now_ms);
    if (m->is_leaving && now_ms - m->left_ms >= MEMBER_LEAVE_MS) /* waited long enough */
        list_for_each (it, &m->nodes)
            node_at(it)->pings = 0;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t member_deadline(const struct member *m, uint64_t now_ms)
{
    uint64_t due = now_ms + 1000;
    list_for_each (it, (struct list *)&m->nodes) {
        const struct member_node *n = node_at(it);
        if (n->state == MEMBER_AWAY) {
            due = earlier(due, n->retry_at_ms);
        } else if (n->state == MEMBER_JOINING) {
            /* the node counts its beats from READY on: the answer must not lie about */
            due = earlier(due, n->opened_ms + MEMBER_JOIN_TIMEOUT_MS);
            due = earlier(due, now_ms + HEARTBEAT_DEFAULT_MS);
        } else {
            due = earlier(due, n->sent_ms + n->heartbeat_ms);
            due = earlier(due, n->heard_ms + (uint64_t)n->heartbeat_ms * MEMBER_BEATS_LOST);
            if (n->held > 0)
                due = earlier(due, n->held_ms + 2 * (uint64_t)n->heartbeat_ms);
        }
    }
    return due > now_ms ? due : now_ms;
}

void member_leave(struct member *m, uint64_t now_ms)
{
    struct pool_frame bye = {.type = POOL_BYE};
    if (m->is_leaving)
        return;
    m->is_leaving = true;
    m->left_ms = now_ms;
    list_for_each_safe (it, &m->nodes) {
        struct member_node *n = node_at(it);
        reserve_none(n);
        set_held(n, 0);
        if (n->state == MEMBER_JOINED || n->state == MEMBER_LEFT_BY_NODE) {
            member_send(n, &bye, now_ms);
            ping(n, now_ms); /* its answer comes behind the last request */
        } else {
            let_go(n, now_ms);
            forget(n);
        }
    }
}

bool member_has_left(const struct member *m)
{
    list_for_each (it, (struct list *)&m->nodes)
        if (node_at(it)->pings > 0)
            return false;
    return m->is_leaving;
}
