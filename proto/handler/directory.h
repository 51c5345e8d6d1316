/* Which nodes serve a pool, as the coordinators know it (docs/reference/cluster-protocol.md: hello,
 * pools, and the topic pool.NAME).
 *
 * Asks one coordinator after the other until one answers, listens to what that one publishes, and
 * asks again from time to time: what is published is a hint, the answer is the truth. Neither
 * sockets nor a clock; times are monotonic milliseconds. While no coordinator answers, nothing is
 * told, so what was known stays. */
#ifndef PROTO_HANDLER_DIRECTORY_H
#define PROTO_HANDLER_DIRECTORY_H

#include "proto/base/arena.h"
#include "proto/base/buf.h"
#include "proto/base/error.h"
#include "proto/base/slice.h"
#include "proto/link/endpoint.h"
#include "proto/wire/pool_frame.h"

#include <stdbool.h>
#include <stdint.h>

#define DIRECTORY_REFRESH_MS       5000 /* between two questions to a coordinator that answers */
#define DIRECTORY_ANSWER_MS        2000 /* until one that does not is given up for the next */
#define DIRECTORY_COORDINATORS_MAX 16

struct directory;

/* A node as a coordinator names it. */
struct directory_node {
    struct slice endpoint;
    struct slice key; /* its CURVE key in Z85; empty: it has none */
};

struct directory_ops {
    /* Sends a message to the coordinator, on a new connection if it is another than before. */
    void (*ask)(struct directory *d, const char *coordinator, struct slice message);
    /* Subscribes to `topic` at `endpoint`, instead of where it was subscribed before. */
    void (*listen)(struct directory *d, const char *endpoint, const char *topic);
    /* All nodes of the pool there are. Borrowed for the call. */
    void (*found)(struct directory *d, const struct directory_node *nodes, size_t count);
    /* For people. */
    void (*event)(struct directory *d, const char *text);
};

struct directory {
    const struct directory_ops *ops;
    void *arg; /* the transport's */
    char pool[POOL_NAME_MAX + 1];
    char topic[POOL_NAME_MAX + 8];
    char coordinators[DIRECTORY_COORDINATORS_MAX][ENDPOINT_MAX];
    size_t count, current;
    char listening[ENDPOINT_MAX];
    int64_t seq, hello_seq, pools_seq;
    bool is_answered;
    bool is_silent_told; /* that nobody answers was said */
    uint64_t next_ms;
    struct arena arena;
    struct buf out;
};

/* `coordinators` as "tcp://a:6780,tcp://b:6780". ERROR_USAGE. */
int directory_init(struct directory *d, const struct directory_ops *ops, void *arg,
                   const char *pool, const char *coordinators, struct error *e);
void directory_fini(struct directory *d);

/* Asks when it is time; it is at next_ms. */
void directory_tick(struct directory *d, uint64_t now_ms);

/* The next answer to hello makes it listen again, even if that is where it listened before. */
void directory_listen_again(struct directory *d);

/* An answer of the coordinator asked last. Late and malformed ones are ignored. */
void directory_on_answer(struct directory *d, struct slice message, uint64_t now_ms);

/* A publication; those of pools whose name only begins like ours are ignored. */
void directory_on_update(struct directory *d, struct slice topic, struct slice message);

#endif
