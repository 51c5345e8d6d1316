/* One push, from the checked commit to the verdict: WAIT, PREPARE, STORE, ACTIVATE as a state
 * table.
 *
 * It knows nodes as voters, the store as one call, and whoever pushed as someone to send messages
 * to; all of that is struct push_env. No socket, no loop; time is clock.h's and passes by
 * push_tick. What always holds, whenever the process dies: before STORE has succeeded nothing has
 * changed anywhere, after it the commit is the head and the beats carry it to every node.
 *
 * A struct push owns its commit. It must not be destroyed within its own callbacks, nor while the
 * store has its append (push_is_storing). Specification: docs/reference/commits.md; as a model:
 * tests/model/push.pml. */
#ifndef COORDINATOR_PUSH_H
#define COORDINATOR_PUSH_H

#include "coordinator/store/store.h"
#include "proto/model/commit.h"
#include "proto/wire/cluster_msg.h"
#include "proto/wire/cluster_update.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct push;

enum push_state {
    PUSH_WAIT,     /* for the nodes to report to a coordinator that has just started */
    PUSH_PREPARE,  /* the nodes build it beside what they run */
    PUSH_STORE,    /* the store appends it */
    PUSH_RESOLVE,  /* the store did not say whether it has: it is asked again */
    PUSH_ACTIVATE, /* it is the head; the nodes swap */
    PUSH_DONE,
    PUSH_STATE_COUNT
};

/* How it ended. */
enum push_verdict {
    PUSH_APPLIED,  /* every node that was ready runs it */
    PUSH_STORED,   /* it is the head; some have not acknowledged it in time */
    PUSH_DRY,      /* all went well and was taken back, as asked */
    PUSH_REFUSED,  /* the policy was not met: nodes refused */
    PUSH_SILENT,   /* the policy was not met: nodes did not answer */
    PUSH_ABORTED,  /* taken back by a person, or by the loss of the lease */
    PUSH_REJECTED, /* the store has not kept it */
    PUSH_UNKNOWN,  /* the store does not answer: whether it is kept will show */
};

struct push_result {
    enum push_verdict verdict;
    size_t nodes, ready, refused, silent, applied;
    int64_t ms; /* from start to end */
    const struct commit *commit;
    struct error error; /* of the verdicts from PUSH_REFUSED on */
};

/* What a push needs. Called with `arg` first; none may call the push back before it returns,
 * except that electorate calls push_add_voter. */
struct push_env {
    /* Publishes prepare, activate or abort of the commit. */
    void (*publish)(void *arg, enum cluster_update_kind kind, const struct commit *c,
                    const char *reason);
    /* Names the nodes that are asked: the live ones. */
    void (*electorate)(void *arg, struct push *p);
    /* store_append with the coordinator's store and token. */
    int (*append)(void *arg, const struct commit *c, store_done *done, void *done_arg,
                  struct error *e);
    /* The commit is in the store: from now on it is the head. */
    void (*committed)(void *arg, const struct commit *c);
    /* Sends a message to whoever pushed. */
    void (*answer)(void *arg, struct slice message);
    /* The last call. */
    void (*finished)(void *arg, const struct push_result *result);
};

struct push_options {
    int64_t seq; /* of the request, for the answers */
    enum cluster_policy policy;
    bool dry;
    int64_t timeout_ms;  /* of PREPARE and again of ACTIVATE */
    size_t changes;      /* for the report */
    bool is_canary;      /* its end is not the end: it is held, others report that */
    int64_t hold_s;      /* of a canary */
    uint64_t settled_ms; /* PREPARE does not begin before this moment */
};

/* Takes a copy of the sealed commit. Nothing happens before push_start. NULL: ERROR_NO_MEMORY. */
struct push *push_create(const struct commit *c, const struct push_options *options,
                         const struct push_env *env, void *arg, struct error *e);
void push_destroy(struct push **p); /* NULL is fine */
void push_start(struct push *p);

/* Within electorate: one node that will be asked. */
void push_add_voter(struct push *p, const char *uuid, const char *name);

/* A node's answer to prepare or activate. What is late, repeated or about another commit has no
 * effect. */
void push_prepared(struct push *p, const struct cluster_ack *ack);
void push_applied(struct push *p, const struct cluster_ack *ack);

/* A node has left in good order: it is asked no more. */
void push_left(struct push *p, const char *uuid);

/* Takes it back; -1 (ERROR_CONFLICT) when it is too late for that. `why` is a sentence. */
int push_abort(struct push *p, const char *why, struct error *e);

void push_tick(struct push *p); /* time has passed; a few times a second */

enum push_state push_state(const struct push *p);
const char *push_state_name(enum push_state s);
const char *push_verdict_name(enum push_verdict v);
const struct commit *push_commit(const struct push *p);
bool push_is_storing(const struct push *p);
/* May nodes still hold it prepared? It is then named as pending in the beats. */
bool push_is_pending(const struct push *p);

#endif
