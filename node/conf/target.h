/* What a route leads to. Declared here, by the one who calls it; implemented in node/target/, one
 * kind per file, listed in node/target/kinds.c. Adding a kind is one file and one row there. */
#ifndef NODE_CONF_TARGET_H
#define NODE_CONF_TARGET_H

#include "proto/base/error.h"
#include "proto/base/slice.h"
#include "proto/model/model.h"

#include <stdbool.h>

struct exchange;
struct handler_peer;
struct snapshot_build;
struct target;

struct target_ops {
    const char *kind; /* word in route.target_type: "dir", "proxy", "handler" … */
    enum table_id table;
    /* Makes the target of one row. May fail, may share a backend; touches nothing that runs. */
    int (*create)(struct target **out, const struct row *row, struct snapshot_build *b,
                  struct error *e);
    /* Its configuration has become the running one: what it shares with the one before follows it
     * from now on. Cannot fail. Optional. */
    void (*activate)(struct target *t);
    /* With its snapshot; also of a build that was given up. */
    void (*destroy)(struct target *t);
    /* The head is complete. Answer now or later through reply_*(). A target with `body` gets the
     * body afterwards; without, the body is discarded. */
    void (*start)(struct target *t, struct exchange *x);
    /* The next piece of the body, borrowed until return; `last` with the final one (which may be
     * empty). Called at least once when the request has a body. May pause the client
     * (exchange_pause_body). Optional. */
    void (*body)(struct exchange *x, struct slice piece, bool last);
    /* A client that ends its direction has gone (handlers: upstream tells them so). Otherwise
     * the answer is still delivered. */
    bool half_close_cancels;
    /* The handler allows `bytes` more of the body (a negative number: fewer). Optional. */
    void (*credit)(struct exchange *x, int64_t bytes);
    /* The output has drained: send more. Only after reply_is_full() said so. Optional. */
    void (*more)(struct exchange *x);
    /* The exchange is over: answered, cut off, timed out, or the client has gone. Let go of
     * everything in x->state now and call nothing back. Exactly once after start(), from inside
     * reply_end() and its like too. Optional. */
    void (*release)(struct exchange *x);
};

/* The head of every target; implementations embed it first. */
struct target {
    const struct target_ops *ops;
    /* The handler behind it, to whom sessions also send what is no request: frames, messages of
     * sockets. The target's reference. NULL: it is no handler. */
    struct handler_peer *peer;
};

/* All kinds, ended by NULL (node/target/kinds.c); handed to the build by server.c. */
extern const struct target_ops *const target_kinds[];

#endif
