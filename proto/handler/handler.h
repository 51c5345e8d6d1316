/* What classic handlers and pool workers share: the lock, the inbox, waiting, requests. The public
 * interface is m2handler.h; the two ways of being attached implement struct handler_ops.
 *
 * One lock guards everything of a handler. It is held in all calls except while a thread sleeps in
 * epoll, so that another thread (a worker's keeper, or another one that receives) can go on. */
#ifndef PROTO_HANDLER_HANDLER_H
#define PROTO_HANDLER_HANDLER_H

#include "proto/base/arena.h"
#include "proto/base/buf.h"
#include "proto/base/error.h"
#include "proto/base/list.h"
#include "proto/handler/m2handler.h"
#include "proto/handler/member.h"
#include "proto/handler/pollset.h"
#include "proto/wire/handler_message.h"

#include <pthread.h>
#include <stdint.h>
#include <zmq.h>

struct handler_ops {
    /* After the sockets were read: timers, and what is sent once per turn. */
    void (*turn)(struct m2_handler *h, uint64_t now_ms);
    /* When `turn` has something to do, at the latest. */
    uint64_t (*deadline)(struct m2_handler *h, uint64_t now_ms);
    /* Sends one reply message; takes it, also when it fails. */
    int (*send)(struct m2_handler *h, struct slice node, zmq_msg_t *message, struct m2_error *e);
    /* The request was dealt with or is to be handed back; frees nothing. */
    void (*release)(struct m2_handler *h, struct m2_request *r, bool give_back);
    /* May it be shown to the caller? If not it is dropped. */
    bool (*is_current)(struct m2_handler *h, struct m2_request *r);
    /* Nothing can come any more. */
    bool (*is_over)(struct m2_handler *h);
    /* To whom messages for a whole cluster go: "" when unknown. */
    const char *(*cluster)(struct m2_handler *h);
    /* Calls `each` with every node that is there; returns how many. */
    size_t (*each_node)(struct m2_handler *h, void (*each)(void *arg, struct slice node),
                        void *arg);
    /* Stops threads (before the lock is taken), then frees all but the struct. */
    void (*stop)(struct m2_handler *h);
    void (*fini)(struct m2_handler *h);
};

struct m2_handler {
    const struct handler_ops *ops;
    pthread_mutex_t lock;
    void *zmq;
    struct pollset poll;
    int wake_fd;       /* m2_wake: somebody's m2_recv returns */
    int hand_fd;       /* there is more in the inbox for another thread that sleeps */
    unsigned sleepers; /* threads in epoll */
    struct list inbox; /* requests received, not yet shown */
    struct list out;   /* requests that the caller has */
    struct list spare; /* for later */
    unsigned spare_count;
    uint64_t malformed;
    uint64_t due_ms; /* when the next turn is due, at the latest; 0: now */
    struct buf head; /* of the reply message being made */
    struct buf body; /* scratch for payloads made here */
    void (*on_event)(void *arg, const char *text);
    void *event_arg;
};

struct m2_request {
    struct list link; /* in one of the handler's lists */
    struct m2_handler *handler;
    zmq_msg_t message;
    struct handler_message parts;
    struct arena arena; /* of fields */
    struct handler_field *fields;
    size_t field_count;
    bool is_parsed;            /* fields are there */
    struct member_place place; /* in a worker */
    uint64_t held_until_ms;    /* in a classic handler: see classic.c */
};

/* Allocates nothing that could fail later; -1 leaves nothing behind but the struct. */
int handler_init(struct m2_handler *h, const struct handler_ops *ops, struct m2_error *e);

/* Puts a request into the inbox, moving the message out of *message. NULL when it is malformed or
 * memory is out: then it has been counted. */
struct m2_request *handler_receive(struct m2_handler *h, zmq_msg_t *message);

/* One turn: reads what sockets have, then the ops' turn. */
void handler_turn(struct m2_handler *h);

/* After a turn that was not taken for a caller: makes one that sleeps, here or in a loop of its
 * own, look at the inbox. */
void handler_hand_over(struct m2_handler *h);

/* Takes a request off the inbox and forgets it, handing it back. */
void handler_give_back_inbox(struct m2_handler *h);

void handler_event(struct m2_handler *h, const char *text);

/* Fills *e (NULL is fine); returns -1. */
int handler_fail(struct m2_error *e, enum m2_error_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same from what the layers below say. */
int handler_fail_from(struct m2_error *e, const struct error *from);

/* Makes a reply of `payload` and sends it, split into messages of M2_TARGETS_MAX ids. With
 * `extended` count may be 0. Takes the lock. */
int handler_reply(struct m2_handler *h, struct slice node, const uint32_t *ids, size_t count,
                  bool extended, struct slice payload, struct m2_error *e);

static inline struct slice slice_in(struct m2_slice s)
{
    return s.ptr != NULL ? slice_of(s.ptr, s.len) : SLICE_EMPTY;
}

static inline struct m2_slice slice_out(struct slice s)
{
    return m2_bytes(s.ptr, s.len);
}

#endif
