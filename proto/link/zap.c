/* Question: id, "", version, request id, domain, address, routing id, mechanism, credentials.
 * Answer: id, "", version, request id, status, text, user id, metadata. The user id is the key in
 * Z85: libzmq gives it to us again with every message of the connection, as "User-Id". */

#include "proto/link/zap.h"

#include <string.h>

#define ZAP_ENDPOINT "inproc://zeromq.zap.01"

enum {
    QUESTION_ID,
    QUESTION_EMPTY,
    QUESTION_VERSION,
    QUESTION_REQUEST,
    QUESTION_DOMAIN,
    QUESTION_ADDRESS,
    QUESTION_ROUTING_ID,
    QUESTION_MECHANISM,
    QUESTION_CREDENTIALS,
    QUESTION_FRAMES
};

static struct slice frame_of(zmq_msg_t *m)
{
    return slice_of(zmq_msg_data(m), zmq_msg_size(m));
}

static void answer(struct zap *z, zmq_msg_t *question, bool is_admitted, const char *key)
{
    const struct slice frames[] = {
        frame_of(&question[QUESTION_ID]),       SLICE_EMPTY,
        frame_of(&question[QUESTION_VERSION]),  frame_of(&question[QUESTION_REQUEST]),
        slice_str(is_admitted ? "200" : "400"), slice_str(is_admitted ? "OK" : "key refused"),
        slice_str(is_admitted ? key : ""),      SLICE_EMPTY};
    const size_t count = sizeof frames / sizeof frames[0];
    for (size_t i = 0; i < count; i++) {
        zmq_msg_t part;
        if (zmq_msg_init_size(&part, frames[i].len) != 0)
            return; /* libzmq gives the handshake up */
        if (frames[i].len > 0)
            memcpy(zmq_msg_data(&part), frames[i].ptr, frames[i].len);
        if (evzmq_send(&z->z, &part, i + 1 < count ? ZMQ_SNDMORE : 0) != 0)
            zmq_msg_close(&part);
    }
}

static void judge(struct zap *z, zmq_msg_t *q)
{
    char key[CURVE_KEY_LEN + 1] = "";
    struct slice raw = frame_of(&q[QUESTION_CREDENTIALS]);
    bool fits = slice_eq(frame_of(&q[QUESTION_VERSION]), SLICE("1.0")) &&
                slice_eq(frame_of(&q[QUESTION_MECHANISM]), SLICE("CURVE")) && raw.len == 32 &&
                zmq_z85_encode(key, (const uint8_t *)raw.ptr, raw.len) != NULL;
    bool is_admitted = fits && z->admit(z->arg, frame_of(&q[QUESTION_DOMAIN]), key,
                                        frame_of(&q[QUESTION_ADDRESS]));
    if (is_admitted)
        z->admitted++;
    else
        z->refused++;
    answer(z, q, is_admitted, key);
}

/* Frames beyond the last are read and forgotten; there are none in this version of ZAP. */
static bool receive(struct zap *z)
{
    zmq_msg_t frames[QUESTION_FRAMES + 1];
    size_t count = 0;
    bool more = true, got = true;
    while (more && got) {
        zmq_msg_t *frame = &frames[count < QUESTION_FRAMES ? count++ : QUESTION_FRAMES];
        zmq_msg_init(frame);
        got = evzmq_recv(&z->z, frame);
        more = got && zmq_msg_more(frame);
        if (frame == &frames[QUESTION_FRAMES])
            zmq_msg_close(frame);
    }
    if (got && count == QUESTION_FRAMES)
        judge(z, frames);
    for (size_t i = 0; i < count; i++)
        zmq_msg_close(&frames[i]);
    return got;
}

static void on_readable(struct evzmq *e)
{
    struct zap *z = e->arg;
    while (receive(z))
        continue;
}

int zap_open(struct zap *z, struct ev_loop *loop, void *zmq,
             bool (*admit)(void *arg, struct slice domain, const char *key, struct slice address),
             void *arg, struct error *e)
{
    int none = 0;
    *z = (struct zap){.admit = admit, .arg = arg};
    z->socket = zmq_socket(zmq, ZMQ_ROUTER);
    if (z->socket == NULL)
        return error_set(e, ERROR_IO, "Cannot open a socket: %s.", zmq_strerror(zmq_errno()));
    zmq_setsockopt(z->socket, ZMQ_LINGER, &none, sizeof none);
    evzmq_init(&z->z, loop, z->socket, on_readable, NULL, z);
    if (zmq_bind(z->socket, ZAP_ENDPOINT) == 0)
        return 0;
    error_set(e, ERROR_IO, "Cannot answer for keys: %s.", zmq_strerror(zmq_errno()));
    zap_close(z);
    return -1;
}

int zap_start(struct zap *z, struct error *e)
{
    return z->z.started ? 0 : evzmq_start(&z->z, EVZMQ_READABLE, e);
}

void zap_close(struct zap *z)
{
    if (z->socket == NULL)
        return;
    evzmq_stop(&z->z);
    zmq_close(z->socket);
    z->socket = NULL;
}

struct slice zap_key_of(zmq_msg_t *message)
{
    const char *key = zmq_msg_gets(message, "User-Id");
    return key != NULL ? slice_str(key) : SLICE_EMPTY;
}
