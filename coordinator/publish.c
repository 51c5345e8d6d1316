/* ZMQ_XPUB_VERBOSE: every subscription is seen, not only the first of a
 * topic, because each new worker needs the state of its pool. A body of 100 KiB for a thousand
 * subscribers is one zmq_msg_send: libzmq shares it by reference. */

#include "coordinator/publish.h"

#include "proto/base/log.h"

#include <string.h>

enum { TOPIC_MAX = 300, TOPICS_MAX = 10000, LINGER_MS = 500 };

static void subscribe(struct publisher *p, struct slice topic)
{
    static struct log_limit limit;
    p->subscriptions++;
    if (topic.len > TOPIC_MAX ||
        (map_count(&p->topics) >= TOPICS_MAX && map_get(&p->topics, topic) == NULL)) {
        log_limited(&limit, LOG_WARN_LEVEL, "updates", "a subscription to %zu bytes is ignored",
                    topic.len);
        return;
    }
    if (map_put(&p->topics, topic, p, NULL) == 0)
        p->on_subscribe(p->arg, topic);
}

/* A subscription is one frame: 1 and the topic; its end 0 and the topic. Topics are never taken out
 * of the map: another subscriber may have the same one. */
static void on_readable(struct evzmq *z)
{
    struct publisher *p = z->arg;
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    while (evzmq_recv(z, &msg)) {
        const char *bytes = zmq_msg_data(&msg);
        size_t size = zmq_msg_size(&msg);
        if (size > 0 && bytes[0] == 1)
            subscribe(p, slice_of(bytes + 1, size - 1));
    }
    zmq_msg_close(&msg);
}

int publisher_open(struct publisher *p, struct ev_loop *loop, void *zmq, const char *spec,
                   const struct link_security *security,
                   void (*on_subscribe)(void *arg, struct slice topic), void *arg, struct error *e)
{
    int on = 1, linger = LINGER_MS;
    *p = (struct publisher){.on_subscribe = on_subscribe, .arg = arg, .topics = MAP_INIT};
    p->socket = zmq_socket(zmq, ZMQ_XPUB);
    if (p->socket == NULL)
        return error_set(e, ERROR_IO, "Cannot open a socket: %s.", zmq_strerror(zmq_errno()));
    zmq_setsockopt(p->socket, ZMQ_XPUB_VERBOSE, &on, sizeof on);
    zmq_setsockopt(p->socket, ZMQ_LINGER, &linger, sizeof linger);
    evzmq_init(&p->z, loop, p->socket, on_readable, NULL, p);
    if (endpoint_bind(p->socket, spec, security, p->endpoint, e) != 0)
        return -1;
    return evzmq_start(&p->z, EVZMQ_READABLE, e);
}

void publisher_close(struct publisher *p)
{
    if (p->socket == NULL)
        return;
    evzmq_stop(&p->z);
    zmq_close(p->socket);
    p->socket = NULL;
    map_fini(&p->topics, NULL);
}

static int send_frame(struct publisher *p, struct slice frame, int flags)
{
    zmq_msg_t msg;
    if (zmq_msg_init_size(&msg, frame.len) != 0)
        return -1;
    memcpy(zmq_msg_data(&msg), frame.ptr, frame.len);
    if (evzmq_send(&p->z, &msg, flags) == 0)
        return 0;
    zmq_msg_close(&msg);
    return -1;
}

void publisher_send(struct publisher *p, struct slice topic, struct slice body)
{
    if (send_frame(p, topic, ZMQ_SNDMORE) != 0 || send_frame(p, body, 0) != 0) {
        log_error("updates", "cannot publish %zu bytes: %s topic=%.*s", body.len,
                  zmq_strerror(zmq_errno()), SLICE_ARG(topic));
        return;
    }
    p->messages++;
    p->bytes += body.len;
}
