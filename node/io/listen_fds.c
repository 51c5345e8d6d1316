/* A listener gets a duplicate: closing it, when its configuration goes or the server drains, leaves
 * the socket with us and with whoever handed it over, so that clients wait instead of being
 * refused. */

#include "node/io/listen_fds.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

enum { FIRST = 3 }; /* SD_LISTEN_FDS_START */

static bool is_listening(int fd)
{
    int listens = 0;
    socklen_t len = sizeof listens;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && listens;
}

static long number_in(const char *name)
{
    const char *text = getenv(name);
    char *end;
    long n = text != NULL ? strtol(text, &end, 10) : -1;
    return text != NULL && *text != '\0' && *end == '\0' ? n : -1;
}

void listen_fds_init(struct listen_fds *l)
{
    memset(l, 0, sizeof *l);
    long count = number_in("LISTEN_PID") == (long)getpid() ? number_in("LISTEN_FDS") : 0;
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    for (int fd = FIRST; fd < FIRST + count && l->count < LISTEN_FDS_MOST; fd++) {
        if (!is_listening(fd))
            continue;
        fcntl(fd, F_SETFD, FD_CLOEXEC);
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
        l->fds[l->count++] = fd;
    }
}

void listen_fds_fini(struct listen_fds *l)
{
    for (size_t i = 0; i < l->count; i++)
        close(l->fds[i]);
    l->count = 0;
}

static bool is_same(const struct sockaddr *a, const struct sockaddr *b)
{
    if (a->sa_family != b->sa_family)
        return false;
    const struct sockaddr_in *a4 = (const void *)a, *b4 = (const void *)b;
    const struct sockaddr_in6 *a6 = (const void *)a, *b6 = (const void *)b;
    const struct sockaddr_un *au = (const void *)a, *bu = (const void *)b;
    switch (a->sa_family) {
    case AF_INET: return a4->sin_port == b4->sin_port && a4->sin_addr.s_addr == b4->sin_addr.s_addr;
    case AF_INET6:
        return a6->sin6_port == b6->sin6_port &&
               memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof a6->sin6_addr) == 0;
    case AF_UNIX: return strncmp(au->sun_path, bu->sun_path, sizeof au->sun_path) == 0;
    default: return false;
    }
}

int listen_fds_take(struct listen_fds *l, const struct sockaddr *address)
{
    for (size_t i = 0; i < l->count; i++) {
        struct sockaddr_storage own;
        socklen_t own_len = sizeof own;
        memset(&own, 0, sizeof own);
        if (getsockname(l->fds[i], (struct sockaddr *)&own, &own_len) != 0 ||
            !is_same(address, (const struct sockaddr *)&own))
            continue;
        l->used[i] = true;
        return fcntl(l->fds[i], F_DUPFD_CLOEXEC, FIRST);
    }
    return -1;
}

size_t listen_fds_unused(const struct listen_fds *l)
{
    size_t unused = 0;
    for (size_t i = 0; i < l->count; i++)
        unused += !l->used[i];
    return unused;
}
