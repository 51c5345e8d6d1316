/* A classic Mongrel2 handler in C over plain libzmq: every request gets the same answer of -size
 * bytes. It takes all requests that wait before it sleeps again, as a good handler does: each is
 * answered at once, and libzmq puts the answers together on the wire.
 *
 * Prints "ready" when the server's subscription has arrived, so that no answer can be lost, and
 * serves until it is ended by a signal. Depends on nothing of the project's own handler library, so
 * that every server is measured with the same handler. */

#include "proto/base/args.h"

#include <stdio.h>
#include <string.h>
#include <zmq.h>

static const struct args_option options[] = {
    {"send_spec", "SPEC", "Where the server's PUSH socket is bound."},
    {"recv_spec", "SPEC", "Where the server's SUB socket is bound."},
    {"size", "N", "Bytes of the body of each answer (128)."},
    {"help", NULL, "This text."},
    {NULL, NULL, NULL},
};

struct handler {
    void *requests; /* PULL */
    void *replies;  /* XPUB: a PUB that tells when the server has subscribed */
    struct buf answer;
};

static int build_answer(struct buf *answer, size_t size, struct error *e)
{
    buf_printf(answer,
               ", HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n",
               size);
    for (size_t i = 0; i < size; i++)
        buf_append_char(answer, (char)('a' + i % 26));
    return answer->failed ? error_set(e, ERROR_NO_MEMORY, "There is no memory for the answer.") : 0;
}

static void *open_socket(void *context, int type, const char *spec, struct error *e)
{
    int unbounded = 0, linger = 0;
    void *socket = zmq_socket(context, type);
    if (socket == NULL || zmq_setsockopt(socket, ZMQ_SNDHWM, &unbounded, sizeof(int)) != 0 ||
        zmq_setsockopt(socket, ZMQ_RCVHWM, &unbounded, sizeof(int)) != 0 ||
        zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof(int)) != 0 ||
        zmq_connect(socket, spec) != 0) {
        error_set(e, ERROR_UNREACHABLE, "%s cannot be connected to: %s.", spec,
                  zmq_strerror(zmq_errno()));
        return NULL;
    }
    return socket;
}

static int open_handler(struct handler *h, const struct args *a, struct error *e)
{
    char subscription[256];
    int64_t size;
    void *context = zmq_ctx_new();
    if (context == NULL)
        return error_set(e, ERROR_INTERNAL, "There is no ZeroMQ context.");
    if (args_get_int(a, "size", 0, 1 << 20, 128, &size, e) < 0 ||
        build_answer(&h->answer, (size_t)size, e) < 0)
        return -1;
    h->requests = open_socket(context, ZMQ_PULL, args_get(a, "send_spec", ""), e);
    h->replies = h->requests != NULL
                     ? open_socket(context, ZMQ_XPUB, args_get(a, "recv_spec", ""), e)
                     : NULL;
    if (h->replies == NULL)
        return -1;
    if (zmq_recv(h->replies, subscription, sizeof(subscription), 0) < 0)
        return error_set(e, ERROR_IO, "No subscription came: %s.", zmq_strerror(zmq_errno()));
    printf("ready\n");
    fflush(stdout);
    return 0;
}

/* "UUID ID PATH …" -> "UUID LEN:ID, HTTP/1.1 200 OK…"; notices (path "@*") get no answer. */
static int answer(const struct handler *h, struct slice request)
{
    zmq_msg_t reply;
    size_t uuid_len = slice_find(request, ' ');
    struct slice rest = slice_from(request, uuid_len < request.len ? uuid_len + 1 : request.len);
    size_t id_len = slice_find(rest, ' ');
    if (id_len == 0 || id_len > 20 || rest.len < id_len + 2 || rest.ptr[id_len + 1] == '@')
        return 0;
    size_t digits = id_len < 10 ? 1 : 2;
    if (zmq_msg_init_size(&reply, uuid_len + 1 + digits + 1 + id_len + h->answer.len) != 0)
        return -1;
    char *at = zmq_msg_data(&reply);
    memcpy(at, request.ptr, uuid_len);
    at += uuid_len;
    *at++ = ' ';
    if (digits == 2)
        *at++ = (char)('0' + id_len / 10);
    *at++ = (char)('0' + id_len % 10);
    *at++ = ':';
    memcpy(at, rest.ptr, id_len);
    memcpy(at + id_len, h->answer.data, h->answer.len);
    return zmq_msg_send(&reply, h->replies, ZMQ_DONTWAIT) < 0 ? -1 : 0;
}

static int serve(const struct handler *h, struct error *e)
{
    for (;;) {
        zmq_msg_t request;
        zmq_msg_init(&request);
        /* Blocks only when nothing waits: the socket is drained before the handler sleeps. */
        if (zmq_msg_recv(&request, h->requests, 0) < 0)
            return error_set(e, ERROR_IO, "No request came: %s.", zmq_strerror(zmq_errno()));
        if (answer(h, slice_of(zmq_msg_data(&request), zmq_msg_size(&request))) < 0)
            return error_set(e, ERROR_IO, "No answer went: %s.", zmq_strerror(zmq_errno()));
        zmq_msg_close(&request);
    }
}

int main(int argc, char **argv)
{
    struct handler h = {.answer = BUF_INIT};
    struct args a;
    struct error e;
    if (args_parse(&a, options, argc, argv, 1, &e) < 0 || open_handler(&h, &a, &e) < 0 ||
        serve(&h, &e) < 0) {
        fprintf(stderr, "handler_echo: %s\n", e.text);
        return 1;
    }
    return 0;
}
