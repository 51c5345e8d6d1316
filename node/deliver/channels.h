/* Channels: names under which connections of this node are gathered, so that a handler reaches all
 * of them with one message. Who is in them is this node's business alone; every node of a cluster
 * has its own part of a channel.
 *
 * A channel exists while it has members. A connection is in CHANNELS_MOST of them at most and
 * leaves all when it closes (channels_leave_all). Joining, leaving and closing cost what the
 * connection's own channels cost, whatever the channels' size. */
#ifndef NODE_DELIVER_CHANNELS_H
#define NODE_DELIVER_CHANNELS_H

#include "node/io/conn.h"
#include "proto/base/list.h"
#include "proto/base/map.h"
#include "proto/base/slice.h"

#include <stddef.h>

#define CHANNELS_MOST 256

struct channels {
    struct map by_name; /* of struct channel */
    size_t members;     /* of all of them together */
};

struct channel {
    struct list members; /* of struct membership, in the order in which they joined */
    size_t count;
    size_t name_len;
    char name[];
};

/* One connection in one channel. */
struct membership {
    struct list link;        /* in channel->members */
    struct membership *next; /* of the connection */
    struct conn *conn;
    struct channel *channel;
};

void channels_init(struct channels *cs);
void channels_fini(struct channels *cs); /* when all connections have gone */

/* 0 also when it is in there already; -1: it is in CHANNELS_MOST, or out of memory. */
int channels_join(struct channels *cs, struct conn *c, struct slice name);
void channels_leave(struct channels *cs, struct conn *c, struct slice name);
void channels_leave_all(struct channels *cs, struct conn *c);

/* NULL when nobody is in it. */
struct channel *channels_find(const struct channels *cs, struct slice name);

#endif
