/* One DEALER at a time, thrown away with everything in it when its coordinator is given up, so that
 * no late answer can be taken for another request's. A monitor socket tells at once when a
 * connection is refused or lost; without it every failure would cost a full timeout. */

#include "proto/link/caller.h"

#include "proto/base/arena.h"
#include "proto/base/buf.h"
#include "proto/base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum { CONNECT_TIMEOUT_MS = 1000, SILENCE_MS = 10000, REDIRECTS_MAX = 3 };

struct caller {
    void *zmq;
    void *socket;  /* NULL: not connected */
    void *monitor; /* with socket; NULL for inproc, which has no events */
    char (*specs)[ENDPOINT_MAX];
    size_t spec_count;
    size_t current;        /* of specs: tried first */
    char at[ENDPOINT_MAX]; /* where socket is connected to */
    struct link_security security;
    int connect_timeout_ms;
    int silence_ms;
    unsigned dials;
    int64_t seq;
    struct buf request;
    zmq_msg_t answer; /* what `reply` borrows from */
    struct arena arena;
    struct cluster_reply reply;
};

enum news { NEWS_NONE, NEWS_MESSAGE, NEWS_REACHED, NEWS_CONNECTED, NEWS_LOST, NEWS_DENIED };

static int read_specs(struct caller *c, const char *list, struct error *e)
{
    char spec[ENDPOINT_MAX];
    while (endpoint_next(&list, spec)) {
        if (endpoint_check(spec, ENDPOINT_CONNECT, e) != 0)
            return -1;
        void *more = realloc(c->specs, (c->spec_count + 1) * sizeof *c->specs);
        if (more == NULL)
            return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
        c->specs = more;
        memcpy(c->specs[c->spec_count++], spec, ENDPOINT_MAX);
    }
    if (c->spec_count == 0)
        return error_set(e, ERROR_USAGE, "No coordinator is named; write tcp://HOST:PORT.");
    return 0;
}

int caller_create(struct caller **out, const struct caller_options *options, struct error *e)
{
    struct caller *c = calloc(1, sizeof *c);
    if (c == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    c->security = options->security;
    c->connect_timeout_ms = options->connect_timeout_ms > 0 ? options->connect_timeout_ms
                                                            : CONNECT_TIMEOUT_MS;
    c->silence_ms = options->silence_ms > 0 ? options->silence_ms : SILENCE_MS;
    c->request = BUF_INIT;
    zmq_msg_init(&c->answer);
    arena_init(&c->arena, 0);
    c->zmq = zmq_ctx_new();
    if (c->zmq == NULL || read_specs(c, options->coordinators, e) != 0) {
        if (c->zmq == NULL)
            error_set(e, ERROR_NO_MEMORY, "Out of memory.");
        caller_destroy(&c);
        return -1;
    }
    *out = c;
    return 0;
}

static void hang_up(struct caller *c)
{
    if (c->socket == NULL)
        return;
    zmq_socket_monitor(c->socket, NULL, 0);
    zmq_close(c->socket);
    if (c->monitor != NULL)
        zmq_close(c->monitor);
    c->socket = c->monitor = NULL;
}

void caller_destroy(struct caller **c)
{
    struct caller *it = *c;
    *c = NULL;
    if (it == NULL)
        return;
    hang_up(it);
    if (it->zmq != NULL)
        zmq_ctx_term(it->zmq);
    zmq_msg_close(&it->answer);
    buf_fini(&it->request);
    arena_fini(&it->arena);
    free(it->specs);
    free(it);
}

const char *caller_coordinator(const struct caller *c)
{
    return c->at;
}

/* ---- connection --------------------------------------------------------------------------- */

static enum news read_monitor(void *monitor)
{
    enum news news = NEWS_NONE;
    zmq_msg_t msg;
    uint16_t event = 0;
    zmq_msg_init(&msg);
    if (zmq_msg_recv(&msg, monitor, ZMQ_DONTWAIT) >= (int)sizeof event)
        memcpy(&event, zmq_msg_data(&msg), sizeof event);
    while (zmq_msg_more(&msg) && zmq_msg_recv(&msg, monitor, ZMQ_DONTWAIT) >= 0)
        continue; /* the address */
    zmq_msg_close(&msg);
    switch (event) {
    case ZMQ_EVENT_CONNECTED: news = NEWS_REACHED; break;
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: news = NEWS_CONNECTED; break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: news = NEWS_DENIED; break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
    case ZMQ_EVENT_CLOSED:
    case ZMQ_EVENT_CONNECT_RETRIED:
    case ZMQ_EVENT_DISCONNECTED: news = NEWS_LOST; break;
    default: break;
    }
    return news;
}

/* Waits for a message or for news of the connection; NEWS_NONE when the time is over. A message
 * that arrived before the connection broke is seen first. */
static enum news wait_news(struct caller *c, uint64_t deadline_ms)
{
    for (;;) {
        zmq_pollitem_t items[2] = {{.socket = c->socket, .events = ZMQ_POLLIN},
                                   {.socket = c->monitor, .events = ZMQ_POLLIN}};
        uint64_t now = clock_monotonic_ms();
        long left = deadline_ms > now ? (long)(deadline_ms - now) : 0;
        int ready = zmq_poll(items, c->monitor != NULL ? 2 : 1, left);
        if (ready < 0 && errno != EINTR)
            return NEWS_LOST;
        if (ready > 0 && items[0].revents != 0)
            return NEWS_MESSAGE;
        if (ready > 0) {
            enum news news = read_monitor(c->monitor);
            if (news != NEWS_NONE)
                return news;
        } else if (left == 0) {
            return NEWS_NONE;
        }
    }
}

static int open_monitor(struct caller *c, const char *spec, struct error *e)
{
    char name[64]; /* a new one each time: the old socket closes in the background */
    snprintf(name, sizeof name, "inproc://caller-monitor-%u", ++c->dials);
    c->monitor = NULL;
    if (strncmp(spec, "inproc:", 7) == 0)
        return 0;
    if (zmq_socket_monitor(c->socket, name, ZMQ_EVENT_ALL) != 0 ||
        (c->monitor = zmq_socket(c->zmq, ZMQ_PAIR)) == NULL || zmq_connect(c->monitor, name) != 0)
        return error_set(e, ERROR_IO, "Cannot watch a connection: %s.", zmq_strerror(zmq_errno()));
    return 0;
}

/* Somebody is there who breaks the handshake off, and libzmq cannot always tell why. */
static int refused_handshake(const struct caller *c, struct error *e)
{
    if (c->security.keys == NULL)
        return error_set(e, ERROR_DENIED,
                         "The coordinator at %s lets nobody in without a key: give -keys.", c->at);
    return error_set(e, ERROR_DENIED,
                     "The coordinator at %s runs without keys, or with another than "
                     "coordinator.cert says.",
                     c->at);
}

static int await_handshake(struct caller *c, struct error *e)
{
    uint64_t until_ms = clock_monotonic_ms() + (uint64_t)c->connect_timeout_ms;
    enum news news = NEWS_CONNECTED;
    bool was_reached = false;
    while (c->monitor != NULL && (news = wait_news(c, until_ms)) == NEWS_REACHED)
        was_reached = true;
    if (news == NEWS_LOST && was_reached)
        return refused_handshake(c, e);
    switch (news) {
    case NEWS_CONNECTED:
    case NEWS_MESSAGE: return 0;
    case NEWS_DENIED:
        return error_set(e, ERROR_DENIED, "The coordinator at %s does not accept this key.", c->at);
    default: return error_set(e, ERROR_UNREACHABLE, "No coordinator answers at %s.", c->at);
    }
}

static int dial(struct caller *c, const char *spec, struct error *e)
{
    int none = 0;
    hang_up(c);
    snprintf(c->at, sizeof c->at, "%s", spec);
    c->socket = zmq_socket(c->zmq, ZMQ_DEALER);
    if (c->socket == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Cannot open a socket: %s.",
                         zmq_strerror(zmq_errno()));
    zmq_setsockopt(c->socket, ZMQ_LINGER, &none, sizeof none);
    if (open_monitor(c, spec, e) == 0 && endpoint_connect(c->socket, spec, &c->security, e) == 0 &&
        await_handshake(c, e) == 0)
        return 0;
    hang_up(c);
    return -1;
}

static void give_up(struct caller *c, size_t *tried)
{
    hang_up(c);
    ++*tried;
    c->current = (c->current + 1) % c->spec_count;
}

/* Connects to the first that answers, from the current one on, until all have been tried. */
static int dial_any(struct caller *c, size_t *tried, struct error *e)
{
    struct error first;
    error_clear(&first);
    while (*tried < c->spec_count) {
        if (dial(c, c->specs[c->current], first.code == ERROR_NONE ? &first : NULL) == 0)
            return 0;
        give_up(c, tried);
    }
    if (first.code == ERROR_NONE)
        return -1; /* *e tells how the last one was lost */
    *e = first;
    if (c->spec_count > 1 && first.code == ERROR_UNREACHABLE)
        error_set(e, ERROR_UNREACHABLE, "None of the %zu coordinators answers.", c->spec_count);
    return -1;
}

/* ---- one request -------------------------------------------------------------------------- */

enum outcome { OUTCOME_ANSWER, OUTCOME_LOST, OUTCOME_FAILED };

static int read_answer(struct caller *c, struct error *e)
{
    int got = zmq_msg_recv(&c->answer, c->socket, ZMQ_DONTWAIT);
    while (got >= 0 && zmq_msg_more(&c->answer)) /* an envelope's empty frame */
        got = zmq_msg_recv(&c->answer, c->socket, ZMQ_DONTWAIT);
    if (got < 0)
        return error_set(e, ERROR_IO, "Cannot receive: %s.", zmq_strerror(zmq_errno()));
    arena_reset(&c->arena);
    struct slice bytes = slice_of(zmq_msg_data(&c->answer), zmq_msg_size(&c->answer));
    return cluster_reply_decode(&c->reply, bytes, 2 * CLUSTER_MESSAGE_MAX, &c->arena, e);
}

static enum outcome await_answer(struct caller *c, int silence_ms, caller_progress *on_progress,
                                 void *arg, struct error *e)
{
    for (;;) {
        switch (wait_news(c, clock_monotonic_ms() + (uint64_t)silence_ms)) {
        case NEWS_REACHED:
        case NEWS_CONNECTED: continue;
        case NEWS_MESSAGE: break;
        case NEWS_NONE:
            error_set(e, ERROR_TIMEOUT, "The coordinator at %s has not answered for %d seconds.",
                      c->at, (silence_ms + 999) / 1000);
            return OUTCOME_FAILED;
        default:
            error_set(e, ERROR_UNREACHABLE,
                      "The connection to the coordinator at %s was lost before it answered.",
                      c->at);
            return OUTCOME_LOST;
        }
        if (read_answer(c, e) != 0)
            return OUTCOME_FAILED;
        if (c->reply.seq != c->seq)
            continue; /* of a request that was given up */
        if (c->reply.kind != REPLY_PROGRESS)
            return OUTCOME_ANSWER;
        if (on_progress != NULL)
            on_progress(arg, &c->reply);
    }
}

static int send_request(struct caller *c, struct cluster_request *request, struct error *e)
{
    request->seq = ++c->seq;
    buf_clear(&c->request);
    cluster_request_encode(&c->request, request);
    if (c->request.failed)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    if (c->request.len > CLUSTER_MESSAGE_MAX)
        return error_set(e, ERROR_TOO_LARGE, "The request has %zu bytes; the limit is %zu.",
                         c->request.len, CLUSTER_MESSAGE_MAX);
    if (zmq_send(c->socket, c->request.data, c->request.len, ZMQ_DONTWAIT) < 0)
        return error_set(e, ERROR_UNREACHABLE, "Cannot send to the coordinator at %s: %s.", c->at,
                         zmq_strerror(zmq_errno()));
    return 0;
}

/* A connection kept from an earlier call may have died meanwhile. */
static bool still_connected(struct caller *c)
{
    if (c->socket == NULL)
        return false;
    enum news news;
    while (c->monitor != NULL && (news = read_monitor(c->monitor)) != NEWS_NONE)
        if (news != NEWS_CONNECTED && news != NEWS_REACHED)
            return false;
    return true;
}

/* The leader that a refusal names, in c->reply; false when it names none. */
static bool named_leader(struct caller *c, char out[ENDPOINT_MAX])
{
    return c->reply.kind == REPLY_ERROR && c->reply.leader.len > 0 &&
           endpoint_resolve(c->reply.leader, c->at, out, NULL) == 0 && strcmp(out, c->at) != 0;
}

int caller_call_within(struct caller *c, struct cluster_request *request, int silence_ms,
                       caller_progress *on_progress, void *arg, const struct cluster_reply **reply,
                       struct error *e)
{
    bool is_read = (cluster_verb(request->verb)->flags & VERB_READ) != 0;
    char leader[ENDPOINT_MAX];
    size_t tried = 0;
    unsigned redirects = 0;
    *reply = NULL;
    if (!still_connected(c) && dial_any(c, &tried, e) != 0)
        return -1;
    for (;;) {
        if (send_request(c, request, e) != 0)
            return -1;
        enum outcome outcome = await_answer(c, silence_ms, on_progress, arg, e);
        if (outcome == OUTCOME_ANSWER && redirects < REDIRECTS_MAX && named_leader(c, leader)) {
            redirects++;
            if (dial(c, leader, e) != 0)
                return -1;
            continue;
        }
        if (outcome == OUTCOME_ANSWER) {
            *reply = &c->reply;
            return c->reply.kind == REPLY_ERROR ? cluster_reply_error(&c->reply, e) : 0;
        }
        give_up(c, &tried);
        if (outcome == OUTCOME_FAILED || !is_read || dial_any(c, &tried, e) != 0)
            return -1;
    }
}

int caller_call(struct caller *c, struct cluster_request *request, caller_progress *on_progress,
                void *arg, const struct cluster_reply **reply, struct error *e)
{
    return caller_call_within(c, request, c->silence_ms, on_progress, arg, reply, e);
}
