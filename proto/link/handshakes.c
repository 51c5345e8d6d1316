/* An event of a monitor (zmq_socket_monitor(3)) is two frames: number and value, and the endpoint,
 * which of a bound socket is our own and says nothing. */

#include "proto/link/handshakes.h"

#include <stdio.h>
#include <string.h>

enum { ZAP_REFUSED = 400 };

/* NULL: nothing to tell of; libzmq tries ZAP 3xx again. */
static const char *meaning_of(uint16_t event, uint32_t value)
{
    if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
        return value >= ZAP_REFUSED ? "the key is not accepted" : NULL;
    if (event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL)
        return "the peer has gone in the middle of it";
    switch (value) {
    case ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH:
        return "one side brings a key and the other does not";
    case ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC: return "the keys do not fit";
    default: return "the peer does not keep to the protocol";
    }
}

static void on_readable(struct evzmq *z)
{
    struct handshakes *h = z->arg;
    zmq_msg_t frame;
    uint16_t event;
    uint32_t value;
    zmq_msg_init(&frame);
    while (evzmq_recv(z, &frame)) {
        if (!zmq_msg_more(&frame) || zmq_msg_size(&frame) < sizeof event + sizeof value)
            continue;
        memcpy(&event, zmq_msg_data(&frame), sizeof event);
        memcpy(&value, (const char *)zmq_msg_data(&frame) + sizeof event, sizeof value);
        const char *why = meaning_of(event, value);
        if (why == NULL)
            continue;
        h->failed++;
        h->on_failed(h->arg, why);
    }
    zmq_msg_close(&frame);
}

int handshakes_watch(struct handshakes *h, struct ev_loop *loop, void *zmq, void *socket,
                     enum handshakes_side side, void (*on_failed)(void *arg, const char *why),
                     void *arg, struct error *e)
{
    static unsigned number; /* names must differ within a context; those of the past are not free */
    char name[64];
    int events = ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                 (side == HANDSHAKES_CLIENT ? ZMQ_EVENT_HANDSHAKE_FAILED_AUTH : 0);
    *h = (struct handshakes){.watched = socket, .on_failed = on_failed, .arg = arg};
    snprintf(name, sizeof name, "inproc://handshakes-%u", ++number);
    h->pair = zmq_socket(zmq, ZMQ_PAIR);
    if (h->pair == NULL)
        return error_set(e, ERROR_IO, "Cannot open a socket: %s.", zmq_strerror(zmq_errno()));
    evzmq_init(&h->z, loop, h->pair, on_readable, NULL, h);
    if (zmq_socket_monitor(socket, name, events) == 0 && zmq_connect(h->pair, name) == 0 &&
        evzmq_start(&h->z, EVZMQ_READABLE, e) == 0)
        return 0;
    error_set(e, ERROR_IO, "Cannot watch a socket: %s.", zmq_strerror(zmq_errno()));
    handshakes_close(h);
    return -1;
}

void handshakes_close(struct handshakes *h)
{
    if (h->pair == NULL)
        return;
    evzmq_stop(&h->z);
    zmq_socket_monitor(h->watched, NULL, 0);
    zmq_close(h->pair);
    h->pair = NULL;
}
