/* One thread and zmq_poll; the library's own thread keeps the nodes' heartbeats while this one
 * works.
 *
 * A request that the handlers' sockets do not take at once (`pending`) holds up the ones behind it:
 * they stay with the library and, beyond `capacity`, in the nodes. A signal that comes just before
 * the loop waits is seen when it looks again (IDLE_MS). */

#include "deploy/gateway/gateway.h"

#include "deploy/gateway/flights.h"
#include "deploy/gateway/peers.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/handler/m2handler.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum { TURN_MOST = 1000, STOPPING_MS = 50, IDLE_MS = 500, LINGER_MS = 1000, SHOWN_MOST = 40 };

struct gateway {
    struct gateway_options options;
    void *zmq, *push, *sub;
    struct peers takers, talkers; /* of push, of sub */
    struct m2_handler *worker;    /* NULL while no handler is there */
    struct flights flights;
    struct m2_request *pending;
    uint64_t stop_at_ms; /* once it stops: the latest */
    volatile sig_atomic_t stopping;
};

/* ---- the pool ----------------------------------------------------------------------------- */

static void tell(void *arg, const char *text)
{
    (void)arg;
    log_info("pool", "%s", text);
}

static int add_nodes(struct gateway *g, struct m2_error *e)
{
    char spec[256];
    for (const char *at = g->options.nodes; at != NULL && *at != '\0';) {
        size_t len = strcspn(at, ",");
        snprintf(spec, sizeof spec, "%.*s", (int)len, at);
        if (m2_worker_add_node(g->worker, spec, e) != 0)
            return -1;
        at += len + (at[len] == ',');
    }
    return 0;
}

static int make_worker(struct gateway *g, struct error *e)
{
    struct m2_error why;
    struct m2_worker_options o = {.pool = g->options.pool,
                                  .capacity = g->options.capacity,
                                  .coordinators = g->options.coordinators,
                                  .keys = g->options.keys,
                                  .name = "m2gateway"};
    if (m2_worker_create(&g->worker, &o, &why) != 0 || add_nodes(g, &why) != 0)
        return error_set(e, ERROR_USAGE, "Cannot join the pool: %s", why.text);
    return 0;
}

/* That the options are wrong is to be known at once, not when the first handler comes. */
static int check_options(struct gateway *g, struct error *e)
{
    struct gateway_options all = g->options;
    g->options.coordinators = g->options.nodes = NULL; /* it shall talk to nobody yet */
    int result = make_worker(g, e);
    m2_handler_destroy(&g->worker);
    g->options = all;
    return result;
}

static int join(struct gateway *g, struct error *e)
{
    if (make_worker(g, e) != 0)
        return -1;
    m2_handler_on_event(g->worker, tell, g);
    log_info("gateway", "handlers are there: joining pool=%s", g->options.pool);
    return 0;
}

/* RFC 9110 section 9.2.2, as nodes have it. */
static bool may_be_repeated(struct m2_request *r)
{
    static const char *const methods[] = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (m2_equal(m2_request_method(r), methods[i]))
            return true;
    return false;
}

/* Whoever had it has gone: somebody else may do it, or nobody knows whether it was done. */
static void settle(struct gateway *g, struct m2_request *r)
{
    if (may_be_repeated(r)) {
        m2_request_give_back(&r);
        return;
    }
    m2_reply_http(g->worker, r, 502, NULL, NULL, 0, m2_text("The handler is gone.\n"), NULL);
    m2_request_done(&r);
}

static void leave(struct gateway *g, const char *why)
{
    struct m2_request *r;
    if (g->worker == NULL)
        return;
    log_info("gateway", "%s: leaving pool=%s with handlers=%zu", why, g->options.pool,
             flights_count(&g->flights));
    m2_worker_leave(g->worker);
    if (g->pending != NULL)
        m2_request_give_back(&g->pending);
    while ((r = flights_take_any(&g->flights)) != NULL)
        settle(g, r);
    m2_handler_destroy(&g->worker);
}

/* ---- requests ----------------------------------------------------------------------------- */

/* Does an answer end it? Messages of sockets, notices and pieces of uploads ask for none. */
static bool is_answered(struct m2_request *r)
{
    static const char *const sockets[] = {"JSON", "XML", "WEBSOCKET", "WEBSOCKET_HANDSHAKE", ""};
    struct m2_slice path;
    uint64_t credits;
    for (size_t i = 0; i < sizeof sockets / sizeof *sockets; i++)
        if (m2_equal(m2_request_method(r), sockets[i]))
            return false;
    return !m2_request_is_disconnect(r) && !m2_request_is_credits(r, &credits) &&
           !m2_request_is_upload_start(r, &path);
}

/* It has gone to a handler. */
static void keep(struct gateway *g, struct m2_request *r)
{
    struct m2_request *older = NULL;
    if (m2_request_is_disconnect(r))
        older = flights_take(&g->flights, m2_request_sender(r), m2_request_conn_id(r));
    else if (is_answered(r) && flights_add(&g->flights, r, &older) == 0)
        r = NULL;
    m2_request_done(&older);
    m2_request_done(&r);
}

/* False when the sockets of the handlers are full, or there are none. */
static bool push(struct gateway *g, struct m2_request *r)
{
    struct m2_slice bytes = m2_request_message(r);
    if (zmq_send(g->push, bytes.ptr, bytes.len, ZMQ_DONTWAIT) < 0)
        return false;
    keep(g, r);
    return true;
}

static void take_requests(struct gateway *g)
{
    if (g->pending != NULL && !push(g, g->pending))
        return;
    g->pending = NULL;
    struct m2_request *r;
    for (int i = 0; i < TURN_MOST && m2_recv(g->worker, &r, 0, NULL) > 0; i++)
        if (!push(g, r)) {
            g->pending = r;
            return;
        }
}

/* ---- replies ------------------------------------------------------------------------------ */

static void complain(const char *why, const char *bytes, size_t len)
{
    static struct log_limit limit;
    char shown[SHOWN_MOST + 1];
    size_t n = len < SHOWN_MOST ? len : SHOWN_MOST;
    for (size_t i = 0; i < n; i++)
        shown[i] = bytes[i] >= ' ' && bytes[i] <= '~' ? bytes[i] : '.';
    shown[n] = '\0';
    log_limited(&limit, LOG_WARN_LEVEL, "gateway", "a reply was dropped: %s bytes=%zu \"%s\"", why,
                len, shown);
}

static void hand_on(struct gateway *g, const char *bytes, size_t len)
{
    struct m2_reply_head head;
    struct m2_error e;
    uint32_t id;
    if (g->worker == NULL) {
        complain("no node is connected", bytes, len);
        return;
    }
    if (m2_forward(g->worker, m2_bytes(bytes, len), &head, &e) != 0)
        complain(e.text, bytes, len);
    while (m2_reply_next_id(&head, &id)) {
        struct m2_request *r = flights_take(&g->flights, head.node, id);
        m2_request_done(&r);
    }
}

static void take_replies(struct gateway *g)
{
    zmq_msg_t message;
    zmq_msg_init(&message);
    for (int i = 0; i < TURN_MOST && zmq_msg_recv(&message, g->sub, ZMQ_DONTWAIT) >= 0; i++)
        hand_on(g, zmq_msg_data(&message), zmq_msg_size(&message));
    zmq_msg_close(&message);
}

/* ---- the loop ----------------------------------------------------------------------------- */

static long wait_ms(const struct gateway *g)
{
    int due_ms = g->worker != NULL ? m2_wait_ms(g->worker) : IDLE_MS;
    if (g->stopping)
        return STOPPING_MS;
    return due_ms >= 0 && due_ms < IDLE_MS ? due_ms : IDLE_MS;
}

static int wait(struct gateway *g, struct error *e)
{
    zmq_pollitem_t items[] = {
        {.socket = g->sub, .events = ZMQ_POLLIN},
        {.socket = g->takers.events, .events = ZMQ_POLLIN},
        {.socket = g->talkers.events, .events = ZMQ_POLLIN},
        {.socket = g->push, .events = g->pending != NULL ? ZMQ_POLLOUT : 0},
        {.fd = g->worker != NULL ? m2_fd(g->worker) : -1, .events = ZMQ_POLLIN},
    };
    int count = g->worker != NULL ? 5 : 4;
    if (zmq_poll(items, count, wait_ms(g)) >= 0 || zmq_errno() == EINTR)
        return 0;
    return error_set(e, ERROR_IO, "Cannot wait: %s.", zmq_strerror(zmq_errno()));
}

/* In the pool exactly while a handler can both take requests and answer. */
static int follow_peers(struct gateway *g, struct error *e)
{
    peers_read(&g->takers);
    peers_read(&g->talkers);
    bool is_served = g->takers.count > 0 && g->talkers.count > 0;
    if (is_served && g->worker == NULL && !g->stopping)
        return join(g, e);
    if (!is_served)
        leave(g, "no handler is there");
    return 0;
}

/* After the signal: nothing new, but what handlers have is waited for. True: it is over. */
static bool has_stopped(struct gateway *g)
{
    if (!g->stopping)
        return false;
    if (g->stop_at_ms == 0) {
        g->stop_at_ms = clock_monotonic_ms() + g->options.drain_s * 1000;
        log_info("gateway", "stopping: waiting for requests=%zu", flights_count(&g->flights));
        if (g->worker != NULL)
            m2_worker_leave(g->worker);
        if (g->pending != NULL)
            m2_request_give_back(&g->pending);
    }
    return g->worker == NULL || flights_count(&g->flights) == 0 ||
           clock_monotonic_ms() >= g->stop_at_ms;
}

int gateway_run(struct gateway *g, struct error *e)
{
    while (!has_stopped(g)) {
        if (wait(g, e) != 0 || follow_peers(g, e) != 0)
            return -1;
        take_replies(g);
        if (g->worker != NULL)
            take_requests(g);
    }
    leave(g, "stopped");
    return 0;
}

void gateway_stop(struct gateway *g)
{
    g->stopping = 1;
}

/* ---- life --------------------------------------------------------------------------------- */

static int bind_to(void *socket, const char *option, const char *spec, struct error *e)
{
    if (zmq_bind(socket, spec) == 0)
        return 0;
    return error_set(e, zmq_errno() == EINVAL ? ERROR_USAGE : ERROR_IO, "Cannot bind -%s %s: %s.",
                     option, spec, zmq_strerror(zmq_errno()));
}

static int open_sockets(struct gateway *g, struct error *e)
{
    int linger_ms = LINGER_MS, most = (int)g->options.capacity, all = 0;
    g->push = zmq_socket(g->zmq, ZMQ_PUSH);
    g->sub = zmq_socket(g->zmq, ZMQ_SUB);
    if (g->push == NULL || g->sub == NULL)
        return error_set(e, ERROR_IO, "Cannot open a socket: %s.", zmq_strerror(zmq_errno()));
    zmq_setsockopt(g->push, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    zmq_setsockopt(g->push, ZMQ_SNDHWM, &most, sizeof most);
    zmq_setsockopt(g->sub, ZMQ_RCVHWM, &all,
                   sizeof all); /* a reply that is dropped is a client that waits */
    zmq_setsockopt(g->sub, ZMQ_SUBSCRIBE, "", 0);
    if (peers_watch(&g->takers, g->zmq, g->push, "push", e) != 0 ||
        peers_watch(&g->talkers, g->zmq, g->sub, "sub", e) != 0)
        return -1;
    return bind_to(g->push, "send_spec", g->options.send_spec, e) != 0 ||
                   bind_to(g->sub, "recv_spec", g->options.recv_spec, e) != 0
               ? -1
               : 0;
}

int gateway_create(struct gateway **out, const struct gateway_options *o, struct error *e)
{
    struct gateway *g = calloc(1, sizeof *g);
    if (g == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    g->options = *o;
    flights_init(&g->flights);
    g->zmq = zmq_ctx_new();
    if (g->zmq == NULL)
        error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    if (g->zmq == NULL || check_options(g, e) != 0 || open_sockets(g, e) != 0) {
        gateway_destroy(g);
        return -1;
    }
    *out = g;
    return 0;
}

void gateway_destroy(struct gateway *g)
{
    if (g == NULL)
        return;
    leave(g, "stopped");
    flights_fini(&g->flights);
    if (g->push != NULL)
        zmq_close(g->push);
    if (g->sub != NULL)
        zmq_close(g->sub);
    peers_fini(&g->takers);
    peers_fini(&g->talkers);
    if (g->zmq != NULL)
        zmq_ctx_term(g->zmq);
    free(g);
}
