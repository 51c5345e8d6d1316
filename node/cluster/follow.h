/* Following the head: what a node does with prepare, activate, abort and beats, as a state table.
 *
 * It holds the running commit, and at most one other in its hands. A head that is meant for other
 * nodes (a canary) is known and passed over: for us the head is then its parent. It knows no
 * socket, no file and no thread: what it needs done is struct follow_env. Publications may be lost,
 * repeated and late; the beat says what is true, and everything here converges to that.
 * Specification: docs/reference/cluster-protocol.md, "What a node does with them"; as a model:
 * tests/model/push.pml. */
#ifndef NODE_CLUSTER_FOLLOW_H
#define NODE_CLUSTER_FOLLOW_H

#include "proto/base/buf.h"
#include "proto/base/error.h"
#include "proto/model/canon.h"
#include "proto/model/model.h"
#include "proto/wire/cluster_update.h"

#include <stdbool.h>
#include <stdint.h>

#define FOLLOW_RETRY_MS 10000 /* a commit that could not be applied is tried again after this */

enum follow_state {
    FOLLOW_STEADY,   /* runs a commit (or none yet), holds nothing */
    FOLLOW_HOLDING,  /* another commit is prepared */
    FOLLOW_FETCHING, /* a commit was asked for */
    FOLLOW_NACKED,   /* the head, or the last known good, cannot be applied here */
    FOLLOW_DIVERGED, /* the coordinator's history is not ours; serving on */
    FOLLOW_STATE_COUNT
};

/* Which commit is wanted. */
struct follow_want {
    int64_t version;
    char hash[CANON_HASH_LEN + 1];
    bool is_pending; /* of a push that is being decided: to be prepared, not activated */
};

/* What it needs. None may call back, except that fetch may fail at once with its return value. */
struct follow_env {
    /* As in struct agent_ops. */
    int (*prepare)(void *arg, struct model *m, int64_t version, const char *hash, void **prepared,
                   struct error *e);
    void (*activate)(void *arg, void *prepared);
    void (*discard)(void *arg, void *prepared);
    /* The commit runs; `record` (taken) is to be written to disk, then acknowledged as applied. */
    void (*applied)(void *arg, struct buf *record, struct model *m);
    /* Tells the coordinators `prepared`: ready (NULL) or why not. */
    void (*prepared)(void *arg, int64_t version, const char *hash, const struct error *problem);
    /* Asks `source` (whoever the news came from) for a commit; follow_fetched or
     * follow_fetch_failed comes later. -1: it could not be asked. */
    int (*fetch)(void *arg, void *source, const struct follow_want *want);
    /* The condition has changed: worth a beat. */
    void (*changed)(void *arg);
};

struct follow;

/* `node` is our name: commits are for all nodes, or for those that they name. It is borrowed. NULL:
 * out of memory. */
struct follow *follow_create(const struct follow_env *env, void *arg, const char *node);
void follow_destroy(struct follow **f); /* discards what is held; NULL is fine */

/* The last known good: prepares and activates it; if that fails it is nacked and tried again.
 * `record` is empty for a seed (version 0). Takes neither. */
void follow_start(struct follow *f, struct slice record, struct model *m, int64_t version,
                  const char *hash);

void follow_prepare(struct follow *f, void *source, const struct cluster_prepare *p);
void follow_activate(struct follow *f, void *source, const struct cluster_decision *d);
void follow_abort(struct follow *f, const struct cluster_decision *d);
void follow_head(struct follow *f, void *source, const struct cluster_head_beat *b);
void follow_fetched(struct follow *f, struct slice record);
void follow_fetch_failed(struct follow *f, const struct error *e);
void follow_tick(struct follow *f); /* about once a second */

/* Lets go of what is prepared: the node stops. */
void follow_drop(struct follow *f, const char *why);

int64_t follow_version(const struct follow *f); /* that runs; 0 none, or a seed */
const char *follow_hash(const struct follow *f);
struct model *follow_model(const struct follow *f); /* borrowed; NULL none */
enum follow_state follow_state(const struct follow *f);
const char *follow_state_name(enum follow_state s);
/* Why it is nacked or diverged; "" else. */
const char *follow_problem(const struct follow *f);

#endif
