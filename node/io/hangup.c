/* One shot per descriptor: level-triggered it would wake the loop until someone reads. */

#include "node/io/hangup.h"

#include "proto/base/list.h"

#include <stddef.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { BATCH = 64 };

static void on_events(struct ev_loop *ev, struct ev_io *io, int events)
{
    (void)ev, (void)events;
    struct hangups *h = container_of(io, struct hangups, io);
    struct epoll_event gone[BATCH];
    int count = epoll_wait(h->epoll, gone, BATCH, 0);
    for (int i = 0; i < count; i++)
        h->gone(gone[i].data.ptr, (gone[i].events & EPOLLERR) != 0);
}

void hangups_init(struct hangups *h, struct ev_loop *ev, void (*gone)(void *owner, bool broken))
{
    *h = (struct hangups){.ev = ev, .epoll = -1, .gone = gone};
}

void hangups_fini(struct hangups *h)
{
    if (h->epoll < 0)
        return;
    ev_io_stop(h->ev, &h->io);
    close(h->epoll);
    h->epoll = -1;
}

static int begin(struct hangups *h)
{
    h->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (h->epoll < 0)
        return -1;
    ev_io_init(&h->io, on_events, h->epoll, EV_READ);
    ev_io_start(h->ev, &h->io);
    return 0;
}

int hangups_add(struct hangups *h, int fd, void *owner)
{
    if (h->epoll < 0 && begin(h) != 0)
        return -1;
    struct epoll_event want = {.events = EPOLLRDHUP | EPOLLONESHOT, .data.ptr = owner};
    return epoll_ctl(h->epoll, EPOLL_CTL_ADD, fd, &want);
}

void hangups_remove(struct hangups *h, int fd)
{
    epoll_ctl(h->epoll, EPOLL_CTL_DEL, fd, NULL);
}
