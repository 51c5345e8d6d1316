/* ZMQ_XPUB_VERBOSE: every subscription is seen, not only the first of a
 * topic, because each new worker needs the state of its pool. A body of 100 KiB for a thousand
 * subscribers is one zmq_msg_send: libzmq shares it by reference. */

#include "coordinator/publish.h"

#include "proto/base/list.h"
#include "proto/base/log.h"
#include "proto/link/zap.h"

#include <string.h>

enum { TOPIC_MAX = 300, TOPICS_MAX = 10000, LINGER_MS = 500, REOPEN_MS = 5 };

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
        p->ops->on_subscribe(p->arg, topic);
}

/* With ZMQ_XPUB_MANUAL a subscription counts when it is confirmed, before the next is read. */
static void take(struct publisher *p, zmq_msg_t *msg)
{
    const char *bytes = zmq_msg_data(msg);
    struct slice topic = slice_of(bytes + 1, zmq_msg_size(msg) - 1);
    bool begins = bytes[0] == 1;
    if (p->ops->may_hear != NULL) {
        if (begins && !p->ops->may_hear(p->arg, zap_key_of(msg), topic))
            return;
        zmq_setsockopt(p->socket, begins ? ZMQ_SUBSCRIBE : ZMQ_UNSUBSCRIBE, topic.ptr, topic.len);
        evzmq_recheck(&p->z);
    }
    if (begins)
        subscribe(p, topic);
}

/* A subscription is one frame: 1 and the topic; its end 0 and the topic. Topics are never taken out
 * of the map: another subscriber may have the same one. */
static void on_readable(struct evzmq *z)
{
    struct publisher *p = z->arg;
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    while (evzmq_recv(z, &msg))
        if (zmq_msg_size(&msg) > 0)
            take(p, &msg);
    zmq_msg_close(&msg);
}

static int open_socket(struct publisher *p, const char *spec, struct error *e)
{
    int on = 1, linger = LINGER_MS;
    char bound[ENDPOINT_MAX];
    p->socket = zmq_socket(p->zmq, ZMQ_XPUB);
    if (p->socket == NULL)
        return error_set(e, ERROR_IO, "Cannot open a socket: %s.", zmq_strerror(zmq_errno()));
    zmq_setsockopt(p->socket, p->ops->may_hear != NULL ? ZMQ_XPUB_MANUAL : ZMQ_XPUB_VERBOSE, &on,
                   sizeof on);
    zmq_setsockopt(p->socket, ZMQ_LINGER, &linger, sizeof linger);
    evzmq_init(&p->z, p->loop, p->socket, on_readable, NULL, p);
    if (endpoint_bind(p->socket, spec, p->security, bound, e) != 0) {
        zmq_close(p->socket);
        p->socket = NULL;
        return -1;
    }
    memcpy(p->endpoint, bound, sizeof bound);
    return evzmq_start(&p->z, EVZMQ_READABLE, e);
}

static void open_again(struct publisher *p)
{
    static struct log_limit limit;
    struct error e;
    if (open_socket(p, p->endpoint, &e) == 0) {
        if (p->ops->reopened != NULL)
            p->ops->reopened(p->arg);
        return;
    }
    log_limited(&limit, LOG_DEBUG_LEVEL, "updates", "%s", e.text); /* the old one is still going */
    ev_timer_set(&p->again, REOPEN_MS / 1000.0, 0.0);
    ev_timer_start(p->loop, &p->again);
}

static void on_again(struct ev_loop *loop, ev_timer *w, int revents)
{
    (void)loop, (void)revents;
    open_again(container_of(w, struct publisher, again));
}

int publisher_open(struct publisher *p, struct ev_loop *loop, void *zmq, const char *spec,
                   const struct link_security *security, const struct publisher_ops *ops, void *arg,
                   struct error *e)
{
    *p = (struct publisher){
        .ops = ops, .arg = arg, .loop = loop, .zmq = zmq, .security = security, .topics = MAP_INIT};
    ev_init(&p->again, on_again);
    return open_socket(p, spec, e);
}

static void close_socket(struct publisher *p)
{
    if (p->socket == NULL)
        return;
    evzmq_stop(&p->z);
    zmq_unbind(p->socket, p->endpoint);
    zmq_close(p->socket);
    p->socket = NULL;
}

void publisher_reopen(struct publisher *p)
{
    if (p->socket != NULL && p->ops->reopening != NULL)
        p->ops->reopening(p->arg);
    close_socket(p);
    ev_timer_stop(p->loop, &p->again);
    open_again(p);
}

void publisher_close(struct publisher *p)
{
    if (p->ops == NULL)
        return;
    ev_timer_stop(p->loop, &p->again);
    close_socket(p);
    map_fini(&p->topics, NULL);
    p->ops = NULL;
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
    if (p->socket == NULL)
        return; /* it is being opened anew: the beat makes up for it */
    if (send_frame(p, topic, ZMQ_SNDMORE) != 0 || send_frame(p, body, 0) != 0) {
        log_error("updates", "cannot publish %zu bytes: %s topic=%.*s", body.len,
                  zmq_strerror(zmq_errno()), SLICE_ARG(topic));
        return;
    }
    p->messages++;
    p->bytes += body.len;
}
