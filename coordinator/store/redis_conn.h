/* One connection to one Redis server or Sentinel: name resolution, connecting, login, database. It
 * is tried once; whoever owns it decides what comes after its end.
 *
 * Lives in its owner's struct. `ended` is called once per redis_conn_open that succeeded, unless
 * redis_conn_close came first; commands that are still without an answer get a NULL reply, before
 * or after it. Within the callbacks everything is allowed. */
#ifndef COORDINATOR_STORE_REDIS_CONN_H
#define COORDINATOR_STORE_REDIS_CONN_H

#include "coordinator/store/redis_url.h"
#include "proto/base/slice.h"
#include "proto/link/evwork.h"

#include <ev.h>

struct redisAsyncContext;
struct redisReply;

struct redis_conn_ops {
    void (*ready)(void *arg);
    void (*ended)(void *arg, const char *why); /* a phrase: "connection refused" */
};

/* The reply is borrowed and may be an error; NULL: the connection has ended. */
typedef void redis_reply_fn(void *arg, const struct redisReply *reply);

struct redis_conn {
    struct ev_loop *loop;
    struct evwork *work; /* where names are resolved; borrowed */
    const struct redis_conn_ops *ops;
    void *arg;
    const struct redis_login *login;
    unsigned db;
    double timeout_s;
    struct redis_address to;
    struct redisAsyncContext *context; /* NULL: none */
    struct redis_lookup *lookup;       /* on its way; NULL: none */
    ev_timer timeout;                  /* until it is ready */
    bool is_ready;
};

void redis_conn_init(struct redis_conn *c, struct ev_loop *loop, struct evwork *work,
                     const struct redis_conn_ops *ops, void *arg);

/* Begins; what was open before is closed. `login` must outlive it. */
void redis_conn_open(struct redis_conn *c, const struct redis_address *to,
                     const struct redis_login *login, unsigned db, int64_t timeout_ms);
void redis_conn_close(struct redis_conn *c);

/* Sends a command; `fn` is called later, exactly once, in the order of the commands. -1: the
 * connection is not open, `fn` will not be called. `argument` holds `count` words. */
int redis_conn_command(struct redis_conn *c, redis_reply_fn *fn, void *arg, size_t count,
                       const struct slice *argument);

/* Writes and reads what there is without the loop, waiting some milliseconds for it: for the end of
 * a program. */
void redis_conn_pump(struct redis_conn *c);

#endif
