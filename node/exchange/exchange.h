/* One request and its answer. Created by a session when a request head is complete; passes the
 * steps admit, route, serve, reply, log; ends exactly once.
 *
 * A target sees: the parsed head (until exchange_detach), the route, the arena, a place for its own
 * state. It answers through reply.h. Lifetime: from exchange_begin to the return of exchange_end;
 * pooled. */
#ifndef NODE_EXCHANGE_EXCHANGE_H
#define NODE_EXCHANGE_EXCHANGE_H

#include "node/conf/snapshot.h"
#include "node/io/conn.h"
#include "node/worker.h"
#include "proto/base/arena.h"
#include "proto/http/reply_watch.h"
#include "proto/http/request_head.h"

#include <stdbool.h>
#include <stdint.h>

enum exchange_step { STEP_ADMIT, STEP_ROUTE, STEP_SERVE, STEP_REPLY, STEP_LOG, STEP_ENDED };

enum exchange_end { /* how it ended */
                    EXCHANGE_DONE,
                    EXCHANGE_CLIENT_GONE,
                    EXCHANGE_REPLY_CUT, /* the answer broke off */
                    EXCHANGE_TIMED_OUT,
                    EXCHANGE_KILLED,
};

/* What an exchange needs of the session that began it. */
struct exchange_sink {
    void (*want_body)(struct conn *c); /* start reading the body; 100 Continue if expected */
    void (*pause_body)(struct conn *c);
    void (*resume_body)(struct conn *c);
    /* From now on all that the client sends is the request's body, until it ends its direction. */
    void (*tunnel)(struct conn *c);
    /* The head is no longer used: its bytes may be consumed. Before `ended`. */
    void (*head_released)(struct conn *c);
    void (*ended)(struct conn *c, struct exchange *x, bool keep_alive);
    /* A WebSocket handshake has reached a handler: the session takes the connection over, and ends
     * the exchange. NULL: handshakes are requests like others. */
    void (*websocket)(struct conn *c, struct exchange *x);
};

struct exchange {
    struct worker *worker;
    struct conn *conn;
    const struct exchange_sink *sink;
    struct snapshot *snapshot; /* a reference */
    struct request_head *head; /* NULL after exchange_detach, unless it is kept */
    const struct conf_host *host;
    const struct conf_route *route; /* NULL when none matched */
    struct target *target;          /* NULL likewise */
    /* What a filter wants a proxied server to be sent instead of the head; NULL: nothing. In the
     * arena. */
    struct request_head *proxy_head;
    void *state;        /* the target's */
    struct arena arena; /* freed with the exchange */
    uint64_t started_us;
    uint64_t due_us; /* when the answer must be whole; 0: whenever */
    /* for the log; valid after detach too */
    struct slice method, path, version;
    uint64_t body_received;
    size_t body_most;     /* the next piece is not longer; 0: no bound */
    uint64_t sent;        /* bytes of the response body handed to the connection */
    int64_t reply_length; /* announced; -1 chunked or until close */
    int status;           /* of the answer; 0 none yet */
    enum exchange_step step;
    struct reply_watch watch; /* of a raw reply */
    enum method_id method_id;
    bool is_head; /* HEAD: no body in the answer */
    bool http_1_0;
    bool keep_alive;       /* may the connection go on after the answer */
    bool keep_alive_asked; /* as it was before a handler had its say */
    bool closes_if_unread; /* its body is too long to be read away, or may never come (Expect) */
    bool target_started;   /* target->start was called: release is due */
    bool reply_started;
    bool reply_chunked;
    bool reply_raw;     /* the answer is a handler's bytes: see raw_reply.h */
    bool body_complete; /* the request's body has been read whole */
    bool body_held;     /* the target is not through with it: outlives a whole raw reply */
    bool has_body;
    bool chunk_ended;  /* the piece at hand is the last of a chunk */
    bool expects_body; /* target has asked for it */
    bool head_kept;
};

/* Lets the session read the body and hand it to target->body (sends 100 Continue when the client
 * waits for it). Detaches the head: take what you need before. The first piece comes after the
 * caller has returned to the loop. Without it the body is discarded after the answer. */
void exchange_want_body(struct exchange *x);

/* Bytes of the body that have come together with the head, framing included; before the head is
 * detached or kept. */
size_t exchange_body_at_hand(const struct exchange *x);

/* The answer is reply_switch: all that the client sends from now on, and has sent behind the head,
 * goes to target->body as it is, to its end (`last`). The session keeps no deadline any more: the
 * target does. The head is detached already. */
void exchange_tunnel(struct exchange *x);

/* Back-pressure on the client's body. */
void exchange_pause_body(struct exchange *x);
void exchange_resume_body(struct exchange *x);

/* The target needs the head no longer and may wait for long: frees the head and lets the connection
 * drop its input buffer. Method, path and version stay. */
void exchange_detach(struct exchange *x);

/* As exchange_detach, but the head is copied and stays until the end. -1 when out of memory. */
int exchange_keep_head(struct exchange *x);

/* Ends it: logs, counts, releases, tells the session, which goes on or closes. Targets end through
 * reply_end or reply_abort. */
void exchange_end(struct exchange *x, enum exchange_end how);

/* For sessions: takes the head (from worker->heads), routes and serves. NULL when out of memory. */
struct exchange *exchange_begin(struct worker *w, struct conn *c, const struct exchange_sink *sink,
                                struct request_head *head);
/* The log line of a request that was refused before it became an exchange; `head` as far as it was
 * parsed, or NULL. `sent`: bytes of the answer's body. */
void exchange_log_refused(struct worker *w, const struct conn *c, const struct request_head *head,
                          int status, size_t sent);
void exchange_serve(struct exchange *x); /* may end it before it returns */
void exchange_body(struct exchange *x, struct slice piece, bool last);
void exchange_drained(struct exchange *x);
/* Its deadline has passed: answers 504, or 408 when the request itself is not whole yet; cuts an
 * answer that has begun. */
void exchange_time_out(struct exchange *x);
/* The request turned out bad on the way (a malformed chunk, a body that stalls): answers with
 * `status` unless an answer has begun, closes. */
void exchange_fail(struct exchange *x, int status);

#endif
