/* TCP_NODELAY and SO_KEEPALIVE are set on the listening socket: Linux hands them on to accepted
 * ones, which saves two system calls per connection. */

#include "node/io/listener.h"

#include "proto/base/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

enum { ACCEPT_BATCH = 64, BACKLOG = 4096 };
static const double pause_s =
    0.1; /* after EMFILE: long enough not to spin, short enough not to be felt */

struct listener {
    struct ev_io io;
    struct ev_timer retry;
    struct conns *set;
    const struct session_ops *session;
    struct log_limit complaint;
    uint64_t accept_errors;
    char identity[128];
    char unix_path[108];
};

static bool is_unix(const char *address)
{
    return strncmp(address, "unix:", 5) == 0;
}

size_t listener_identity_of(const char *address, unsigned port, char out[128])
{
    if (is_unix(address))
        snprintf(out, 128, "%s", address);
    else
        snprintf(out, 128, strchr(address, ':') != NULL ? "[%s]:%u" : "%s:%u", address, port);
    return strlen(out);
}

static int fill_address(struct sockaddr_storage *storage, socklen_t *len, const char *address,
                        unsigned port, struct error *e)
{
    memset(storage, 0, sizeof *storage);
    struct sockaddr_in *in = (struct sockaddr_in *)(void *)storage;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)storage;
    struct sockaddr_un *un = (struct sockaddr_un *)(void *)storage;
    if (is_unix(address)) {
        if (strlen(address + 5) >= sizeof un->sun_path || address[5] == '\0')
            return error_set(e, ERROR_INVALID, "\"%s\" is no usable unix socket path.", address);
        un->sun_family = AF_UNIX;
        strcpy(un->sun_path, address + 5);
        *len = sizeof *un;
    } else if (inet_pton(AF_INET, address, &in->sin_addr) == 1) {
        in->sin_family = AF_INET;
        in->sin_port = htons((uint16_t)port);
        *len = sizeof *in;
    } else if (inet_pton(AF_INET6, address, &in6->sin6_addr) == 1) {
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons((uint16_t)port);
        *len = sizeof *in6;
    } else {
        return error_set(
            e, ERROR_INVALID,
            "bind_addr \"%s\" is neither a numeric IPv4 or IPv6 address nor unix:/path.", address);
    }
    return 0;
}

/* A socket file left by a dead process is removed; one that somebody answers on is in use. */
static void remove_stale_unix_socket(const struct sockaddr_storage *storage, socklen_t len)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (connect(fd, (const struct sockaddr *)storage, len) != 0 && errno == ECONNREFUSED)
        unlink(((const struct sockaddr_un *)(const void *)storage)->sun_path);
    close(fd);
}

static int open_socket(const char *address, unsigned port, const struct listener_options *options,
                       bool *is_inherited, struct error *e)
{
    struct sockaddr_storage storage;
    socklen_t len = 0;
    if (fill_address(&storage, &len, address, port, e) != 0)
        return -1;
    int fd = -1;
    if (options->inherited != NULL)
        fd = listen_fds_take(options->inherited, (const struct sockaddr *)&storage);
    *is_inherited = fd >= 0;
    if (fd >= 0)
        return fd;
    fd = socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_set_errno(e, "Can't make a listening socket");
    int one = 1;
    if (storage.ss_family == AF_UNIX) {
        remove_stale_unix_socket(&storage, len);
    } else {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (options->tcp_keepalive)
            setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
        if (options->reuse_port)
            setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
        if (storage.ss_family == AF_INET6)
            setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    }
    if (bind(fd, (struct sockaddr *)&storage, len) != 0 || listen(fd, BACKLOG) != 0) {
        error_set_errno(e, "Can't listen on %s port %u", address, port);
        close(fd);
        return -1;
    }
    return fd;
}

static void on_retry(struct ev_loop *ev, struct ev_timer *t, int events)
{
    (void)events;
    struct listener *l = container_of(t, struct listener, retry);
    ev_io_start(ev, &l->io);
}

/* Errors of one connection (it was reset while it waited) are skipped; errors of the process pause.
 */
static bool accept_failed(struct listener *l)
{
    if (errno == EAGAIN)
        return false;
    if (errno == ECONNABORTED || errno == EINTR || errno == EPROTO)
        return true;
    l->accept_errors++;
    if (l->set->accept_errors != NULL)
        (*l->set->accept_errors)++;
    log_limited(&l->complaint, LOG_WARN_LEVEL, "listener",
                "can't accept on %s: %s; trying again in %d ms", l->identity, strerror(errno),
                (int)(pause_s * 1000));
    ev_io_stop(l->set->loop->ev, &l->io);
    ev_timer_set(&l->retry, pause_s, 0);
    ev_timer_start(l->set->loop->ev, &l->retry);
    return false;
}

static void accept_up_to(struct listener *l, int most)
{
    for (int i = 0; i < most; i++) {
        union conn_address peer;
        socklen_t len = sizeof peer;
        memset(&peer, 0, sizeof peer);
        int fd = accept4(l->io.fd, &peer.sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
            conn_create(l->set, fd, &peer, l->session);
        else if (!accept_failed(l))
            return;
    }
}

static void on_acceptable(struct ev_loop *ev, struct ev_io *io, int events)
{
    (void)ev, (void)events;
    accept_up_to(container_of(io, struct listener, io), ACCEPT_BATCH);
}

struct listener *listener_open(const char *address, unsigned port,
                               const struct listener_options *options, struct error *e)
{
    bool is_inherited;
    int fd = open_socket(address, port, options, &is_inherited, e);
    if (fd < 0)
        return NULL;
    struct listener *l = calloc(1, sizeof *l);
    if (l == NULL) {
        close(fd);
        error_set(e, ERROR_NO_MEMORY, "Out of memory.");
        return NULL;
    }
    listener_identity_of(address, port, l->identity);
    if (is_unix(address) && !is_inherited) /* else the file is not ours to remove */
        snprintf(l->unix_path, sizeof l->unix_path, "%s", address + 5);
    ev_io_init(&l->io, on_acceptable, fd, EV_READ);
    ev_timer_init(&l->retry, on_retry, 0, 0);
    return l;
}

const char *listener_identity(const struct listener *l)
{
    return l->identity;
}

void listener_start(struct listener *l, struct conns *set, const struct session_ops *session)
{
    l->set = set;
    l->session = session;
    ev_io_start(set->loop->ev, &l->io);
}

void listener_stop(struct listener *l)
{
    if (l->set == NULL)
        return;
    ev_io_stop(l->set->loop->ev, &l->io);
    ev_timer_stop(l->set->loop->ev, &l->retry);
}

void listener_finish(struct listener *l)
{
    if (l != NULL && l->set != NULL)
        accept_up_to(l, BACKLOG);
    listener_close(l);
}

void listener_close(struct listener *l)
{
    if (l == NULL)
        return;
    listener_stop(l);
    close(l->io.fd);
    if (l->unix_path[0] != '\0')
        unlink(l->unix_path);
    free(l);
}

unsigned listener_port(const struct listener *l)
{
    struct sockaddr_storage storage;
    socklen_t len = sizeof storage;
    if (getsockname(l->io.fd, (struct sockaddr *)&storage, &len) != 0)
        return 0;
    if (storage.ss_family == AF_INET)
        return ntohs(((struct sockaddr_in *)(void *)&storage)->sin_port);
    return storage.ss_family == AF_INET6
               ? ntohs(((struct sockaddr_in6 *)(void *)&storage)->sin6_port)
               : 0;
}

uint64_t listener_accept_errors(const struct listener *l)
{
    return l->accept_errors;
}
