/* Mongrel2's way: requests come by PULL, replies go by PUB.
 *
 * The reply socket is an XPUB, which is the same on the wire but shows who has subscribed. A PUB
 * drops what nobody has subscribed to, and a node's subscription may arrive after its first
 * request: then the reply to that would be lost. So a request is held back until its sender has
 * subscribed, or for a second. For the same reason a reply that nobody would get is refused instead
 * of dropped. */

#include "proto/handler/handler.h"

#include "proto/base/clock.h"
#include "proto/base/map.h"
#include "proto/link/endpoint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HOLD_MS   1000
#define SEND_HWM  100000 /* replies that may wait for one node */
#define LINGER_MS 1000

struct classic {
    struct m2_handler base;
    struct poll_socket pull;
    struct poll_socket publish;
    struct map subscriptions; /* prefix -> how often, as uintptr_t */
    struct list held;         /* requests whose sender has not subscribed, the oldest first */
};

static struct classic *classic_of(struct m2_handler *h)
{
    return container_of(h, struct classic, base);
}

/* ---- subscriptions ------------------------------------------------------------------------ */

/* Has someone subscribed to a prefix of `text`? */
static bool is_subscribed(const struct classic *c, struct slice text)
{
    for (struct map_entry *it = map_first(&c->subscriptions); it != NULL; it = map_next(it))
        if (slice_starts_with(text, map_key(it)))
            return true;
    return false;
}

/* A reply to this request would begin like the request itself, up to the space. */
static bool can_be_answered(const struct classic *c, const struct m2_request *r)
{
    return is_subscribed(c, slice_of(r->parts.sender.ptr, r->parts.sender.len + 1));
}

static void release_held(struct classic *c, uint64_t now_ms)
{
    list_for_each_safe (it, &c->held) {
        struct m2_request *r = container_of(it, struct m2_request, link);
        if (now_ms < r->held_until_ms && !can_be_answered(c, r))
            continue;
        list_remove(&r->link);
        list_push_back(&c->base.inbox, &r->link);
    }
}

/* A byte that says whether, then the prefix. */
static void on_subscription(void *arg, zmq_msg_t *frames, size_t count)
{
    struct classic *c = arg;
    (void)count;
    struct slice message = slice_of(zmq_msg_data(&frames[0]), zmq_msg_size(&frames[0]));
    if (message.len == 0)
        return;
    struct slice prefix = slice_from(message, 1);
    uintptr_t times = (uintptr_t)map_get(&c->subscriptions, prefix);
    if (message.ptr[0] == 1)
        map_put(&c->subscriptions, prefix, (void *)(times + 1), NULL); /* or: as if it had not */
    else if (times > 1)
        map_put(&c->subscriptions, prefix, (void *)(times - 1), NULL);
    else
        map_remove(&c->subscriptions, prefix);
    release_held(c, clock_monotonic_ms());
}

static void on_request(void *arg, zmq_msg_t *frames, size_t count)
{
    struct classic *c = arg;
    for (size_t i = 0; i < count; i++) { /* one frame each; several are several */
        struct m2_request *r = handler_receive(&c->base, &frames[i]);
        if (r == NULL || can_be_answered(c, r))
            continue;
        list_remove(&r->link);
        r->held_until_ms = clock_monotonic_ms() + HOLD_MS;
        list_push_back(&c->held, &r->link);
    }
}

/* ---- as handlers must --------------------------------------------------------------------- */

static void classic_turn(struct m2_handler *h, uint64_t now_ms)
{
    release_held(classic_of(h), now_ms);
}

static uint64_t classic_deadline(struct m2_handler *h, uint64_t now_ms)
{
    struct list *held = &classic_of(h)->held;
    return list_is_empty(held) ? now_ms + 3600000
                               : container_of(held->next, struct m2_request, link)->held_until_ms;
}

static int classic_send(struct m2_handler *h, struct slice node, zmq_msg_t *message,
                        struct m2_error *e)
{
    struct classic *c = classic_of(h);
    int rc = 0;
    if (!is_subscribed(c, slice_of(zmq_msg_data(message), zmq_msg_size(message))))
        rc = handler_fail(e, M2_ERROR_UNREACHABLE, "No node listens to replies for %.*s.",
                          SLICE_ARG(node));
    else if (zmq_msg_send(message, c->publish.zmq, ZMQ_DONTWAIT) >= 0)
        pollset_touch(&c->publish);
    else if (errno == EAGAIN)
        rc = handler_fail(e, M2_ERROR_FULL, "Node %.*s does not take replies fast enough.",
                          SLICE_ARG(node));
    else
        rc = handler_fail(e, M2_ERROR_IO, "Can't send: %s.", zmq_strerror(errno));
    if (rc != 0)
        zmq_msg_close(message);
    return rc;
}

static void classic_release(struct m2_handler *h, struct m2_request *r, bool give_back)
{
    (void)h, (void)r, (void)give_back;
}

static bool classic_is_current(struct m2_handler *h, struct m2_request *r)
{
    (void)h, (void)r;
    return true;
}

static bool classic_is_over(struct m2_handler *h)
{
    (void)h;
    return false;
}

static const char *classic_cluster(struct m2_handler *h)
{
    (void)h;
    return ""; /* nobody tells */
}

/* Those that have subscribed to their own name. */
static size_t classic_each_node(struct m2_handler *h, void (*each)(void *arg, struct slice node),
                                void *arg)
{
    size_t count = 0;
    for (struct map_entry *it = map_first(&classic_of(h)->subscriptions); it != NULL;
         it = map_next(it))
        if (map_key(it).len > 0) {
            each(arg, map_key(it));
            count++;
        }
    return count;
}

static void classic_stop(struct m2_handler *h)
{
    (void)h;
}

static void classic_fini(struct m2_handler *h)
{
    struct classic *c = classic_of(h);
    list_for_each_safe (it, &c->held) { /* to be freed with the others */
        list_remove(it);
        list_push_back(&h->inbox, it);
    }
    pollset_remove(&c->pull);
    pollset_remove(&c->publish);
    map_fini(&c->subscriptions, NULL);
}

static const struct handler_ops classic_ops = {
    .turn = classic_turn,
    .deadline = classic_deadline,
    .send = classic_send,
    .release = classic_release,
    .is_current = classic_is_current,
    .is_over = classic_is_over,
    .cluster = classic_cluster,
    .each_node = classic_each_node,
    .stop = classic_stop,
    .fini = classic_fini,
};

/* ---- making and connecting ---------------------------------------------------------------- */

static int set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value);
}

static int open_sockets(struct classic *c, const char *ident)
{
    void *pull = zmq_socket(c->base.zmq, ZMQ_PULL);
    if (pull == NULL || pollset_add(&c->base.poll, &c->pull, pull, on_request, c) != 0)
        return -1;
    void *publish = zmq_socket(c->base.zmq, ZMQ_XPUB);
    if (publish == NULL ||
        pollset_add(&c->base.poll, &c->publish, publish, on_subscription, c) != 0)
        return -1;
    if (set_int(pull, ZMQ_LINGER, 0) != 0 || set_int(publish, ZMQ_LINGER, LINGER_MS) != 0 ||
        set_int(publish, ZMQ_XPUB_VERBOSER, 1) != 0 || set_int(publish, ZMQ_XPUB_NODROP, 1) != 0 ||
        set_int(publish, ZMQ_SNDHWM, SEND_HWM) != 0)
        return -1;
    return ident == NULL || ident[0] == '\0'
               ? 0
               : zmq_setsockopt(publish, ZMQ_ROUTING_ID, ident, strlen(ident));
}

int m2_classic_create(struct m2_handler **out, const char *ident, struct m2_error *e)
{
    struct classic *c = calloc(1, sizeof *c);
    *out = NULL;
    if (c == NULL)
        return handler_fail(e, M2_ERROR_NO_MEMORY, "Out of memory.");
    list_init(&c->held);
    if (handler_init(&c->base, &classic_ops, e) != 0) {
        free(c);
        return -1;
    }
    struct m2_handler *h = &c->base;
    if (open_sockets(c, ident) != 0) {
        handler_fail(e, M2_ERROR_IO, "Can't make the handler's sockets: %s.", zmq_strerror(errno));
        m2_handler_destroy(&h);
        return -1;
    }
    *out = h;
    return 0;
}

static int fail_at(struct m2_error *e, const char *what, const char *endpoint)
{
    return handler_fail(e, M2_ERROR_IO, "Can't %s %s: %s.", what, endpoint, zmq_strerror(errno));
}

/* Endpoints are checked before anything is connected: taking back a connection would take all to
 * that endpoint. */
static int check_both(const struct m2_handler *h, const char *requests, const char *replies,
                      struct m2_error *e)
{
    struct error why;
    if (h->ops != &classic_ops)
        return handler_fail(e, M2_ERROR_USAGE, "A worker has nodes, no request and reply sockets.");
    if (endpoint_check(requests != NULL ? requests : "", ENDPOINT_CONNECT, &why) != 0 ||
        endpoint_check(replies != NULL ? replies : "", ENDPOINT_CONNECT, &why) != 0)
        return handler_fail_from(e, &why);
    return 0;
}

static int connect_both(struct classic *c, const char *requests, const char *replies,
                        struct m2_error *e)
{
    if (zmq_connect(c->publish.zmq, replies) != 0)
        return fail_at(e, "connect to", replies);
    if (zmq_connect(c->pull.zmq, requests) != 0)
        return fail_at(e, "connect to", requests);
    return 0;
}

static int disconnect_both(struct classic *c, const char *requests, const char *replies,
                           struct m2_error *e)
{
    int rc = 0;
    if (zmq_disconnect(c->pull.zmq, requests) != 0)
        rc = fail_at(e, "disconnect from", requests);
    if (zmq_disconnect(c->publish.zmq, replies) != 0)
        rc = fail_at(e, "disconnect from", replies);
    return rc;
}

static int with_both(struct m2_handler *h, const char *requests, const char *replies,
                     int (*what)(struct classic *, const char *, const char *, struct m2_error *),
                     struct m2_error *e)
{
    if (check_both(h, requests, replies, e) != 0)
        return -1;
    struct classic *c = classic_of(h);
    pthread_mutex_lock(&h->lock);
    int rc = what(c, requests, replies, e);
    pollset_touch(&c->publish);
    pollset_touch(&c->pull);
    pthread_mutex_unlock(&h->lock);
    return rc;
}

int m2_classic_connect(struct m2_handler *h, const char *requests, const char *replies,
                       struct m2_error *e)
{
    return with_both(h, requests, replies, connect_both, e);
}

int m2_classic_disconnect(struct m2_handler *h, const char *requests, const char *replies,
                          struct m2_error *e)
{
    return with_both(h, requests, replies, disconnect_both, e);
}
