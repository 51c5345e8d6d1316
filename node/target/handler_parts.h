/* What the ways of a body to a handler share: handler.c (whole, in one message), handler_upload.c
 * (as a file), handler_stream.c (in parts). Nobody else includes it. */
#ifndef NODE_TARGET_HANDLER_PARTS_H
#define NODE_TARGET_HANDLER_PARTS_H

#include "node/backend/backend_post.h"
#include "node/exchange/exchange.h"
#include "node/exchange/handler_message.h"

struct handler_upload;

/* How a body goes. Called as the functions of a target of the same name; all but `body` optional.
 */
struct handler_way {
    void (*body)(struct exchange *x, struct slice piece, bool last);
    void (*credit)(struct exchange *x, int64_t bytes);
    void (*release)(struct exchange *x);
};

/* Parts of a streamed body. */
struct handler_stream {
    uint64_t offset; /* bytes sent before */
    int64_t credit;  /* bytes that the handler allows; chunks may overdraw it */
    size_t missing;  /* bytes that the first message waits for */
    struct backend_poster poster;
    bool chunked;
    bool waits;   /* the client is paused */
    bool posting; /* inside backend_ops.part */
    bool refused; /* by the backend, meanwhile */
};

/* One request of an exchange; lives in the exchange's arena. */
struct handler_state {
    struct backend_request request;
    struct exchange *x;
    const struct handler_way *way;
    struct buf message; /* while a body is collected: everything up to the body */
    struct buf body;    /* chunked bodies, whose length comes last */
    bool may_be_repeated;
    bool reading; /* the body is asked for, or being read */
    union {
        struct handler_upload *upload; /* NULL once it is handed over */
        struct handler_stream stream;
    };
};

/* Hands the request to the backend, `head` and `body` copied into one message: from now on the
 * handler's bytes are the answer. May end the exchange: do not touch x afterwards. */
void handler_send(struct exchange *x, struct slice head, struct slice body);

/* A further message for whoever got the request, who is told through `poster` what became of it
 * when it has to wait. False: it cannot be sent. */
bool handler_send_part(struct exchange *x, struct backend_poster *poster, struct slice head,
                       struct slice body);

/* The request cannot be completed: the answer is `status` unless one has begun. Ends the exchange.
 */
void handler_give_up(struct exchange *x, int status);

/* Begins to store the body in a file; with what s->body has of it already, and the head kept. May
 * end the exchange. */
void handler_upload_begin(struct exchange *x);

/* Begins to stream the body. May end the exchange. */
void handler_stream_begin(struct exchange *x);

#endif
