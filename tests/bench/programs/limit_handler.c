/* The limit of the handler and fan-out rows: a front that turns each request into a Mongrel2
 * message for an ordinary libzmq handler and each reply into bytes for its listeners, but
 * understands no HTTP (one read is one request) and speaks ZMTP itself, so that the requests of one
 * loop turn are one write and the replies that arrived are one read. What libzmq's own sockets and
 * thread cost a server is what lies between it and this.
 *
 * With -gather, what one turn has for a listener is one write as well. Prints "ready PORT" and
 * serves until it is ended by a signal. One handler at a time. */

#include "proto/base/args.h"
#include "tests/bench/programs/tcp.h"
#include "tests/bench/programs/zmtp.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_MAX    262144
#define CLIENTS_MAX 65536

/* What mongrel2 sends along with a request of the load generator. */
#define REQUEST_TAIL                                                                         \
    " /bench 218:{\"PATH\":\"/bench\",\"x-forwarded-for\":\"127.0.0.1\",\"accept\":\"*/*\"," \
    "\"user-agent\":\"bench\",\"host\":\"localhost\",\"METHOD\":\"GET\",\"VERSION\":\"HTTP"  \
    "/1.1\",\"URI\":\"/bench\",\"PATTERN\":\"/bench\",\"URL_SCHEME\":\"http\","              \
    "\"REMOTE_ADDR\":\"127.0.0.1\"},0:,"

static const struct args_option options[] = {
    {"port", "N", "Port on 127.0.0.1 for clients (0: a free one)."},
    {"send_port", "N", "Port where the handler's PULL socket connects."},
    {"recv_port", "N", "Port where the handler's PUB socket connects."},
    {"gather", NULL, "One write per listener and loop turn."},
    {"help", NULL, "This text."},
    {NULL, NULL, NULL},
};

enum kind { CLIENTS, HANDLER_PULL, HANDLER_PUB, CLIENT };

/* Anything that epoll watches: three listeners, the handler's two connections, the clients. */
struct peer {
    enum kind kind;
    int fd;         /* -1: not there */
    bool listening; /* accepts what connects; otherwise a connection */
    bool waiting;   /* for room in the socket */
    bool dirty;     /* in `dirty` of the front */
    struct buf out; /* waits for the end of the turn */
};

struct front {
    int epoll_fd;
    bool gather;
    struct peer listeners[3]; /* by kind */
    struct peer pull, pub;
    struct zmtp_reader pull_in, pub_in;
    struct peer *clients; /* by descriptor, which is the connection id too */
    int dirty[CLIENTS_MAX];
    unsigned dirty_count;
};

static void drop(struct peer *p)
{
    close(p->fd);
    p->fd = -1;
    p->waiting = false;
    buf_clear(&p->out);
}

/* Sends what waits; keeps what the socket does not take and waits for room. */
static void flush(const struct front *f, struct peer *p)
{
    if (p->fd < 0 || p->out.len == 0)
        return;
    ssize_t n = send(p->fd, p->out.data, p->out.len, 0);
    if (n < 0 && errno != EAGAIN) {
        drop(p);
        return;
    }
    buf_consume(&p->out, n > 0 ? (size_t)n : 0);
    if (p->waiting != (p->out.len > 0)) {
        p->waiting = p->out.len > 0;
        tcp_rewatch(f->epoll_fd, p->fd, p->waiting ? EPOLLIN | EPOLLOUT : EPOLLIN, p);
    }
}

static void on_request(struct front *f, struct peer *client)
{
    char bytes[8192], id[16];
    ssize_t n = recv(client->fd, bytes, sizeof(bytes), 0);
    if (n <= 0) {
        if (n == 0 || errno != EAGAIN)
            drop(client);
        return;
    }
    int id_len = snprintf(id, sizeof(id), "%d", client->fd);
    zmtp_frame(&f->pull.out, sizeof("bench ") - 1 + (size_t)id_len + sizeof(REQUEST_TAIL) - 1);
    buf_append(&f->pull.out, "bench ", sizeof("bench ") - 1);
    buf_append(&f->pull.out, id, (size_t)id_len);
    buf_append(&f->pull.out, REQUEST_TAIL, sizeof(REQUEST_TAIL) - 1);
}

static void deliver_one(struct front *f, unsigned long id, struct slice payload)
{
    struct peer *client = id < CLIENTS_MAX ? &f->clients[id] : NULL;
    if (client == NULL || client->kind != CLIENT || client->fd < 0)
        return;
    if (!f->gather) {
        if (send(client->fd, payload.ptr, payload.len, 0) != (ssize_t)payload.len)
            drop(client);
        return;
    }
    buf_append_slice(&client->out, payload);
    if (!client->dirty) {
        client->dirty = true;
        f->dirty[f->dirty_count++] = client->fd;
    }
}

/* "UUID LEN:ID ID…, PAYLOAD" */
static void deliver(struct front *f, struct slice reply)
{
    size_t ids = slice_find(reply, ':'), end = slice_find(reply, ',');
    if (ids >= end || end + 2 > reply.len)
        return;
    struct slice payload = slice_from(reply, end + 2);
    for (size_t at = ids + 1; at < end;) {
        unsigned long id = 0;
        while (at < end && reply.ptr[at] >= '0' && reply.ptr[at] <= '9')
            id = id * 10 + (unsigned long)(reply.ptr[at++] - '0');
        deliver_one(f, id, payload);
        at++;
    }
}

static int receive(struct peer *p, struct zmtp_reader *r)
{
    if (buf_reserve(&r->in, READ_MAX) < 0)
        return -1;
    ssize_t n = recv(p->fd, r->in.data + r->in.len, READ_MAX, 0);
    if (n < 0 && errno == EAGAIN)
        return 0;
    if (n <= 0)
        return -1;
    r->in.len += (size_t)n;
    return 0;
}

static void on_reply(struct front *f)
{
    struct slice reply;
    bool was_ready = f->pub_in.ready;
    int more = receive(&f->pub, &f->pub_in);
    while (more == 0 && (more = zmtp_next(&f->pub_in, &reply)) > 0) {
        deliver(f, reply);
        more = 0;
    }
    if (more < 0)
        drop(&f->pub);
    else if (f->pub_in.ready && !was_ready) {
        zmtp_subscribe(&f->pub.out);
        flush(f, &f->pub);
    }
    for (unsigned i = 0; i < f->dirty_count; i++) {
        struct peer *client = &f->clients[f->dirty[i]];
        client->dirty = false;
        flush(f, client);
    }
    f->dirty_count = 0;
}

/* The PULL side says its greeting and nothing else. */
static void on_pull(struct front *f)
{
    struct slice ignored;
    int more = receive(&f->pull, &f->pull_in);
    while (more == 0 && (more = zmtp_next(&f->pull_in, &ignored)) > 0)
        more = 0;
    if (more < 0)
        drop(&f->pull);
}

static void take_handler(struct front *f, struct peer *p, struct zmtp_reader *r, int fd)
{
    if (p->fd >= 0)
        drop(p);
    p->fd = fd;
    buf_fini(&r->in);
    *r = (struct zmtp_reader){.in = BUF_INIT};
    zmtp_open(&p->out, p->kind == HANDLER_PULL ? "PUSH" : "SUB");
    if (tcp_watch(f->epoll_fd, fd, EPOLLIN, p, NULL) == 0)
        flush(f, p);
}

static void take_client(struct front *f, int fd)
{
    if (fd >= CLIENTS_MAX) {
        close(fd);
        return;
    }
    struct peer *p = &f->clients[fd];
    p->kind = CLIENT;
    p->fd = fd;
    if (tcp_watch(f->epoll_fd, fd, EPOLLIN, p, NULL) < 0)
        drop(p);
}

static void on_accept(struct front *f, const struct peer *listener)
{
    int fd;
    while ((fd = tcp_accept(listener->fd)) >= 0) {
        if (listener->kind == HANDLER_PULL)
            take_handler(f, &f->pull, &f->pull_in, fd);
        else if (listener->kind == HANDLER_PUB)
            take_handler(f, &f->pub, &f->pub_in, fd);
        else
            take_client(f, fd);
    }
}

static void on_event(struct front *f, struct peer *p)
{
    if (p->listening)
        on_accept(f, p);
    else if (p->fd < 0)
        return;
    else if (p->waiting)
        flush(f, p); /* level-triggered: what arrived meanwhile comes again */
    else if (p->kind == HANDLER_PULL)
        on_pull(f);
    else if (p->kind == HANDLER_PUB)
        on_reply(f);
    else
        on_request(f, p);
}

static void serve(struct front *f)
{
    struct epoll_event events[512];
    for (;;) {
        int n = epoll_wait(f->epoll_fd, events, 512, -1);
        for (int i = 0; i < n; i++)
            on_event(f, events[i].data.ptr);
        flush(f, &f->pull); /* one write for all requests of the turn */
    }
}

static int listen_on(struct front *f, enum kind kind, int64_t port, struct error *e)
{
    struct peer *p = &f->listeners[kind];
    p->kind = kind;
    p->listening = true;
    p->fd = tcp_listen((uint16_t)port, e);
    return p->fd < 0 ? -1 : tcp_watch(f->epoll_fd, p->fd, EPOLLIN, p, e);
}

static int start(struct front *f, const struct args *a, struct error *e)
{
    int64_t port, send_port, recv_port;
    if (args_get_int(a, "port", 0, 65535, 0, &port, e) < 0 ||
        args_get_int(a, "send_port", 1, 65535, 0, &send_port, e) < 0 ||
        args_get_int(a, "recv_port", 1, 65535, 0, &recv_port, e) < 0)
        return -1;
    f->gather = args_has(a, "gather");
    f->pull = (struct peer){.kind = HANDLER_PULL, .fd = -1};
    f->pub = (struct peer){.kind = HANDLER_PUB, .fd = -1};
    f->clients = calloc(CLIENTS_MAX, sizeof(*f->clients));
    f->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (f->clients == NULL || f->epoll_fd < 0)
        return error_set_errno(e, "The server could not be set up");
    if (listen_on(f, CLIENTS, port, e) < 0 || listen_on(f, HANDLER_PULL, send_port, e) < 0 ||
        listen_on(f, HANDLER_PUB, recv_port, e) < 0)
        return -1;
    printf("ready %u\n", tcp_port(f->listeners[CLIENTS].fd));
    fflush(stdout);
    return 0;
}

int main(int argc, char **argv)
{
    static struct front f; /* zero; lives as long as the process */
    struct args a;
    struct error e;
    signal(SIGPIPE, SIG_IGN);
    if (args_parse(&a, options, argc, argv, 1, &e) < 0 || start(&f, &a, &e) < 0) {
        fprintf(stderr, "limit_handler: %s\n", e.text);
        return 1;
    }
    serve(&f);
}
