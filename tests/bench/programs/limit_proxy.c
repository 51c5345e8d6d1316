/* The limit of the proxy row: one connection to the upstream for each client, bytes copied both
 * ways with one read and one write each, nothing understood. Prints "ready PORT" and serves until
 * it is ended by a signal. */

#include "proto/base/args.h"
#include "tests/bench/programs/tcp.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct args_option options[] = {
    {"port", "N", "Port on 127.0.0.1 (0: a free one)."},
    {"upstream", "N", "Port of the upstream on 127.0.0.1."},
    {"help", NULL, "This text."},
    {NULL, NULL, NULL},
};

struct end {
    int fd; /* -1: closed, see drop() */
    struct end *other;
};

struct limit {
    int epoll_fd;
    int listener;
    uint16_t upstream;
};

/* Both ends go; the pair itself is kept, since the same batch of events may name the other end. A
 * few hundred bytes per connection of a short run are not worth a list of the dead. */
static void drop(struct end *a)
{
    close(a->fd);
    close(a->other->fd);
    a->fd = a->other->fd = -1;
}

/* Messages are small and both sides read: a full socket means a broken test. */
static void relay(struct end *from)
{
    static char bytes[65536];
    if (from->fd < 0)
        return;
    ssize_t n = recv(from->fd, bytes, sizeof(bytes), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0 || send(from->other->fd, bytes, (size_t)n, 0) != n)
        drop(from);
}

static void open_pair(const struct limit *l, int client)
{
    struct end *pair = calloc(2, sizeof(*pair));
    int upstream = tcp_connect(l->upstream, NULL);
    if (pair == NULL || upstream < 0 || tcp_set_nonblocking(upstream, NULL) < 0) {
        close(client);
        if (upstream >= 0)
            close(upstream);
        free(pair);
        return;
    }
    pair[0] = (struct end){client, &pair[1]};
    pair[1] = (struct end){upstream, &pair[0]};
    if (tcp_watch(l->epoll_fd, client, EPOLLIN, &pair[0], NULL) < 0 ||
        tcp_watch(l->epoll_fd, upstream, EPOLLIN, &pair[1], NULL) < 0)
        drop(&pair[0]);
}

static void serve(const struct limit *l)
{
    struct epoll_event events[256];
    for (;;) {
        int client, n = epoll_wait(l->epoll_fd, events, 256, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr != NULL)
                relay(events[i].data.ptr);
            else
                while ((client = tcp_accept(l->listener)) >= 0)
                    open_pair(l, client);
        }
    }
}

static int start(struct limit *l, const struct args *a, struct error *e)
{
    int64_t port, upstream;
    if (args_get_int(a, "port", 0, 65535, 0, &port, e) < 0 ||
        args_get_int(a, "upstream", 1, 65535, 0, &upstream, e) < 0)
        return -1;
    l->upstream = (uint16_t)upstream;
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    l->listener = tcp_listen((uint16_t)port, e);
    if (l->listener < 0 || tcp_watch(l->epoll_fd, l->listener, EPOLLIN, NULL, e) < 0)
        return -1;
    printf("ready %u\n", tcp_port(l->listener));
    fflush(stdout);
    return 0;
}

int main(int argc, char **argv)
{
    struct limit l = {.epoll_fd = -1};
    struct args a;
    struct error e;
    signal(SIGPIPE, SIG_IGN);
    if (args_parse(&a, options, argc, argv, 1, &e) < 0 || start(&l, &a, &e) < 0) {
        fprintf(stderr, "limit_proxy: %s\n", e.text);
        return 1;
    }
    serve(&l);
}
