/* Plain system calls: a limit program must not pay for an event library. */

#include "tests/bench/programs/tcp.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in loopback(uint16_t port)
{
    struct sockaddr_in a;
    memset(&a, 0, sizeof(a));
    a.sin_family = AF_INET;
    a.sin_port = htons(port);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

static void set_nodelay(int fd)
{
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

int tcp_listen(uint16_t port, struct error *e)
{
    int on = 1;
    struct sockaddr_in a = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_set_errno(e, "A socket could not be made");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 4096) < 0) {
        error_set_errno(e, "Port %u cannot be listened on", port);
        close(fd);
        return -1;
    }
    return fd;
}

uint16_t tcp_port(int fd)
{
    struct sockaddr_in a;
    socklen_t len = sizeof(a);
    return getsockname(fd, (struct sockaddr *)&a, &len) == 0 ? ntohs(a.sin_port) : 0;
}

int tcp_accept(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
        set_nodelay(fd);
    return fd;
}

int tcp_connect(uint16_t port, struct error *e)
{
    struct sockaddr_in a = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_set_errno(e, "A socket could not be made");
    if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
        error_set_errno(e, "Nothing answers on port %u", port);
        close(fd);
        return -1;
    }
    set_nodelay(fd);
    return fd;
}

int tcp_set_nonblocking(int fd, struct error *e)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return error_set_errno(e, "A socket could not be made non-blocking");
    return 0;
}

int tcp_watch(int epoll_fd, int fd, uint32_t events, void *data, struct error *e)
{
    struct epoll_event event = {.events = events, .data = {.ptr = data}};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        return error_set_errno(e, "A socket could not be watched");
    return 0;
}

void tcp_rewatch(int epoll_fd, int fd, uint32_t events, void *data)
{
    struct epoll_event event = {.events = events, .data = {.ptr = data}};
    BUG_ON(epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &event) < 0);
}
