/* Connections are told apart by their descriptors, as the events name them: ends of such that were
 * never counted, which there are, change nothing. */

#include "deploy/gateway/peers.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

int peers_watch(struct peers *p, void *zmq, void *socket, const char *name, struct error *e)
{
    char endpoint[64];
    *p = (struct peers){.events = zmq_socket(zmq, ZMQ_PAIR)};
    snprintf(endpoint, sizeof endpoint, "inproc://peers-%s", name);
    int kinds = ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CLOSED;
    if (p->events != NULL && zmq_socket_monitor(socket, endpoint, kinds) == 0 &&
        zmq_connect(p->events, endpoint) == 0)
        return 0;
    return error_set(e, ERROR_IO, "Cannot watch a socket: %s.", zmq_strerror(zmq_errno()));
}

static void set(struct peers *p, size_t fd, bool is_up)
{
    if (fd >= p->room) {
        size_t room = (fd + 1) * 2;
        bool *more = is_up ? realloc(p->is_up, room * sizeof *more) : NULL;
        if (more == NULL)
            return;
        memset(more + p->room, 0, (room - p->room) * sizeof *more);
        p->is_up = more;
        p->room = room;
    }
    p->count += is_up && !p->is_up[fd];
    p->count -= !is_up && p->is_up[fd];
    p->is_up[fd] = is_up;
}

/* Two frames: the event and its value in the machine's order, and the address. */
void peers_read(struct peers *p)
{
    unsigned char event[6];
    while (zmq_recv(p->events, event, sizeof event, ZMQ_DONTWAIT) == (int)sizeof event) {
        char address[256];
        uint16_t kind;
        int32_t fd;
        memcpy(&kind, event, sizeof kind);
        memcpy(&fd, event + sizeof kind, sizeof fd);
        zmq_recv(p->events, address, sizeof address, ZMQ_DONTWAIT);
        if (fd >= 0)
            set(p, (size_t)fd, kind == ZMQ_EVENT_ACCEPTED);
    }
}

void peers_fini(struct peers *p)
{
    if (p->events != NULL)
        zmq_close(p->events);
    free(p->is_up);
    memset(p, 0, sizeof *p);
}
