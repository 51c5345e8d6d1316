/* REP answers in lockstep: receive, answer, send, in one callback, or with the answer in a later
 * one (until then nothing is received). Stopping waits until the answer has been handed to ZeroMQ
 * and given a moment to leave. */

#include "node/admin/control.h"

#include "node/admin/verbs.h"
#include "proto/base/arena.h"
#include "proto/base/log.h"
#include "proto/link/evzmq.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 1 << 20, LINGER_MS = 500 };

struct control {
    struct worker *worker;
    const struct control_ops *ops;
    void *server;
    void *socket;
    struct evzmq events;
    bool stopped;
    bool is_pending; /* the answer comes later */
    char endpoint[256];
};

static const struct verb *find_verb(struct slice name)
{
    for (const struct verb *v = verb_table; v->name != NULL; v++)
        if (slice_eq(name, slice_str(v->name)))
            return v;
    return NULL;
}

static void answer(struct slice request, struct verb_call *call)
{
    struct arena arena;
    struct control_request parsed;
    const struct tns_limits limits = {.bytes = MOST_BYTES, .values = 10000};
    arena_init(&arena, 0);
    enum control_error problem = control_request_parse(request, &arena, &limits, &parsed);
    const struct verb *verb = problem == CONTROL_OK ? find_verb(parsed.verb) : NULL;
    if (problem != CONTROL_OK) {
        control_put_known_error(call->reply, problem);
    } else if (verb == NULL) {
        control_put_known_error(call->reply, CONTROL_CALLBACK_NOT_FOUND);
    } else {
        call->args = &parsed.args;
        verb->answer(call);
    }
    call->args = NULL;
    arena_fini(&arena);
}

void control_answer(struct control *c, struct slice request, struct buf *reply)
{
    struct verb_call call = {
        .worker = c->worker, .ops = c->ops, .server = c->server, .reply = reply};
    answer(request, &call);
    if (call.after != NULL)
        call.after(&call);
}

static void send_reply(struct control *c, struct buf *reply)
{
    zmq_msg_t message;
    if (reply->failed || zmq_msg_init_size(&message, reply->len) != 0) {
        log_error("control", "out of memory for an answer");
        zmq_msg_init(&message);
    } else {
        memcpy(zmq_msg_data(&message), reply->data, reply->len);
    }
    if (evzmq_send(&c->events, &message, 0) != 0)
        zmq_msg_close(&message);
}

/* The rest of a message that has more frames than the one a request is. */
static bool drop_rest(struct evzmq *z, zmq_msg_t *message)
{
    bool had_more = zmq_msg_more(message);
    while (zmq_msg_more(message) && evzmq_recv(z, message)) {}
    return had_more;
}

/* What took a while has ended. */
static void on_done(void *arg, const struct error *e)
{
    struct control *c = arg;
    struct buf reply = BUF_INIT;
    verb_put_outcome(&reply, e);
    c->is_pending = false;
    send_reply(c, &reply);
    buf_fini(&reply);
    evzmq_set_interest(&c->events, EVZMQ_READABLE);
}

/* Answers one message; false: no other for now. */
static bool take_request(struct control *c, zmq_msg_t *message)
{
    struct buf reply = BUF_INIT;
    struct verb_call call = {.worker = c->worker,
                             .ops = c->ops,
                             .server = c->server,
                             .reply = &reply,
                             .done = on_done,
                             .done_arg = c};
    if (drop_rest(&c->events, message))
        control_put_known_error(&reply, CONTROL_INVALID_DATA);
    else
        answer(slice_of(zmq_msg_data(message), zmq_msg_size(message)), &call);
    if (!call.is_pending)
        send_reply(c, &reply);
    buf_fini(&reply);
    if (call.after != NULL)
        call.after(&call);
    c->stopped = call.stop_control;
    c->is_pending = call.is_pending;
    return !c->is_pending && !c->stopped;
}

static void on_request(struct evzmq *z)
{
    struct control *c = z->arg;
    bool goes_on = true;
    zmq_msg_t message;
    zmq_msg_init(&message);
    while (goes_on && evzmq_recv(z, &message))
        goes_on = take_request(c, &message);
    zmq_msg_close(&message);
    if (c->stopped)
        evzmq_stop(&c->events);
    else if (c->is_pending)
        evzmq_set_interest(&c->events, 0);
}

/* In the open with keys, on this machine without: there the file's permissions say who may. The
 * text of a configuration goes to libzmq as it is. */
static int bind_socket(struct control *c, const char *spec, const struct link_security *security,
                       struct error *e)
{
    if (security->keys != NULL && !endpoint_is_local(spec))
        return endpoint_bind(c->socket, spec, security, c->endpoint, e);
    size_t len = sizeof c->endpoint;
    if (zmq_bind(c->socket, spec) != 0)
        return error_set(e, ERROR_IO, "Can't bind the control port %s: %s.", spec,
                         zmq_strerror(zmq_errno()));
    zmq_getsockopt(c->socket, ZMQ_LAST_ENDPOINT, c->endpoint, &len);
    return 0;
}

struct control *control_open(struct worker *w, const char *spec,
                             const struct link_security *security, const struct control_ops *ops,
                             void *server, struct error *e)
{
    struct control *c = calloc(1, sizeof *c);
    if (c == NULL) {
        error_set(e, ERROR_NO_MEMORY, "Out of memory.");
        return NULL;
    }
    c->worker = w;
    c->ops = ops;
    c->server = server;
    c->socket = zmq_socket(w->zmq, ZMQ_REP);
    int linger_ms = LINGER_MS;
    int64_t most = MOST_BYTES;
    zmq_setsockopt(c->socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    zmq_setsockopt(c->socket, ZMQ_MAXMSGSIZE, &most, sizeof most);
    if (bind_socket(c, spec, security, e) != 0) {
        zmq_close(c->socket);
        free(c);
        return NULL;
    }
    evzmq_init(&c->events, w->loop.ev, c->socket, on_request, NULL, c);
    if (evzmq_start(&c->events, EVZMQ_READABLE, e) != 0) {
        zmq_close(c->socket);
        free(c);
        return NULL;
    }
    return c;
}

void control_close(struct control *c)
{
    if (c == NULL)
        return;
    evzmq_stop(&c->events);
    zmq_close(c->socket);
    free(c);
}

const char *control_endpoint(const struct control *c)
{
    return c->endpoint;
}
