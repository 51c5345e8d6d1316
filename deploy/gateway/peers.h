/* How many are connected to a bound ZeroMQ socket (man zmq_socket_monitor). */
#ifndef DEPLOY_GATEWAY_PEERS_H
#define DEPLOY_GATEWAY_PEERS_H

#include "proto/base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct peers {
    void *events; /* a ZeroMQ socket: readable when peers_read has something to do */
    bool *is_up;  /* by descriptor */
    size_t room, count;
};

/* Watches `socket`, before it is bound. `name` is a word that no other watch has. ERROR_IO. */
int peers_watch(struct peers *p, void *zmq, void *socket, const char *name, struct error *e);
void peers_read(struct peers *p); /* what has happened since */
void peers_fini(struct peers *p); /* one that was never watched, too */

#endif
