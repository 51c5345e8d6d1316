/* A connect that ends at once (unix sockets) is reported at the end of the turn, so that nobody is
 * called back from inside his own call. */

#include "node/io/dial.h"

#include "proto/base/list.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

static int parse_unix(struct dial_address *a, const char *path)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&a->sa;
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof un->sun_path)
        return -1;
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path, len + 1);
    a->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
    return 0;
}

static int parse_port(const char *text)
{
    char *end;
    long port = strtol(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && port > 0 && port < 65536 ? (int)port
                                                                                        : -1;
}

int dial_address_parse(struct dial_address *a, const char *spec)
{
    memset(a, 0, sizeof *a);
    if (strncmp(spec, "unix:", 5) == 0)
        return parse_unix(a, spec + 5);
    const char *colon = strrchr(spec, ':');
    int port = colon != NULL ? parse_port(colon + 1) : -1;
    size_t len = colon != NULL ? (size_t)(colon - spec) : 0;
    char host[256];
    if (port < 0 || len == 0 || len >= sizeof host)
        return -1;
    memcpy(host, spec, len);
    host[len] = '\0';
    struct sockaddr_in *in = (struct sockaddr_in *)&a->sa;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&a->sa;
    if (inet_pton(AF_INET, host, &in->sin_addr) == 1) {
        in->sin_family = AF_INET;
        in->sin_port = htons((uint16_t)port);
        a->len = sizeof *in;
        return 0;
    }
    if (host[0] == '[') {
        if (host[len - 1] != ']')
            return -1;
        host[len - 1] = '\0';
        if (inet_pton(AF_INET6, host + 1, &in6->sin6_addr) != 1)
            return -1;
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons((uint16_t)port);
        a->len = sizeof *in6;
        return 0;
    }
    return strchr(host, ':') == NULL ? 1 : -1;
}

static void stop(struct dial *d)
{
    ev_io_stop(d->loop->ev, &d->io);
    deadline_clear(&d->deadline);
    loop_task_cancel(&d->at_once);
}

static void finish(struct dial *d, int error)
{
    int fd = d->fd;
    stop(d);
    d->fd = -1;
    if (error != 0 && fd >= 0)
        close(fd);
    d->done(d, error == 0 ? fd : -1, error);
}

static void on_writable(struct ev_loop *ev, struct ev_io *io, int events)
{
    (void)ev, (void)events;
    struct dial *d = container_of(io, struct dial, io);
    int error = 0;
    socklen_t len = sizeof error;
    if (getsockopt(d->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        error = errno;
    finish(d, error);
}

static void on_deadline(struct deadline *deadline)
{
    finish(container_of(deadline, struct dial, deadline), ETIMEDOUT);
}

static void on_at_once(struct loop_task *task)
{
    struct dial *d = container_of(task, struct dial, at_once);
    finish(d, d->error);
}

void dial_init(struct dial *d, struct loop *loop, void (*done)(struct dial *, int, int))
{
    memset(d, 0, sizeof *d);
    d->loop = loop;
    d->fd = -1;
    d->done = done;
    ev_io_init(&d->io, on_writable, -1, EV_WRITE);
    deadline_init(&d->deadline, on_deadline);
    loop_task_init(&d->at_once, on_at_once);
}

static int open_socket(int family)
{
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int one = 1;
    if (fd >= 0 && family != AF_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

void dial_start(struct dial *d, struct deadlines *deadlines, const struct dial_address *a,
                unsigned timeout_ms)
{
    d->error = 0;
    d->fd = open_socket(a->sa.ss_family);
    if (d->fd >= 0 && connect(d->fd, (const struct sockaddr *)&a->sa, a->len) != 0)
        d->error = errno;
    else if (d->fd < 0)
        d->error = errno;
    if (d->error != EINPROGRESS) {
        loop_at_turn_end(d->loop, &d->at_once);
        return;
    }
    ev_io_set(&d->io, d->fd, EV_WRITE);
    ev_io_start(d->loop->ev, &d->io);
    deadline_set(deadlines, &d->deadline, timeout_ms);
}

bool dial_is_active(const struct dial *d)
{
    return d->fd >= 0 || !list_is_empty(&d->at_once.link);
}

void dial_cancel(struct dial *d)
{
    stop(d);
    if (d->fd >= 0)
        close(d->fd);
    d->fd = -1;
}
