/* Where the history lives: what a push needs of a store, whatever it is made of.
 *
 * A store keeps the chain of commits, the lease that says who may add to it, and small records
 * (notes, outcomes, orders, keys). It is asynchronous by form: every call returns at once and its
 * `done` is called later, on the loop, exactly once, in the order of the calls. Neither an fsync
 * nor a network holds up the loop. What a call is given is copied; what a result holds is borrowed
 * until its `done` returns.
 *
 * The guarantee that everything else rests on: when an append has succeeded the commit is on disk,
 * and it has only succeeded if its parent was the head and its token the newest that was ever given
 * out, all in one atomic step. One contract test runs against every implementation. */
#ifndef COORDINATOR_STORE_STORE_H
#define COORDINATOR_STORE_STORE_H

#include "proto/base/error.h"
#include "proto/base/slice.h"
#include "proto/base/uuid.h"
#include "proto/link/endpoint.h"
#include "proto/model/commit.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ev_loop;
struct store;

/* Kinds of records. Keys sort as bytes; a kind is a lower-case word. All are in backup_kinds
 * (proto/model/backup.h) too. */
#define STORE_NOTE    "note"    /* key: time and number; a person's remark */
#define STORE_OUTCOME "outcome" /* key: version; what became of a commit on the nodes */
#define STORE_ORDER   "order"   /* key: "node NAME" or "pool NAME"; what a person has ordered */
#define STORE_KEY     "key"     /* key: a CURVE key; who has it and what it may do */

struct store_head {
    uint64_t version;              /* 0: no commit yet */
    char hash[CANON_HASH_LEN + 1]; /* of version 0: COMMIT_NO_PARENT */
};

struct store_record {
    struct slice key;
    struct slice value;
};

struct store_lease {
    bool held; /* by the one who asked */
    int64_t token;
    char owner[UUID_LEN + 1];
    char endpoint[ENDPOINT_MAX]; /* where the holder takes requests */
};

struct store_result {
    struct error error;           /* code ERROR_NONE: it worked */
    struct store_head head;       /* head, restore, append (after a CONFLICT: that was found) */
    char cluster[UUID_LEN + 1];   /* head, restore: the cluster's UUID, made with the store */
    const struct commit *commits; /* get: one, whole; list: newest first, without configurations */
    size_t commit_count;
    const struct store_record *records; /* scan: keys descending */
    size_t record_count;
    struct store_lease lease; /* lease */
};

typedef void store_done(void *arg, const struct store_result *result);

/* Opens what the URL names: sqlite:PATH, redis://…, redis+sentinel://… (redis_url.h), memory:. A
 * history in a file that does not hang together is refused (ERROR_CONFLICT); a server is not waited
 * for. ERROR_USAGE, ERROR_EXISTS (in use by another coordinator), ERROR_IO. */
int store_open(struct store **out, const char *url, struct ev_loop *loop, struct error *e);

/* Finishes what was asked so far, calling back, and closes. NULL is fine. */
void store_close(struct store **s);

/* The calls. 0: `done` will be called; -1 (ERROR_NO_MEMORY; ERROR_REFUSED: too many wait already):
 * it will not. */

/* ERROR_REFUSED: a restore into it has begun and not ended. */
int store_head(struct store *s, store_done *done, void *arg, struct error *e);

/* Appends a sealed commit. ERROR_CONFLICT: its parent is not the head. ERROR_DENIED: a newer token
 * has been given out. ERROR_REFUSED: the store could not keep it, and has not. ERROR_IO,
 * ERROR_TIMEOUT, ERROR_UNREACHABLE: it is *not known* whether it was kept, or will be; append it
 * again. Appending what is in the history already succeeds whatever the token, even when others
 * have come on top of it; the result's head is then the commit. */
int store_append(struct store *s, const struct commit *c, int64_t token, store_done *done,
                 void *arg, struct error *e);

/* One commit with its configuration, verified. Version 0: the head. ERROR_NOT_FOUND. */
int store_get(struct store *s, uint64_t version, store_done *done, void *arg, struct error *e);

/* At most `count` commits below version `before` (0: from the head), newest first. */
int store_list(struct store *s, uint64_t before, unsigned count, store_done *done, void *arg,
               struct error *e);

/* Writes a record; an empty value removes it. ERROR_DENIED as store_append. */
int store_put(struct store *s, const char *kind, struct slice key, struct slice value,
              int64_t token, store_done *done, void *arg, struct error *e);

/* A restore into this store begins, or goes on, as the cluster of this UUID; or it has ended
 * (`finished`). In between store_head is refused (ERROR_REFUSED), so that nobody takes half of a
 * history for all of it. The result has head and cluster. ERROR_CONFLICT: the store has commits of
 * another cluster. ERROR_DENIED as store_append. */
int store_restore(struct store *s, const char *cluster, bool finished, int64_t token,
                  store_done *done, void *arg, struct error *e);

/* At most `count` records of a kind with keys below `before` (empty: all), keys descending. */
int store_scan(struct store *s, const char *kind, struct slice before, unsigned count,
               store_done *done, void *arg, struct error *e);

/* Takes the lease or renews it for `ttl_ms`. Not an error when another holds it: the result says
 * who. Each taking gets a token above all before, and not below the seconds of the wall clock, so
 * that a store which was restored from a backup does not give out old ones again; renewing keeps
 * it. `owner` is a UUID. */
int store_lease(struct store *s, const char *owner, const char *endpoint, int64_t ttl_ms,
                store_done *done, void *arg, struct error *e);

#endif
