/* Who may write: the lease in the store, renewed every second, and its fencing token.
 *
 * With an SQLite store this coordinator is always the leader; with a shared one it is whoever took
 * the lease. A leader that cannot renew stops leading before the lease runs out; should it be too
 * slow even for that, the store refuses its token. */
#ifndef COORDINATOR_LEADER_H
#define COORDINATOR_LEADER_H

#include "coordinator/store/store.h"

#include <stdbool.h>
#include <stdint.h>

#define LEASE_TTL_MS 5000 /* unless said otherwise */

struct leader {
    bool is_leader;
    int64_t token;
    char endpoint[ENDPOINT_MAX]; /* of whoever leads; "" when nobody is known to */
    int64_t ttl_ms;
    bool asking;
    uint64_t asked_ms, renewed_ms;
    char owner[UUID_LEN + 1]; /* us, as the store knows us */
    char self[ENDPOINT_MAX];  /* our requests endpoint */
    struct store *store;
    void (*on_change)(void *arg, const char *why); /* is_leader or token has changed */
    void *arg;
};

/* `ttl_ms`: how long the lease lasts without a renewal; at least 2 s. */
void leader_init(struct leader *l, struct store *store, const char *owner, const char *self,
                 int64_t ttl_ms, void (*on_change)(void *arg, const char *why), void *arg);

/* Asks for the lease when it is time to; call about once a second. */
void leader_tick(struct leader *l, uint64_t now_ms);

/* Gives the lease back, if we have it, so that another need not wait for its end. For the end of a
 * program: the store is closed next. */
void leader_resign(struct leader *l);

#endif
