/* A bound ZeroMQ socket of classic handlers, found by kind and endpoint and shared by the pairs
 * (classic.c) that name it. A configuration that changes one end of a pair only has, until requests
 * of the one before have ended, two pairs with one socket in common; an endpoint can be bound only
 * once.
 *
 * It carries no messages of its own: users send and receive through `events`. It lives from the
 * first user to the last. */
#ifndef NODE_BACKEND_HANDLER_SOCKET_H
#define NODE_BACKEND_HANDLER_SOCKET_H

#include "node/backend/backend.h"
#include "proto/link/evzmq.h"

/* A pair's interest in a socket; embedded in the pair. */
struct handler_socket_user {
    struct list link;
    struct handler_socket *socket; /* NULL: none */
    /* PUSH: it can be written to again, and the user had asked for that; SUB: messages wait. Of
     * several users of a SUB socket the latest is called. */
    void (*on_ready)(struct handler_socket_user *u);
    bool wants_ready; /* PUSH only, see handler_socket_want */
};

struct handler_socket {
    struct evzmq events;
    void *socket;
    struct backends *set;
    struct list users; /* the latest first */
    struct map idents; /* subscriptions: ident -> how many */
    char name[264];    /* "PUSH SPEC" or "SUB SPEC" */
};

/* Joins the socket of this kind (ZMQ_PUSH, ZMQ_SUB) and endpoint, which is bound if it was not yet;
 * `identity` is its routing id then ("" or NULL: none). -1 with *e. */
int handler_socket_join(struct handler_socket_user *u, struct backends *set, int type,
                        const char *spec, const char *identity, struct error *e);
void handler_socket_leave(struct handler_socket_user *u); /* fine when it never joined */

/* Whether the user is to hear when a PUSH socket can be written to. */
void handler_socket_want(struct handler_socket_user *u, bool ready);

/* Takes messages that begin with `ident` ("" = all); counted. */
int handler_socket_subscribe(struct handler_socket *s, const char *ident, struct error *e);
void handler_socket_unsubscribe(struct handler_socket *s, const char *ident);

#endif
