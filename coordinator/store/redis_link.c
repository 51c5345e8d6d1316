/* One step follows the other by callbacks: ask (sentinel.ready, on_master), dial (server.ready,
 * on_role), up. Every failure, wherever it comes from, ends in `fail`, which waits and begins at
 * the first step. */

#include "coordinator/store/redis_link.h"

#include "proto/base/log.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RETRY_FIRST_MS = 50, RETRY_MOST_MS = 1000, POLL_MS = 1000 };

static void begin(struct redis_link *l);

static void arm(struct redis_link *l, ev_timer *timer, int ms)
{
    ev_timer_stop(l->loop, timer);
    ev_timer_set(timer, ms / 1000.0, 0.0);
    ev_timer_start(l->loop, timer);
}

/* Redis ends some of its sentences and others not. */
static struct slice without_stop(const char *why)
{
    struct slice s = slice_str(why);
    while (s.len > 0 && s.ptr[s.len - 1] == '.')
        s.len--;
    return s;
}

static void fail(struct redis_link *l, const struct redis_address *at, const char *why)
{
    bool was_up = l->is_up;
    l->is_up = l->is_asking = false;
    snprintf(l->problem, sizeof l->problem, "Redis at %s:%u: %.*s.", at->host, at->port,
             SLICE_ARG(without_stop(why)));
    if (was_up || l->failures == 0)
        log_warn("store", "%s", l->problem);
    redis_conn_close(&l->server);
    redis_conn_close(&l->sentinel);
    ev_timer_stop(l->loop, &l->poll);
    unsigned doubled = l->failures < 5 ? l->failures : 5;
    int pause = RETRY_FIRST_MS << doubled;
    l->failures++;
    arm(l, &l->retry, pause < RETRY_MOST_MS ? pause : RETRY_MOST_MS);
    if (was_up)
        l->ops->down(l->arg);
}

/* ---- the server --------------------------------------------------------------------------- */

static void on_persistence(void *arg, const struct redisReply *reply)
{
    struct redis_link *l = arg;
    if (reply == NULL || reply->type != REDIS_REPLY_STRING ||
        strstr(reply->str, "aof_enabled:0") == NULL)
        return;
    log_warn("store",
             "Redis at %s:%u keeps no append-only file: commits may be lost when it dies. Set "
             "appendonly yes and appendfsync always.",
             l->server.to.host, l->server.to.port);
}

static void up(struct redis_link *l)
{
    const struct slice info[] = {SLICE("INFO"), SLICE("persistence")};
    ev_timer_stop(l->loop, &l->retry);
    l->is_up = true;
    l->failures = 0;
    l->problem[0] = '\0';
    log_info("store", "connected to Redis at %s:%u", l->server.to.host, l->server.to.port);
    redis_conn_command(&l->server, on_persistence, l, 2, info);
    if (l->url->sentinel)
        arm(l, &l->poll, POLL_MS);
    l->ops->up(l->arg);
}

/* A server that may not tell its role (an ACL) is believed: a replica refuses writes anyway. */
static void on_role(void *arg, const struct redisReply *reply)
{
    struct redis_link *l = arg;
    if (reply == NULL || !l->server.is_ready)
        return;
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements > 0 &&
        strcmp(reply->element[0]->str, "master") != 0)
        fail(l, &l->server.to, "it is not the master");
    else
        up(l);
}

static void on_server_ready(void *arg)
{
    struct redis_link *l = arg;
    const struct slice role[] = {SLICE("ROLE")};
    arm(l, &l->retry, (int)l->url->timeout_ms); /* it may hang before it answers */
    if (redis_conn_command(&l->server, on_role, l, 1, role) != 0)
        fail(l, &l->server.to, "out of memory");
}

static void on_server_ended(void *arg, const char *why)
{
    struct redis_link *l = arg;
    fail(l, &l->server.to, why);
}

static void dial(struct redis_link *l, const struct redis_address *to)
{
    redis_conn_open(&l->server, to, &l->url->login, l->url->db, l->url->timeout_ms);
}

/* ---- the Sentinels ------------------------------------------------------------------------ */

static void ask_next(struct redis_link *l, const char *why)
{
    l->is_asking = false;
    l->next_sentinel = (l->next_sentinel + 1) % l->url->host_count;
    if (l->is_up) {
        redis_conn_close(&l->sentinel); /* the master is there; the next poll asks another */
        arm(l, &l->poll, POLL_MS);
    } else {
        struct redis_address at = l->sentinel.to;
        fail(l, &at, why);
    }
}

static bool read_master(const struct redisReply *reply, struct redis_address *out)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        reply->element[0]->type != REDIS_REPLY_STRING ||
        reply->element[1]->type != REDIS_REPLY_STRING)
        return false;
    int len = snprintf(out->host, sizeof out->host, "%s", reply->element[0]->str);
    int port = atoi(reply->element[1]->str);
    out->port = (uint16_t)port;
    return len > 0 && (size_t)len < sizeof out->host && port > 0 && port < 65536;
}

static void on_master(void *arg, const struct redisReply *reply)
{
    struct redis_link *l = arg;
    struct redis_address found;
    if (reply == NULL || !l->is_asking)
        return;
    if (!read_master(reply, &found)) {
        ask_next(l, "this Sentinel knows no such master");
        return;
    }
    l->is_asking = false;
    ev_timer_stop(l->loop, &l->poll);
    if (!l->is_up) {
        dial(l, &found);
        return;
    }
    const struct redis_address *now = &l->server.to;
    if (found.port != now->port || strcmp(found.host, now->host) != 0)
        fail(l, now, "the Sentinels name another master");
    else
        arm(l, &l->poll, POLL_MS);
}

static void ask(struct redis_link *l)
{
    const struct slice words[] = {SLICE("SENTINEL"), SLICE("get-master-addr-by-name"),
                                  slice_str(l->url->master)};
    l->is_asking = true;
    if (redis_conn_command(&l->sentinel, on_master, l, 3, words) != 0)
        ask_next(l, "out of memory");
    else
        arm(l, &l->poll, (int)l->url->timeout_ms);
}

static void on_sentinel_ready(void *arg)
{
    ask(arg);
}

static void on_sentinel_ended(void *arg, const char *why)
{
    ask_next(arg, why);
}

static void open_sentinel(struct redis_link *l)
{
    redis_conn_open(&l->sentinel, &l->url->hosts[l->next_sentinel], &l->url->sentinel_login, 0,
                    l->url->timeout_ms);
}

static void on_poll(struct ev_loop *loop, ev_timer *w, int revents)
{
    struct redis_link *l = container_of(w, struct redis_link, poll);
    (void)loop, (void)revents;
    if (l->is_asking)
        ask_next(l, "no answer in time");
    else if (l->sentinel.is_ready)
        ask(l);
    else
        open_sentinel(l);
}

/* ---- from the beginning ------------------------------------------------------------------- */

static void begin(struct redis_link *l)
{
    if (l->url->sentinel)
        open_sentinel(l);
    else
        dial(l, &l->url->hosts[0]);
}

static void on_retry(struct ev_loop *loop, ev_timer *w, int revents)
{
    struct redis_link *l = container_of(w, struct redis_link, retry);
    (void)loop, (void)revents;
    begin(l);
}

void redis_link_init(struct redis_link *l, struct ev_loop *loop, struct evwork *work,
                     const struct redis_url *url, const struct redis_link_ops *ops, void *arg)
{
    static const struct redis_conn_ops server = {on_server_ready, on_server_ended};
    static const struct redis_conn_ops sentinel = {on_sentinel_ready, on_sentinel_ended};
    *l = (struct redis_link){.loop = loop, .url = url, .ops = ops, .arg = arg};
    redis_conn_init(&l->server, loop, work, &server, l);
    redis_conn_init(&l->sentinel, loop, work, &sentinel, l);
    ev_init(&l->retry, on_retry);
    ev_init(&l->poll, on_poll);
}

void redis_link_start(struct redis_link *l)
{
    begin(l);
}

void redis_link_stop(struct redis_link *l)
{
    l->is_up = false;
    ev_timer_stop(l->loop, &l->retry);
    ev_timer_stop(l->loop, &l->poll);
    redis_conn_close(&l->server);
    redis_conn_close(&l->sentinel);
}

void redis_link_drop(struct redis_link *l, const char *why)
{
    if (l->is_up)
        fail(l, &l->server.to, why);
}
