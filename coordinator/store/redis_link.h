/* The way to the Redis master, for ever: asks the Sentinels who it is, connects, makes sure that it
 * is the master, and begins anew, with growing pauses, whenever that ends. While it is connected
 * the Sentinels are asked on; when they name another master, that one is followed. */
#ifndef COORDINATOR_STORE_REDIS_LINK_H
#define COORDINATOR_STORE_REDIS_LINK_H

#include "coordinator/store/redis_conn.h"
#include "coordinator/store/redis_url.h"

#include <stdbool.h>

struct redis_link_ops {
    void (*up)(void *arg);
    void (*down)(void *arg); /* after up; commands on their way got their NULL reply, or will */
};

struct redis_link {
    struct ev_loop *loop;
    const struct redis_url *url;
    const struct redis_link_ops *ops;
    void *arg;
    struct redis_conn server, sentinel;
    size_t next_sentinel;
    bool is_up;
    bool is_asking;    /* a Sentinel has not answered yet */
    unsigned failures; /* in a row */
    ev_timer retry;
    ev_timer poll;     /* of the Sentinels, while the server is up */
    char problem[512]; /* why it is not up, a sentence; "": nothing is known yet */
};

/* `url` and `work` are borrowed. */
void redis_link_init(struct redis_link *l, struct ev_loop *loop, struct evwork *work,
                     const struct redis_url *url, const struct redis_link_ops *ops, void *arg);
void redis_link_start(struct redis_link *l);
void redis_link_stop(struct redis_link *l);

/* Begins anew: the server has shown that it cannot be used (`why` is a phrase). */
void redis_link_drop(struct redis_link *l, const char *why);

#endif
