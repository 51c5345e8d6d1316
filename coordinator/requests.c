/* ZMQ_ROUTER_MANDATORY, so that a send tells whether the peer is still connected: that is how a
 * restarted node is told from a second one with its UUID. */

#include "coordinator/requests.h"

#include "proto/base/log.h"
#include "proto/link/zap.h"
#include "proto/wire/cluster_reply.h"

#include <errno.h>
#include <string.h>

enum { LINGER_MS = 500, HEARTBEAT_MS = 1000, HEARTBEAT_LOST_MS = 5000 };

/* ---- sending ------------------------------------------------------------------------------ */

static int send_frame(struct requests *q, struct slice frame, int flags)
{
    zmq_msg_t msg;
    if (zmq_msg_init_size(&msg, frame.len) != 0)
        return -1;
    if (frame.len > 0)
        memcpy(zmq_msg_data(&msg), frame.ptr, frame.len);
    if (evzmq_send(&q->z, &msg, flags) == 0)
        return 0;
    zmq_msg_close(&msg);
    return -1;
}

static bool send_frames(struct requests *q, const struct peer *to, bool delimiter,
                        struct slice message)
{
    if (q->socket == NULL)
        return false;
    if (send_frame(q, slice_of(to->id, to->len), ZMQ_SNDMORE) == 0) {
        if (delimiter && send_frame(q, SLICE_EMPTY, ZMQ_SNDMORE) != 0)
            return false;
        return send_frame(q, message, 0) == 0;
    }
    return false; /* EHOSTUNREACH: gone; EAGAIN: it reads too slowly */
}

void requests_send(struct requests *q, const struct client *to, struct slice message)
{
    if (to->peer.len == 0 && q->on_own != NULL)
        q->on_own(q->arg, to, message);
    else if (!send_frames(q, &to->peer, to->delimiter, message))
        q->lost++;
}

bool requests_send_peer(struct requests *q, const struct peer *to, struct slice message)
{
    return send_frames(q, to, false, message);
}

void requests_send_error(struct requests *q, const struct client *to, const struct error *e,
                         const char *leader)
{
    struct buf b = BUF_INIT;
    cluster_error_put(&b, to->seq, e, leader);
    if (!b.failed)
        requests_send(q, to, buf_slice(&b));
    buf_fini(&b);
}

/* ---- receiving ---------------------------------------------------------------------------- */

static void refuse(struct requests *q, const struct client *from, const struct error *e)
{
    static struct log_limit limit;
    q->refused++;
    log_limited(&limit, LOG_WARN_LEVEL, "requests", "refused: %s code=%s", e->text,
                error_code_name(e->code));
    requests_send_error(q, from, e, NULL);
}

void requests_take(struct requests *q, const struct client *from, struct slice message)
{
    struct cluster_request r;
    struct client client = *from;
    struct error e;
    q->requests++;
    if (message.len > 0 && message.ptr[message.len - 1] == '}') {
        q->on_answer(q->arg, from, message);
        return;
    }
    arena_reset(&q->arena);
    int result = cluster_request_decode(&r, message, q->message_max, &q->arena, &e);
    client.seq = r.seq;
    if (result != 0)
        refuse(q, &client, &e);
    else if (q->admit != NULL && q->admit(q->arg, &client, &r, &e) != 0)
        requests_send_error(q, &client, &e, NULL);
    else
        q->on_request(q->arg, &client, &r);
}

/* The frames of one message: routing id, perhaps an empty one, the message. */
static void take_frames(struct requests *q, zmq_msg_t *frames, size_t count)
{
    struct client from = {.seq = 0};
    struct error e;
    size_t id_len = zmq_msg_size(&frames[0]);
    from.peer.len = (uint8_t)id_len;
    memcpy(from.peer.id, zmq_msg_data(&frames[0]), id_len);
    from.delimiter = count > 2 && zmq_msg_size(&frames[1]) == 0;
    if (count == (from.delimiter ? 3u : 2u)) {
        zmq_msg_t *body = &frames[count - 1];
        struct slice key = zap_key_of(body);
        if (key.len == CURVE_KEY_LEN)
            memcpy(from.key, key.ptr, key.len);
        requests_take(q, &from, slice_of(zmq_msg_data(body), zmq_msg_size(body)));
        return;
    }
    error_set(&e, ERROR_INVALID, "A request is one frame; this message has %zu.", count - 1);
    refuse(q, &from, &e);
}

enum { FRAMES_MAX = 4 };

/* One whole message; false when none waits. Frames beyond the fourth are read and forgotten. */
static bool receive(struct requests *q)
{
    zmq_msg_t frames[FRAMES_MAX], *frame;
    size_t count = 0;
    bool more = true;
    for (; more; count++) {
        frame = &frames[count < FRAMES_MAX ? count : FRAMES_MAX - 1];
        if (count < FRAMES_MAX)
            zmq_msg_init(frame);
        if (!evzmq_recv(&q->z, frame)) {
            zmq_msg_close(frame);
            break;
        }
        more = zmq_msg_more(frame);
    }
    size_t kept = count < FRAMES_MAX ? count : FRAMES_MAX;
    if (count > 1)
        take_frames(q, frames, kept);
    for (size_t i = 0; i < kept; i++)
        zmq_msg_close(&frames[i]);
    return count > 0;
}

static void on_readable(struct evzmq *z)
{
    struct requests *q = z->arg;
    while (q->socket != NULL && receive(q))
        continue;
}

/* ---- open and close ----------------------------------------------------------------------- */

static void set_options(void *socket, size_t message_max)
{
    static const struct {
        int option, value;
    } options[] = {
        {ZMQ_ROUTER_MANDATORY, 1},
        {ZMQ_LINGER, LINGER_MS},
        {ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS},
        {ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_LOST_MS},
    };
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        zmq_setsockopt(socket, options[i].option, &options[i].value, sizeof options[i].value);
    /* Above our own bound, so that what is a little too large gets an answer and not a reset. */
    int64_t most = (int64_t)message_max * 2;
    zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &most, sizeof most);
}

int requests_open(struct requests *q, struct ev_loop *loop, void *zmq, const char *spec,
                  const struct link_security *security, size_t message_max, struct error *e)
{
    q->message_max = message_max;
    arena_init(&q->arena, 0);
    q->socket = zmq_socket(zmq, ZMQ_ROUTER);
    if (q->socket == NULL)
        return error_set(e, ERROR_IO, "Cannot open a socket: %s.", zmq_strerror(zmq_errno()));
    set_options(q->socket, message_max);
    evzmq_init(&q->z, loop, q->socket, on_readable, NULL, q);
    return endpoint_bind(q->socket, spec, security, q->endpoint, e);
}

int requests_start(struct requests *q, struct error *e)
{
    return evzmq_start(&q->z, EVZMQ_READABLE, e);
}

void requests_close(struct requests *q)
{
    if (q->socket == NULL)
        return;
    evzmq_stop(&q->z);
    zmq_close(q->socket);
    q->socket = NULL;
    arena_fini(&q->arena);
}
