/* hiredis does the protocol; what it leaves open is done here: it resolves names with a blocking
 * call, and it has no time limit while it connects. */

#include "coordinator/store/redis_conn.h"

#include "proto/base/log.h"

#include <hiredis/adapters/libev.h>
#include <hiredis/async.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { WORDS_MAX = 32, REPLY_ELEMENTS_MAX = 65536 };

/* A name that is being resolved; outlives the connection that no longer wants it. */
struct redis_lookup {
    struct evwork_job job;
    struct redis_conn *conn; /* NULL: not wanted any more */
    char host[REDIS_HOST_MAX];
    char address[INET6_ADDRSTRLEN]; /* "": not found */
};

/* A command's answer on its way. */
struct pending {
    redis_reply_fn *fn;
    void *arg;
};

static void end(struct redis_conn *c, const char *why)
{
    char reason[160]; /* it may lie in what is freed now */
    snprintf(reason, sizeof reason, "%s", why);
    redis_conn_close(c);
    c->ops->ended(c->arg, reason);
}

static void on_timeout(struct ev_loop *loop, ev_timer *w, int revents)
{
    (void)loop, (void)revents;
    end(container_of(w, struct redis_conn, timeout), "no answer in time");
}

void redis_conn_init(struct redis_conn *c, struct ev_loop *loop, struct evwork *work,
                     const struct redis_conn_ops *ops, void *arg)
{
    *c = (struct redis_conn){.loop = loop, .work = work, .ops = ops, .arg = arg};
    ev_init(&c->timeout, on_timeout);
}

/* ---- commands ----------------------------------------------------------------------------- */

static void on_reply(struct redisAsyncContext *context, void *reply, void *arg)
{
    struct pending p = *(struct pending *)arg;
    (void)context;
    free(arg);
    p.fn(p.arg, reply);
}

int redis_conn_command(struct redis_conn *c, redis_reply_fn *fn, void *arg, size_t count,
                       const struct slice *argument)
{
    const char *words[WORDS_MAX];
    size_t lens[WORDS_MAX];
    BUG_ON(count > WORDS_MAX);
    struct pending *p = c->context != NULL ? malloc(sizeof *p) : NULL;
    if (p == NULL)
        return -1;
    *p = (struct pending){fn, arg};
    for (size_t i = 0; i < count; i++) {
        words[i] = argument[i].ptr != NULL ? argument[i].ptr : "";
        lens[i] = argument[i].len;
    }
    if (redisAsyncCommandArgv(c->context, on_reply, p, (int)count, words, lens) == REDIS_OK)
        return 0;
    free(p);
    return -1;
}

void redis_conn_pump(struct redis_conn *c)
{
    if (c->context != NULL)
        redisAsyncHandleWrite(c->context);
    if (c->context == NULL)
        return;
    struct pollfd fd = {.fd = c->context->c.fd, .events = POLLIN};
    if (poll(&fd, 1, 5) > 0)
        redisAsyncHandleRead(c->context);
}

/* ---- login -------------------------------------------------------------------------------- */

static void on_greeted(void *arg, const struct redisReply *reply)
{
    struct redis_conn *c = arg;
    if (reply == NULL || c->context == NULL)
        return; /* `ended` says it */
    if (reply->type == REDIS_REPLY_ERROR) {
        end(c, reply->str);
        return;
    }
    c->is_ready = true;
    ev_timer_stop(c->loop, &c->timeout);
    c->ops->ready(c->arg);
}

static void on_step(void *arg, const struct redisReply *reply)
{
    struct redis_conn *c = arg;
    if (reply != NULL && reply->type == REDIS_REPLY_ERROR && c->context != NULL)
        end(c, reply->str);
}

static int greet(struct redis_conn *c)
{
    struct slice words[3] = {SLICE("AUTH"), slice_str(c->login->user),
                             slice_str(c->login->password)};
    char db[12];
    snprintf(db, sizeof db, "%u", c->db);
    if (c->login->password[0] != '\0') {
        if (c->login->user[0] == '\0')
            words[1] = words[2];
        if (redis_conn_command(c, on_step, c, c->login->user[0] != '\0' ? 3 : 2, words) != 0)
            return -1;
    }
    if (c->db != 0) {
        const struct slice select[] = {SLICE("SELECT"), slice_str(db)};
        if (redis_conn_command(c, on_step, c, 2, select) != 0)
            return -1;
    }
    const struct slice ping[] = {SLICE("PING")};
    return redis_conn_command(c, on_greeted, c, 1, ping);
}

/* ---- connecting --------------------------------------------------------------------------- */

/* hiredis frees the context after the callback that calls this. */
static void lost(struct redis_conn *c, const char *why)
{
    c->context->data = NULL;
    c->context = NULL;
    end(c, why);
}

static void on_connect(const struct redisAsyncContext *context, int status)
{
    struct redis_conn *c = context->data;
    if (c != NULL && status != REDIS_OK)
        lost(c, context->errstr);
}

static void on_disconnect(const struct redisAsyncContext *context, int status)
{
    struct redis_conn *c = context->data;
    if (c != NULL) /* NULL: we have closed it */
        lost(c, status == REDIS_OK ? "closed by the server" : context->errstr);
}

static void connect_to(struct redis_conn *c, const char *address)
{
    struct redisAsyncContext *context = redisAsyncConnect(address, c->to.port);
    if (context == NULL || context->err != 0) {
        char why[128];
        snprintf(why, sizeof why, "%s", context != NULL ? context->errstr : "out of memory");
        if (context != NULL)
            redisAsyncFree(context);
        end(c, why);
        return;
    }
#if HIREDIS_MAJOR >= 1
    context->c.reader->maxelements = REPLY_ELEMENTS_MAX; /* it allocates what a reply announces */
#endif
    context->data = c;
    c->context = context;
    if (redisLibevAttach(c->loop, context) != REDIS_OK ||
        redisAsyncSetConnectCallback(context, on_connect) != REDIS_OK ||
        redisAsyncSetDisconnectCallback(context, on_disconnect) != REDIS_OK || greet(c) != 0)
        end(c, "out of memory");
}

/* ---- name resolution ---------------------------------------------------------------------- */

static void lookup_run(struct evwork_job *job)
{
    struct redis_lookup *l = container_of(job, struct redis_lookup, job);
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    if (getaddrinfo(l->host, NULL, &hints, &found) != 0)
        return;
    if (getnameinfo(found->ai_addr, found->ai_addrlen, l->address, sizeof l->address, NULL, 0,
                    NI_NUMERICHOST) != 0)
        l->address[0] = '\0';
    freeaddrinfo(found);
}

static void lookup_done(struct evwork_job *job)
{
    struct redis_lookup *l = container_of(job, struct redis_lookup, job);
    struct redis_conn *c = l->conn;
    if (c != NULL) {
        c->lookup = NULL;
        if (l->address[0] != '\0')
            connect_to(c, l->address);
        else
            end(c, "the name has no address");
    }
    free(l);
}

/* Nothing is called back before the caller has returned: a failure waits for the timer. */
static void fail_soon(struct redis_conn *c)
{
    ev_timer_stop(c->loop, &c->timeout);
    ev_timer_set(&c->timeout, 0.0, 0.0);
    ev_timer_start(c->loop, &c->timeout);
}

void redis_conn_open(struct redis_conn *c, const struct redis_address *to,
                     const struct redis_login *login, unsigned db, int64_t timeout_ms)
{
    redis_conn_close(c);
    c->to = *to;
    c->login = login;
    c->db = db;
    ev_timer_set(&c->timeout, (double)timeout_ms / 1000, 0.0);
    ev_timer_start(c->loop, &c->timeout);
    struct redis_lookup *l = calloc(1, sizeof *l);
    if (l == NULL) {
        fail_soon(c);
        return;
    }
    l->job.run = lookup_run;
    l->job.done = lookup_done;
    l->conn = c;
    snprintf(l->host, sizeof l->host, "%s", to->host);
    c->lookup = l;
    evwork_submit(c->work, &l->job);
}

void redis_conn_close(struct redis_conn *c)
{
    struct redisAsyncContext *context = c->context;
    ev_timer_stop(c->loop, &c->timeout);
    c->is_ready = false;
    c->context = NULL;
    if (c->lookup != NULL)
        c->lookup->conn = NULL;
    c->lookup = NULL;
    if (context == NULL)
        return;
    context->data = NULL;
    redisAsyncFree(context);
}
