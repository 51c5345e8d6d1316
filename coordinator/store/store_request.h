/* One call to a store on its way: copies of what was given, the result, whom to call back. Shared
 * by the implementations; nobody else includes this. */
#ifndef COORDINATOR_STORE_STORE_REQUEST_H
#define COORDINATOR_STORE_STORE_REQUEST_H

#include "coordinator/store/store.h"
#include "proto/base/arena.h"
#include "proto/link/evwork.h"

enum store_call {
    STORE_HEAD,
    STORE_APPEND,
    STORE_GET,
    STORE_LIST,
    STORE_PUT,
    STORE_SCAN,
    STORE_LEASE,
    STORE_RESTORE,
    STORE_CALL_COUNT
};

struct store_request {
    struct evwork_job job;
    struct list link; /* for implementations that queue */
    struct store *store;
    enum store_call call;
    struct arena arena; /* of everything below */

    struct commit commit;
    uint64_t version; /* get; list: before */
    unsigned count;
    int64_t token;
    struct slice kind, key, value;
    char owner[UUID_LEN + 1];
    char endpoint[ENDPOINT_MAX];
    int64_t ttl_ms;
    char cluster[UUID_LEN + 1];
    bool finished;

    uint64_t deadline_ms; /* on the monotonic clock, for implementations with a time limit */
    unsigned awaited;     /* replies that are still to come, likewise */
    struct store_result result;
    store_done *done;
    void *arg;
};

/* An implementation: a word before the colon of the URL, and three functions. */
struct store_ops {
    const char *scheme;
    /* `rest` is the URL behind "scheme:". */
    int (*open)(struct store **out, const char *rest, struct ev_loop *loop, struct error *e);
    /* Takes the request; ends it later with store_request_finish, on the loop. -1: not taken. */
    int (*submit)(struct store *s, struct store_request *r, struct error *e);
    /* Ends all requests, then frees the store. */
    void (*close)(struct store *s);
};

/* First member of every implementation's struct. */
struct store {
    const struct store_ops *ops;
};

/* Calls back and frees the request. */
void store_request_finish(struct store_request *r);

/* The token of a new holder of the lease. */
int64_t store_next_token(int64_t last);

/* What store_head says while a restore has not ended. */
int store_refuse_unfinished(struct error *e);

/* Does the copy for a result; NULL sets the result's error to ERROR_NO_MEMORY. */
void *store_request_alloc(struct store_request *r, size_t size);
struct slice store_request_copy(struct store_request *r, struct slice s);

extern const struct store_ops store_sqlite_ops;
extern const struct store_ops store_memory_ops;
extern const struct store_ops store_redis_ops;
extern const struct store_ops store_redis_sentinel_ops;

#endif
