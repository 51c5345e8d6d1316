/* The limit of the static rows: moves the bytes of a request and its answer with the fewest system
 * calls and understands nothing: whatever one read brings counts as one request. The answer is sent
 * from memory, or, from a file, by sendfile(2). Its CPU time is what the kernel takes for the work;
 * a server can come near it, not below.
 *
 * Prints "ready PORT" and serves until it is ended by a signal. */

#include "proto/base/args.h"
#include "tests/bench/programs/tcp.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct args_option options[] = {
    {"port", "N", "Port on 127.0.0.1 (0: a free one)."},
    {"file", "FILE", "What every answer holds."},
    {"sendfile", NULL, "Send it from the file, not from memory."},
    {"help", NULL, "This text."},
    {NULL, NULL, NULL},
};

struct peer {
    int fd;
    unsigned head_sent : 1;
    uint64_t left; /* of the answer that is being sent; 0: idle */
};

struct limit {
    int epoll_fd;
    int listener;
    int file; /* -1: the body is in `answer` */
    uint64_t body_len;
    struct buf answer;  /* head, and body unless `file` */
    struct peer *peers; /* by descriptor; pages are touched only when used */
    size_t peers_max;
};

static void drop(struct peer *p)
{
    close(p->fd);
    p->left = 0;
}

static ssize_t send_more(const struct limit *l, const struct peer *p)
{
    if (l->file < 0)
        return send(p->fd, l->answer.data + l->answer.len - p->left, p->left, 0);
    off_t at = (off_t)(l->body_len - p->left);
    return sendfile(p->fd, l->file, &at, p->left);
}

static void send_answer(const struct limit *l, struct peer *p, bool was_waiting)
{
    if (l->file >= 0 && !p->head_sent) {
        p->head_sent = 1;
        if (send(p->fd, l->answer.data, l->answer.len, MSG_MORE) != (ssize_t)l->answer.len) {
            drop(p);
            return;
        }
    }
    while (p->left > 0) {
        ssize_t n = send_more(l, p);
        if (n < 0 && errno == EAGAIN) {
            if (!was_waiting)
                tcp_rewatch(l->epoll_fd, p->fd, EPOLLOUT, p);
            return;
        }
        if (n <= 0) {
            drop(p);
            return;
        }
        p->left -= (uint64_t)n;
    }
    if (was_waiting)
        tcp_rewatch(l->epoll_fd, p->fd, EPOLLIN, p);
}

static void on_event(const struct limit *l, struct peer *p)
{
    static char bytes[65536];
    if (p->left > 0) {
        send_answer(l, p, true);
        return;
    }
    ssize_t n = recv(p->fd, bytes, sizeof(bytes), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        drop(p);
        return;
    }
    p->left = l->file < 0 ? l->answer.len : l->body_len;
    p->head_sent = 0;
    send_answer(l, p, false);
}

static void on_accept(const struct limit *l)
{
    int fd;
    while ((fd = tcp_accept(l->listener)) >= 0) {
        if ((size_t)fd >= l->peers_max) {
            close(fd);
            continue;
        }
        struct peer *p = &l->peers[fd];
        *p = (struct peer){.fd = fd};
        if (tcp_watch(l->epoll_fd, fd, EPOLLIN, p, NULL) < 0)
            drop(p);
    }
}

static void serve(const struct limit *l)
{
    struct epoll_event events[256];
    for (;;) {
        int n = epoll_wait(l->epoll_fd, events, 256, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == NULL)
                on_accept(l);
            else
                on_event(l, events[i].data.ptr);
        }
    }
}

static int load_file(struct limit *l, const char *path, bool by_sendfile, struct error *e)
{
    struct stat st;
    char piece[65536];
    ssize_t n;
    l->file = open(path, O_RDONLY | O_CLOEXEC);
    if (l->file < 0 || fstat(l->file, &st) < 0)
        return error_set_errno(e, "%s cannot be read", path);
    l->body_len = (uint64_t)st.st_size;
    buf_printf(&l->answer,
               "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %llu\r\n\r\n",
               (unsigned long long)l->body_len);
    if (!by_sendfile) {
        while ((n = read(l->file, piece, sizeof(piece))) > 0)
            buf_append(&l->answer, piece, (size_t)n);
        close(l->file);
        l->file = -1;
    }
    return l->answer.failed ? error_set(e, ERROR_NO_MEMORY, "There is no memory for %s.", path) : 0;
}

static int start(struct limit *l, const struct args *a, struct error *e)
{
    int64_t port;
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    l->peers_max = files.rlim_cur;
    if (args_get_int(a, "port", 0, 65535, 0, &port, e) < 0 ||
        load_file(l, args_get(a, "file", ""), args_has(a, "sendfile"), e) < 0)
        return -1;
    l->peers = mmap(NULL, l->peers_max * sizeof(*l->peers), PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    l->listener = tcp_listen((uint16_t)port, e);
    if (l->peers == MAP_FAILED || l->epoll_fd < 0)
        return error_set_errno(e, "The server could not be set up");
    if (l->listener < 0 || tcp_watch(l->epoll_fd, l->listener, EPOLLIN, NULL, e) < 0)
        return -1;
    printf("ready %u\n", tcp_port(l->listener));
    fflush(stdout);
    return 0;
}

int main(int argc, char **argv)
{
    struct limit l = {.file = -1, .answer = BUF_INIT};
    struct args a;
    struct error e;
    signal(SIGPIPE, SIG_IGN);
    if (args_parse(&a, options, argc, argv, 1, &e) < 0 || start(&l, &a, &e) < 0) {
        fprintf(stderr, "limit_static: %s\n", e.text);
        return 1;
    }
    serve(&l);
}
