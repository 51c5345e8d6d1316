/* A minimal HTTP/1.1 server: every request gets the same answer of -size bytes. It is what a proxy
 * under test stands in front of, so it costs as little as an honest server can: heads are found,
 * split and pipelined ones too, but not understood; requests have no bodies. Prints
 * "ready PORT" and serves until it is ended by a signal. */

#include "proto/base/args.h"
#include "tests/bench/programs/tcp.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define READ_MAX  65536
#define BATCH_MAX 64 /* answers per write */

static const struct args_option options[] = {
    {"port", "N", "Port on 127.0.0.1 (0: a free one)."},
    {"size", "N", "Bytes of the body of each answer (1024)."},
    {"help", NULL, "This text."},
    {NULL, NULL, NULL},
};

struct peer {
    int fd;
    unsigned matched; /* how much of "\r\n\r\n" the last bytes were */
};

struct upstream {
    int epoll_fd;
    int listener;
    struct buf answer;
};

static int build_answer(struct buf *answer, size_t size)
{
    buf_printf(answer, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n",
               size);
    for (size_t i = 0; i < size; i++)
        buf_append_char(answer, (char)('a' + i % 26));
    return answer->failed ? -1 : 0;
}

static unsigned count_heads(struct peer *p, const char *bytes, size_t len)
{
    static const char end[] = "\r\n\r\n";
    unsigned heads = 0;
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] == end[p->matched])
            p->matched++;
        else
            p->matched = bytes[i] == '\r';
        if (p->matched == 4) {
            heads++;
            p->matched = 0;
        }
    }
    return heads;
}

static void drop(struct peer *p)
{
    close(p->fd);
    free(p);
}

/* Answers are small and the reader is a proxy that reads: a full socket means a broken test, and
 * the connection is dropped. */
static int answer(const struct upstream *u, const struct peer *p, unsigned count)
{
    struct iovec parts[BATCH_MAX];
    while (count > 0) {
        unsigned batch = count < BATCH_MAX ? count : BATCH_MAX;
        for (unsigned i = 0; i < batch; i++)
            parts[i] = (struct iovec){u->answer.data, u->answer.len};
        if (writev(p->fd, parts, (int)batch) != (ssize_t)(batch * u->answer.len))
            return -1;
        count -= batch;
    }
    return 0;
}

static void on_readable(const struct upstream *u, struct peer *p)
{
    static char bytes[READ_MAX];
    ssize_t n = recv(p->fd, bytes, sizeof(bytes), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0 || answer(u, p, count_heads(p, bytes, (size_t)n)) < 0)
        drop(p);
}

static void on_accept(const struct upstream *u)
{
    int fd;
    while ((fd = tcp_accept(u->listener)) >= 0) {
        struct peer *p = calloc(1, sizeof(*p));
        if (p == NULL) {
            close(fd);
            return;
        }
        p->fd = fd;
        if (tcp_watch(u->epoll_fd, fd, EPOLLIN, p, NULL) < 0)
            drop(p);
    }
}

static void serve(const struct upstream *u)
{
    struct epoll_event events[256];
    for (;;) {
        int n = epoll_wait(u->epoll_fd, events, 256, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == NULL)
                on_accept(u);
            else
                on_readable(u, events[i].data.ptr);
        }
    }
}

static int start(struct upstream *u, const struct args *a, struct error *e)
{
    int64_t port, size;
    if (args_get_int(a, "port", 0, 65535, 0, &port, e) < 0 ||
        args_get_int(a, "size", 0, 1 << 20, 1024, &size, e) < 0)
        return -1;
    if (build_answer(&u->answer, (size_t)size) < 0)
        return error_set(e, ERROR_NO_MEMORY, "There is no memory for the answer.");
    u->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    u->listener = tcp_listen((uint16_t)port, e);
    if (u->listener < 0 || tcp_watch(u->epoll_fd, u->listener, EPOLLIN, NULL, e) < 0)
        return -1;
    printf("ready %u\n", tcp_port(u->listener));
    fflush(stdout);
    return 0;
}

int main(int argc, char **argv)
{
    struct upstream u = {.epoll_fd = -1, .listener = -1, .answer = BUF_INIT};
    struct args a;
    struct error e;
    signal(SIGPIPE, SIG_IGN);
    if (args_parse(&a, options, argc, argv, 1, &e) < 0 || start(&u, &a, &e) < 0) {
        fprintf(stderr, "http_upstream: %s\n", e.text);
        return 1;
    }
    serve(&u);
}
