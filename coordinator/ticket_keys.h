/* Keys for TLS session tickets, the same for all nodes, so that clients resume at any of them. Made
 * and replaced by the coordinator that leads, kept in memory only: what was sealed with a key
 * cannot be opened any more when the key has gone. One that takes over makes new ones; nodes still
 * open what was sealed with the one before. */
#ifndef COORDINATOR_TICKET_KEYS_H
#define COORDINATOR_TICKET_KEYS_H

#include "proto/base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define TICKET_KEYS_MAX          2 /* the one that seals, and the one before, which still opens */
#define TICKET_KEY_NAME_BYTES    16
#define TICKET_KEY_SECRET_BYTES  32
#define TICKET_KEYS_PERIOD_S     21000 /* a little less than nodes use a key without being told */
#define TICKET_KEYS_PERIOD_S_MAX 21000

struct ticket_keys {
    struct {
        unsigned char name[TICKET_KEY_NAME_BYTES];
        unsigned char secret[TICKET_KEY_SECRET_BYTES];
        uint64_t since_ms;   /* monotonic */
    } keys[TICKET_KEYS_MAX]; /* the newest first */
    unsigned count;
    int64_t seq; /* grows with every change; 0: there are none */
};

/* Makes a key when there is none, or the newest is older than the period. True: there is a new one.
 * False with *e filled when the system gives no random bytes. */
bool ticket_keys_renew(struct ticket_keys *t, uint64_t now_ms, int64_t wall_ms, int64_t period_s,
                       struct error *e);
void ticket_keys_wipe(struct ticket_keys *t);

#endif
