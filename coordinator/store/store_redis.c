/* The history in Redis: each call is one EVAL of redis_store.lua, followed by WAIT when the URL
 * asks for replicas. Calls are pipelined on one connection, so their answers come in order.
 *
 * Two queues: `waiting` has not been sent and survives a change of the server; `sent` is on the
 * wire, and when the connection ends it is not known what became of it, which is what its error
 * says. A call has its time limit from the moment it was asked for, whichever queue it is in. */

#include "coordinator/store/redis_calls.h"
#include "coordinator/store/redis_link.h"
#include "coordinator/store/store_request.h"
#include "proto/base/clock.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

enum { CALLS_MAX = 1024 };

struct redis_store {
    struct store store;
    struct ev_loop *loop;
    struct evwork *work;
    struct redis_url url;
    struct redis_link link;
    char cluster[UUID_LEN + 1]; /* for a store that is new */
    struct list waiting, sent;
    size_t count; /* of both */
    ev_timer deadline;
};

static void rearm(struct redis_store *s);

static void finish(struct redis_store *s, struct store_request *r)
{
    list_remove(&r->link);
    s->count--;
    store_request_finish(r);
}

/* The connection has ended while the request was on its way. */
static void lose(struct redis_store *s, struct store_request *r)
{
    if (r->result.error.code == ERROR_NONE)
        error_set(&r->result.error, ERROR_UNREACHABLE, "%s",
                  s->link.problem[0] != '\0' ? s->link.problem : "Redis has gone away.");
}

/* ---- answers ------------------------------------------------------------------------------ */

static struct redis_store *store_of(struct store_request *r)
{
    return container_of(r->store, struct redis_store, store);
}

static bool needs_replicas(const struct redis_store *s, const struct store_request *r)
{
    return s->url.replicas > 0 && redis_call_writes(r->call);
}

static void check_confirmed(struct redis_store *s, struct store_request *r, long long confirmed)
{
    if (r->result.error.code == ERROR_NONE && confirmed < s->url.replicas)
        error_set(&r->result.error, ERROR_TIMEOUT,
                  "Redis has it, but %lld of %u replicas have confirmed it.", confirmed,
                  s->url.replicas);
}

static void on_reply(void *arg, const struct redisReply *reply)
{
    struct store_request *r = arg;
    struct redis_store *s = store_of(r);
    bool drop = reply != NULL && redis_reply_is_unusable(reply);
    if (reply != NULL)
        redis_call_decode(r, reply);
    else
        lose(s, r);
    if (--r->awaited == 0) {
        check_confirmed(s, r, needs_replicas(s, r) ? 0 : s->url.replicas);
        finish(s, r);
    }
    if (drop)
        redis_link_drop(&s->link, reply->str);
    rearm(s);
}

static void on_confirmed(void *arg, const struct redisReply *reply)
{
    struct store_request *r = arg;
    struct redis_store *s = store_of(r);
    r->awaited--;
    if (reply == NULL)
        lose(s, r);
    else
        check_confirmed(s, r, reply->type == REDIS_REPLY_INTEGER ? reply->integer : 0);
    finish(s, r);
    rearm(s);
}

/* ---- sending ------------------------------------------------------------------------------ */

static int send_wait(struct redis_store *s, struct store_request *r)
{
    char replicas[12], ms[24];
    snprintf(replicas, sizeof replicas, "%u", s->url.replicas);
    snprintf(ms, sizeof ms, "%lld",
             (long long)(s->url.timeout_ms / 2)); /* Redis is a tenth of a second late */
    const struct slice words[] = {SLICE("WAIT"), slice_str(replicas), slice_str(ms)};
    return redis_conn_command(&s->link.server, on_confirmed, r, 3, words);
}

/* Nothing is called back from within: what cannot be sent ends by its time limit, which is over. */
static int send_request(struct redis_store *s, struct store_request *r)
{
    struct redis_call call;
    if (redis_call_encode(&call, r, s->url.prefix, s->cluster) != 0 ||
        redis_conn_command(&s->link.server, on_reply, r, call.count, call.word) != 0) {
        r->deadline_ms = 0;
        return -1;
    }
    r->awaited = 1;
    list_remove(&r->link);
    list_push_back(&s->sent, &r->link);
    if (needs_replicas(s, r) && send_wait(s, r) == 0)
        r->awaited++;
    return 0;
}

static void flush(struct redis_store *s)
{
    while (s->link.is_up && !list_is_empty(&s->waiting))
        if (send_request(s, container_of(s->waiting.next, struct store_request, link)) != 0)
            return;
}

static void on_up(void *arg)
{
    struct redis_store *s = arg;
    flush(s);
    rearm(s);
}

static void on_down(void *arg)
{
    (void)arg; /* what was sent is told by its NULL reply, the rest waits */
}

/* ---- time --------------------------------------------------------------------------------- */

static struct store_request *oldest(struct redis_store *s)
{
    struct list *queue = !list_is_empty(&s->sent) ? &s->sent : &s->waiting;
    return list_is_empty(queue) ? NULL : container_of(queue->next, struct store_request, link);
}

static void rearm(struct redis_store *s)
{
    const struct store_request *r = oldest(s);
    ev_timer_stop(s->loop, &s->deadline);
    if (r == NULL)
        return;
    uint64_t now = clock_monotonic_ms();
    uint64_t left = r->deadline_ms > now ? r->deadline_ms - now : 0;
    ev_timer_set(&s->deadline, (double)left / 1000, 0.0);
    ev_timer_start(s->loop, &s->deadline);
}

static void expire(struct redis_store *s, uint64_t now)
{
    if (!list_is_empty(&s->sent) && oldest(s)->deadline_ms <= now)
        redis_link_drop(&s->link, "no answer in time");
    for (struct store_request *r; list_is_empty(&s->sent) && (r = oldest(s)) != NULL;) {
        if (r->deadline_ms > now)
            return;
        lose(s, r);
        finish(s, r);
    }
}

static void on_deadline(struct ev_loop *loop, ev_timer *w, int revents)
{
    struct redis_store *s = container_of(w, struct redis_store, deadline);
    (void)loop, (void)revents;
    expire(s, clock_monotonic_ms());
    rearm(s);
}

/* ---- the implementation ------------------------------------------------------------------- */

static int redis_submit(struct store *store, struct store_request *r, struct error *e)
{
    struct redis_store *s = container_of(store, struct redis_store, store);
    if (s->count >= CALLS_MAX)
        return error_set(e, ERROR_REFUSED, "%zu calls wait for Redis already. %s", s->count,
                         s->link.problem);
    r->deadline_ms = clock_monotonic_ms() + (uint64_t)s->url.timeout_ms;
    list_push_back(&s->waiting, &r->link);
    s->count++;
    flush(s);
    rearm(s);
    return 0;
}

static void redis_close(struct store *store)
{
    struct redis_store *s = container_of(store, struct redis_store, store);
    uint64_t end = clock_monotonic_ms() + (uint64_t)s->url.timeout_ms;
    while (s->count > 0 && s->link.is_up && clock_monotonic_ms() < end)
        redis_conn_pump(&s->link.server);
    redis_link_stop(&s->link); /* what was sent is lost */
    for (struct store_request *r; (r = oldest(s)) != NULL;) {
        lose(s, r);
        finish(s, r);
    }
    ev_timer_stop(s->loop, &s->deadline);
    evwork_destroy(&s->work);
    free(s);
}

static int open_url(struct store **out, const struct store_ops *ops, bool sentinel,
                    const char *rest, struct ev_loop *loop, struct error *e)
{
    static const struct redis_link_ops link = {on_up, on_down};
    struct redis_store *s = calloc(1, sizeof *s);
    if (s == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    s->store.ops = ops;
    s->loop = loop;
    list_init(&s->waiting);
    list_init(&s->sent);
    ev_init(&s->deadline, on_deadline);
    if (redis_url_parse(&s->url, sentinel, rest, e) != 0 || uuid_generate(s->cluster, e) != 0 ||
        evwork_create(&s->work, loop, e) != 0) {
        free(s);
        return -1;
    }
    redis_link_init(&s->link, loop, s->work, &s->url, &link, s);
    redis_link_start(&s->link);
    *out = &s->store;
    return 0;
}

static int redis_open(struct store **out, const char *rest, struct ev_loop *loop, struct error *e)
{
    return open_url(out, &store_redis_ops, false, rest, loop, e);
}

static int sentinel_open(struct store **out, const char *rest, struct ev_loop *loop,
                         struct error *e)
{
    return open_url(out, &store_redis_sentinel_ops, true, rest, loop, e);
}

const struct store_ops store_redis_ops = {"redis", redis_open, redis_submit, redis_close};
const struct store_ops store_redis_sentinel_ops = {"redis+sentinel", sentinel_open, redis_submit,
                                                   redis_close};
