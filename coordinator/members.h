/* Who is in the cluster: soft state, made of joins and beats alone and gone with the process; it
 * refills within two heart beats. No sockets, no loop: time is given, what follows from a change is
 * the caller's (struct members_ops).
 *
 * States: joining until a node has reported the head for the first time, ready, draining (it says
 * so), nacked (it cannot apply the head), diverged (its history is not ours), suspect after three
 * missed beats, gone after ten. A member that has been gone for an hour is forgotten.
 * A struct member lives from its join until `forgotten` was called. */
#ifndef COORDINATOR_MEMBERS_H
#define COORDINATOR_MEMBERS_H

#include "proto/base/arena.h"
#include "proto/base/error.h"
#include "proto/base/histogram.h"
#include "proto/base/map.h"
#include "proto/base/uuid.h"
#include "proto/link/keyring.h"
#include "proto/model/canon.h"
#include "proto/wire/cluster_msg.h"

#include <stdbool.h>
#include <stdint.h>

#define MEMBER_BEAT_MS    1000
#define MEMBER_SUSPECT_MS (3 * MEMBER_BEAT_MS)
#define MEMBER_GONE_MS    (10 * MEMBER_BEAT_MS)
#define MEMBER_FORGET_MS  3600000

enum member_state {
    MEMBER_JOINING,
    MEMBER_READY,
    MEMBER_DRAINING,
    MEMBER_SUSPECT,
    MEMBER_GONE,
    MEMBER_DIVERGED,
    MEMBER_NACKED,
    MEMBER_STATE_COUNT
};

/* The connection on which a member was last heard: a ROUTER's routing id. */
struct peer {
    unsigned char id[255];
    uint8_t len;
};

/* What a member has done in a stretch of time. */
struct member_work {
    uint64_t requests, errors; /* of those, answered 5xx */
    struct histogram latency;
};

struct member {
    char uuid[UUID_LEN + 1];
    char boot[UUID_LEN + 1];
    enum member_state state;
    struct peer peer;
    char key[CURVE_KEY_LEN + 1]; /* with which it joined; "": a plain connection */
    struct arena info;           /* of the strings below, anew with each join */
    const char *name, *server, *host, *program, *addresses, *handler, *control;
    struct field_strings pools;
    int64_t pid;
    int64_t version; /* what it holds */
    char hash[CANON_HASH_LEN + 1];
    char error[256]; /* while nacked or diverged */
    int64_t connections, in_flight, requests, errors;
    int64_t orders;               /* whose orders it follows, see struct orders */
    bool is_counted;              /* its last beat's counters are at hand */
    struct member_work recent[2]; /* of this minute and of the one before */
    uint64_t recent_since_ms;
    struct member_work since; /* since member_mark */
    unsigned restarts_then;
    uint64_t joined_ms, beat_ms;
    unsigned restarts; /* seen by this coordinator */
};

/* What the owner does about changes. */
struct members_ops {
    /* After the state has changed; `why` is a phrase for people, or "". */
    void (*changed)(void *arg, struct member *m, enum member_state before, const char *why);
    /* What it has (pools, handler port) or whether it is there at all has changed. */
    void (*moved)(void *arg, struct member *m);
    /* Is the connection of the peer still up, as far as can be told at once? */
    bool (*is_connected)(void *arg, const struct peer *peer);
};

struct members {
    struct map by_uuid;      /* of struct member, in the order of first joining */
    struct member_work flow; /* of all of them, since the owner last took it */
    const struct members_ops *ops;
    void *arg;
};

void members_init(struct members *ms, const struct members_ops *ops, void *arg);
void members_fini(struct members *ms);

/* A node joins or tells what has changed about it. ERROR_EXISTS, naming the older one, when a live
 * node has its UUID or its name. ERROR_NO_MEMORY. */
int members_join(struct members *ms, const struct cluster_join *join, const struct peer *peer,
                 uint64_t now_ms, struct member **out, struct error *e);

/* ERROR_NOT_FOUND: unknown, or restarted meanwhile; it is to join. `head` is the newest version. */
int members_beat(struct members *ms, const struct cluster_beat *beat, const struct peer *peer,
                 uint64_t now_ms, int64_t head, struct error *e);

/* It goes in good order. Nothing happens when it is unknown or another process by now. */
void members_leave(struct members *ms, const struct cluster_leave *leave);

/* Looks for missed beats; once per beat interval. */
void members_tick(struct members *ms, uint64_t now_ms);

/* By UUID or by name; NULL. Of several with the name the liveliest. */
struct member *members_find(const struct members *ms, struct slice node);
struct member *members_by_uuid(const struct members *ms, struct slice uuid);

/* Neither suspect nor gone. */
bool member_is_live(const struct member *m);
bool member_has_pool(const struct member *m, struct slice pool);
const char *member_state_name(enum member_state s);

/* Begins `since` anew. */
void member_mark(struct member *m);

/* Quantile of the answer times of about the last minute, microseconds. */
uint64_t member_latency_us(const struct member *m, double q);

/* for (struct map_entry *it = map_first(&ms->by_uuid); …) with this. */
static inline struct member *member_of(const struct map_entry *it)
{
    return (struct member *)map_value(it);
}

#endif
