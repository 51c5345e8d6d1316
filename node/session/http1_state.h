/* The state of an HTTP/1 connection between two requests' ends, and what http1.c (heads, deadlines,
 * the turn from one request to the next) and http1_body.c do for each other. Private to them. */
#ifndef NODE_SESSION_HTTP1_STATE_H
#define NODE_SESSION_HTTP1_STATE_H

#include "node/exchange/exchange.h"
#include "node/io/conn.h"
#include "node/worker.h"
#include "proto/http/body.h"

#include <stdbool.h>
#include <stdint.h>

enum http1_phase { PHASE_HEAD, PHASE_SERVE, PHASE_DISCARD };

/* Bytes of an unread body that are read away; beyond, closing is cheaper. */
#define HTTP1_DISCARD_MOST (256 << 10)

struct http1 {
    struct request_head *head; /* being read; given to the exchange with the request */
    struct exchange *x;
    struct body body;
    enum http1_phase phase;
    uint32_t head_len;     /* bytes of the head at the front of the input, not yet consumed */
    uint32_t head_since_s; /* when the first byte of the head came */
    uint64_t discarded;
    bool body_wanted;
    bool body_done;
    bool body_paused;
    bool expects_continue;
    bool is_tunnel; /* the body has no end but the client's */
};

static inline struct worker *http1_worker(const struct conn *c)
{
    return c->set->owner;
}

static inline uint32_t http1_now_s(const struct conn *c)
{
    return (uint32_t)(c->set->loop->now_us / 1000000u);
}

/* The target wants the body and may have more of it. `h` may be NULL. */
static inline bool http1_reads_body(const struct http1 *h)
{
    return h != NULL && h->x != NULL && h->body_wanted && !h->body_done && !h->body_paused;
}

static inline bool http1_waits_for_body(const struct http1 *h)
{
    return http1_reads_body(h) || (h != NULL && h->phase == PHASE_DISCARD);
}

/* In http1.c. */
void http1_arm(struct conn *c);          /* sets the deadline that the state asks for */
void http1_next_request(struct conn *c); /* this one is over, body and all */
/* The client has nothing more to say in the middle of something: it still gets what is queued. */
void http1_close_unfinished(struct conn *c);

/* In http1_body.c: the sink of the exchange (see exchange.h) … */
void http1_want_body(struct conn *c);
void http1_tunnel(struct conn *c);
void http1_pause_body(struct conn *c);
void http1_resume_body(struct conn *c);
/* … and the phases in which input is body. */
void http1_read_body(struct conn *c);
void http1_discard_body(struct conn *c, struct http1 *h);

#endif
