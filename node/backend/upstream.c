/* Idle connections are a stack: the one used last is warm and least likely to have been closed.
 * They stay watched, so that an end from the other side is seen when it comes. */

#include "node/backend/upstream.h"

#include "node/backend/upstream_check.h"
#include "proto/base/log.h"
#include "proto/base/uuid.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SPARE_LINKS = 256,
    IDLE_MOST = 256, /* kept-alive connections to one upstream */
    IDLE_MS = 60000,
    RESOLVE_AGAIN_S = 30,
    AVOID_FIRST_MS = 1000, /* after a failure; twice as long after each further one */
    AVOID_MOST_MS = 16000,
};

/* A connection to an upstream: its session state. */
struct upstream_link {
    struct list link; /* in upstream->idle */
    struct conn *conn;
    struct upstream *upstream; /* of an idle one; NULL when that has gone */
    struct upstream_use *use;  /* NULL when idle */
};

static struct upstreams *set_of(const struct conn *c)
{
    return c->set->owner;
}

/* --- the session on an upstream's connection --- */

static void on_input(struct conn *c)
{
    struct upstream_link *l = c->session_state;
    if (l->use != NULL)
        l->use->ops->input(l->use);
    else
        conn_close(c, CONN_PROTOCOL_ERROR); /* nobody asked: whatever it is, it is no answer */
}

static void on_input_end(struct conn *c)
{
    struct upstream_link *l = c->session_state;
    if (l->use != NULL)
        l->use->ops->input_end(l->use);
    else
        conn_close(c, CONN_DONE);
}

static void on_drained(struct conn *c)
{
    struct upstream_link *l = c->session_state;
    if (l->use != NULL)
        l->use->ops->drained(l->use);
}

static void on_timeout(struct conn *c)
{
    struct upstream_link *l = c->session_state;
    if (l->use != NULL)
        l->use->ops->timeout(l->use);
    else
        conn_close(c, CONN_TIMEOUT);
}

static void leave_idle(struct upstream_link *l)
{
    if (l->upstream == NULL)
        return;
    list_remove(&l->link);
    l->upstream->idle_count--;
    l->upstream = NULL;
}

/* The use has ended before its owner said so. */
static void fail(struct upstream_use *use, bool connected, const char *why)
{
    if (!use->is_probe) {
        use->upstream->active--;
        use->upstream->errors++;
        use->upstream->set->counters->upstream_errors++;
    }
    use->upstream = NULL;
    use->conn = NULL;
    use->ops->failed(use, connected, why);
}

static void on_closed(struct conn *c)
{
    struct upstream_link *l = c->session_state;
    struct upstream_use *use = l->use;
    leave_idle(l);
    freelist_give(&set_of(c)->links, l);
    c->session_state = NULL;
    if (use != NULL)
        fail(use, true, conn_reason_text((enum conn_reason)c->reason));
}

static const struct session_ops session_upstream = {
    .name = "upstream",
    .input = on_input,
    .input_end = on_input_end,
    .drained = on_drained,
    .timeout = on_timeout,
    .closed = on_closed,
};

/* --- connecting --- */

static void dial_next(struct upstream_use *use)
{
    struct upstream *u = use->upstream;
    const struct dial_address *a = &u->addresses[u->address_next % u->address_count];
    dial_start(&use->dial, u->set->deadlines, a, use->connect_ms);
}

static void could_not_connect(struct upstream_use *use, const char *why)
{
    static struct log_limit limit;
    struct upstream *u = use->upstream;
    unsigned shift = u->failures < 4 ? u->failures : 4;
    unsigned avoid_ms = AVOID_FIRST_MS << shift;
    u->failures++;
    u->avoided_until_us = u->set->loop->now_us +
                          1000ull * (avoid_ms < AVOID_MOST_MS ? avoid_ms : AVOID_MOST_MS);
    if (!use->is_probe)
        log_limited(&limit, LOG_WARN_LEVEL, "upstream", "can't connect: %s upstream=%s failures=%u",
                    why, u->name, u->failures);
    fail(use, false, why);
}

static struct upstream_link *link_create(struct upstreams *s, int fd, const struct dial_address *a)
{
    union conn_address peer;
    memset(&peer, 0, sizeof peer);
    memcpy(&peer, &a->sa, a->len < sizeof peer ? a->len : sizeof peer);
    struct conn *c = conn_create(&s->conns, fd, &peer, &session_upstream);
    struct upstream_link *l = freelist_take(&s->links);
    if (c == NULL || l == NULL) {
        if (c != NULL) {
            c->session = NULL;
            conn_close(c, CONN_NO_MEMORY);
        }
        if (l != NULL)
            freelist_give(&s->links, l);
        return NULL;
    }
    *l = (struct upstream_link){.conn = c};
    list_init(&l->link);
    c->session_state = l;
    return l;
}

static void attach(struct upstream_use *use, struct upstream_link *l)
{
    l->use = use;
    use->conn = l->conn;
}

static void on_dialled(struct dial *d, int fd, int error)
{
    struct upstream_use *use = container_of(d, struct upstream_use, dial);
    struct upstream *u = use->upstream;
    if (error != 0) {
        u->address_next++;
        if (--use->attempts > 0)
            dial_next(use);
        else
            could_not_connect(use, strerror(error));
        return;
    }
    struct upstream_link *l = link_create(u->set, fd,
                                          &u->addresses[u->address_next % u->address_count]);
    if (l == NULL) {
        could_not_connect(use, strerror(ENOMEM));
        return;
    }
    attach(use, l);
    u->failures = 0;
    u->avoided_until_us = 0;
    u->connects++;
    u->set->counters->upstream_connects++;
    use->ops->ready(use);
}

/* --- names --- */

static void on_resolved(void *arg, const struct dial_address *found, int count, const char *why)
{
    struct upstream *u = arg;
    u->resolving = NULL;
    if (count > 0) { /* otherwise the old ones, if any, have to do */
        memcpy(u->addresses, found, (size_t)count * sizeof *found);
        u->address_count = count;
    }
    u->refs++;           /* the last one to fail may be the last one to hold us */
    struct list waiting; /* taken off first: who fails may come again */
    list_init(&waiting);
    for (struct list *it; (it = list_pop_front(&u->waiting)) != NULL;)
        list_push_back(&waiting, it);
    for (struct list *it; (it = list_pop_front(&waiting)) != NULL;) {
        struct upstream_use *use = container_of(it, struct upstream_use, link);
        deadline_clear(&use->deadline);
        use->attempts = u->address_count;
        if (u->address_count > 0)
            dial_next(use);
        else
            could_not_connect(use, why);
    }
    upstream_unref(u);
}

static void on_name_timeout(struct deadline *d)
{
    struct upstream_use *use = container_of(d, struct upstream_use, deadline);
    list_remove(&use->link);
    could_not_connect(use, "its name could not be resolved in time");
}

/* Asks for the name when its addresses are old, or wrong as it seems; once a second at most, unless
 * there are none. */
static void refresh_name(struct upstream *u)
{
    uint64_t age_us = u->set->loop->now_us - u->asked_us;
    bool due = u->address_count == 0 || age_us > RESOLVE_AGAIN_S * 1000000ull ||
               (u->failures > 0 && age_us > 1000000);
    if (!u->is_named || !due || u->resolving != NULL)
        return;
    u->asked_us = u->set->loop->now_us;
    u->resolving = resolve_start(&u->set->resolver, u->name, on_resolved, u);
}

static void connect_use(struct upstream *u, struct upstream_use *use)
{
    refresh_name(u);
    use->attempts = u->address_count;
    if (u->address_count > 0) {
        dial_next(use);
        return;
    }
    deadline_set(u->set->deadlines, &use->deadline, use->connect_ms);
    list_push_back(&u->waiting, &use->link);
}

/* --- uses --- */

/* Not closed by the other side, as far as our kernel knows. */
static bool is_open(const struct conn *c)
{
    char byte;
    ssize_t got = recv(c->io.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

static struct upstream_link *take_idle(struct upstream *u, bool tested)
{
    while (!list_is_empty(&u->idle)) {
        struct upstream_link *l = container_of(u->idle.next, struct upstream_link, link);
        leave_idle(l);
        if (conn_is_closing(l->conn))
            continue;
        if (!tested || is_open(l->conn)) {
            deadline_clear(&l->conn->deadline);
            return l;
        }
        conn_close(l->conn, CONN_DONE);
    }
    return NULL;
}

bool upstream_begin(struct upstream *u, struct upstream_use *use,
                    const struct upstream_use_ops *ops, enum upstream_freshness freshness,
                    unsigned connect_ms)
{
    use->ops = ops;
    use->upstream = u;
    use->conn = NULL;
    use->connect_ms = connect_ms;
    use->is_reused = false;
    use->is_probe = freshness == UPSTREAM_PROBE;
    u->active += !use->is_probe;
    u->requests += !use->is_probe;
    if (freshness < UPSTREAM_FRESH) {
        struct upstream_link *l = take_idle(u, freshness == UPSTREAM_TESTED);
        if (l != NULL) {
            use->is_reused = true;
            attach(use, l);
            return true;
        }
    }
    dial_init(&use->dial, u->set->loop, on_dialled);
    deadline_init(&use->deadline, on_name_timeout);
    list_init(&use->link);
    connect_use(u, use);
    return false;
}

static void make_idle(struct upstream *u, struct upstream_link *l)
{
    l->upstream = u;
    list_push_front(&u->idle, &l->link);
    u->idle_count++;
    deadline_set(u->set->deadlines, &l->conn->deadline, IDLE_MS);
    conn_resume(l->conn);
}

void upstream_end(struct upstream_use *use, bool keep)
{
    struct upstream *u = use->upstream;
    if (u == NULL)
        return;
    use->upstream = NULL;
    u->active -= !use->is_probe;
    struct conn *c = use->conn;
    if (c == NULL) {
        dial_cancel(&use->dial);
        deadline_clear(&use->deadline);
        list_remove(&use->link);
        return;
    }
    use->conn = NULL;
    struct upstream_link *l = c->session_state;
    l->use = NULL;
    if (keep && !conn_is_closing(c) && !c->input_ended && conn_input(c).len == 0 &&
        outq_is_empty(&c->out) && u->idle_count < IDLE_MOST)
        make_idle(u, l);
    else
        conn_close(c, CONN_DONE);
}

struct upstream_figures upstream_figures(const struct upstream *u)
{
    return (struct upstream_figures){
        .requests = u->requests,
        .connects = u->connects,
        .errors = u->errors,
        .active = u->active,
        .idle = u->idle_count,
        .avoided = u->avoided_until_us > u->set->loop->now_us,
        .checks = u->checks_made,
        .checks_failed = u->checks_failed,
        .down = upstream_checks_down(u),
    };
}

/* --- the set --- */

void upstreams_init(struct upstreams *s, struct loop *loop, struct deadlines *deadlines,
                    struct counters *counters, size_t buffer_size)
{
    *s = (struct upstreams){.loop = loop, .deadlines = deadlines, .counters = counters};
    s->by_name = MAP_INIT;
    conns_init(&s->conns, loop, deadlines, buffer_size);
    s->conns.owner = s;
    freelist_init(&s->links, sizeof(struct upstream_link), SPARE_LINKS);
    resolver_init(&s->resolver, loop);
    struct error e;
    if (uuid_random_bytes(&s->random, sizeof s->random, &e) != 0)
        s->random = (uint32_t)loop->now_us;
}

void upstreams_fini(struct upstreams *s)
{
    BUG_ON(map_count(&s->by_name) != 0);
    map_fini(&s->by_name, NULL);
    conns_fini(&s->conns);
    freelist_fini(&s->links);
    resolver_fini(&s->resolver);
}

/* A linear congruence; its high bits are the good ones. */
uint32_t upstreams_random(struct upstreams *s)
{
    s->random = s->random * 1664525u + 1013904223u;
    return s->random >> 8;
}

void upstreams_renew(struct upstreams *s)
{
    s->generation++;
}

struct upstream *upstream_get(struct upstreams *s, const char *address, struct error *e)
{
    struct upstream *u = map_get(&s->by_name, slice_str(address));
    if (u != NULL)
        return upstream_ref(u);
    struct dial_address first;
    int kind = dial_address_parse(&first, address);
    if (kind < 0 || strlen(address) >= sizeof u->name) {
        error_set_object(e, ERROR_INVALID, address,
                         "\"%s\" is no upstream: write host:port, [ipv6]:port or unix:/path.",
                         address);
        return NULL;
    }
    u = calloc(1, sizeof *u);
    if (u == NULL || map_put(&s->by_name, slice_str(address), u, NULL) != 0) {
        free(u);
        error_set(e, ERROR_NO_MEMORY, "Out of memory.");
        return NULL;
    }
    u->set = s;
    u->refs = 1;
    u->is_named = kind == 1;
    u->addresses[0] = first;
    u->address_count = kind == 0 ? 1 : 0;
    list_init(&u->idle);
    list_init(&u->waiting);
    list_init(&u->checks);
    snprintf(u->name, sizeof u->name, "%s", address);
    refresh_name(u);
    return u;
}

struct upstream *upstream_ref(struct upstream *u)
{
    u->refs++;
    return u;
}

struct slice upstream_authority(const struct upstream *u)
{
    return strncmp(u->name, "unix:", 5) == 0 ? SLICE("localhost") : slice_str(u->name);
}

void upstream_unref(struct upstream *u)
{
    if (u == NULL || --u->refs > 0)
        return;
    while (!list_is_empty(&u->idle)) {
        struct upstream_link *l = container_of(u->idle.next, struct upstream_link, link);
        leave_idle(l);
        conn_close(l->conn, CONN_DONE);
    }
    resolve_cancel(u->resolving);
    map_remove(&u->set->by_name, slice_str(u->name));
    free(u);
}
