/* Who may do what: answers for the keys of all that connect, and judges each request by the role of
 * the key it came with. A coordinator without keys lets everyone do everything. */
#ifndef COORDINATOR_ACCESS_H
#define COORDINATOR_ACCESS_H

#include "coordinator/keys.h"
#include "coordinator/requests.h"
#include "proto/link/handshakes.h"
#include "proto/link/zap.h"

#include <stdbool.h>

/* ZAP domains: as what the coordinator's sockets ask about a key. */
#define ACCESS_REQUESTS "requests"
#define ACCESS_UPDATES  "updates"

struct access {
    bool has_keys;
    struct keys keys;
    struct zap zap;
    struct handshakes handshakes[2]; /* of requests and updates */
    uint64_t denied;                 /* requests beyond their key's role */
};

/* Before the sockets are bound. With `has_keys` false nothing is done, now and later. */
int access_open(struct access *a, struct ev_loop *loop, void *zmq, bool has_keys, struct error *e);
/* The keys are known now: those who wait are let in, or not. */
int access_begin(struct access *a, struct error *e);
/* After the sockets were bound. */
int access_watch(struct access *a, struct ev_loop *loop, void *zmq, void *requests, void *updates,
                 struct error *e);
/* The updates socket is about to be closed, or there is another. */
void access_unwatch_updates(struct access *a);
int access_watch_updates(struct access *a, struct ev_loop *loop, void *zmq, void *updates,
                         struct error *e);
void access_unwatch(struct access *a); /* before the sockets are closed; fine when not open */
void access_close(struct access *a);   /* after they were */

/* May this client ask this? -1 with ERROR_DENIED and a sentence, counted and logged. The author of
 * what it asks becomes the owner of its key. */
int access_check(struct access *a, const struct client *from, struct cluster_request *r,
                 struct error *e);

/* May this client answer what we have asked a node? */
bool access_may_answer(const struct access *a, const struct client *from);

/* Whether a key may subscribe to a topic. Handlers hear of pools, of nothing else. */
bool access_may_hear(struct access *a, struct slice key, struct slice topic);

/* Is what is said about a node said by that node? `key` is the one with which it joined. Admins may
 * speak for nodes. */
bool access_is_own(const struct access *a, const struct client *from, const char *key);

#endif
