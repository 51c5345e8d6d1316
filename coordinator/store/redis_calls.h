/* The calls of a store in the words of Redis: a request as the arguments of EVAL with
 * redis_store.lua, and what its reply means. Knows no connection. */
#ifndef COORDINATOR_STORE_REDIS_CALLS_H
#define COORDINATOR_STORE_REDIS_CALLS_H

#include "coordinator/store/store_request.h"

#include <stdbool.h>
#include <stddef.h>

#define REDIS_CALL_WORDS 24

struct redisReply;

struct redis_call {
    struct slice word[REDIS_CALL_WORDS];
    size_t count;
};

/* Fills the words; they live as long as the request. `cluster` is the UUID for a store that has
 * none yet. -1: out of memory, the request's error is set. */
int redis_call_encode(struct redis_call *out, struct store_request *r, const char *prefix,
                      const char *cluster);

/* Reads the reply into the request's result, copying. Anything odd is an error of the result. */
void redis_call_decode(struct store_request *r, const struct redisReply *reply);

/* Does the reply say that this server cannot be used at present (it is a replica, it loads its
 * data), so that another must be looked for? */
bool redis_reply_is_unusable(const struct redisReply *reply);

/* Does the call change anything, so that replicas have something to confirm? */
bool redis_call_writes(enum store_call call);

#endif
