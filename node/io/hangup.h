/* Peers that leave while their connection is not read. Who does not read a socket sees its end only
 * behind the bytes before it; the kernel knows at once (EPOLLRDHUP), but libev does not ask.
 *
 * An epoll of its own, made with the first use and watched by the loop. */
#ifndef NODE_IO_HANGUP_H
#define NODE_IO_HANGUP_H

#include <ev.h>
#include <stdbool.h>

struct hangups {
    struct ev_loop *ev;
    int epoll; /* -1: none yet */
    struct ev_io io;
    /* The peer of `owner` has shut its direction, or (`broken`) the connection is lost. Once per
     * hangups_add; may call hangups_remove for any. */
    void (*gone)(void *owner, bool broken);
};

void hangups_init(struct hangups *h, struct ev_loop *ev, void (*gone)(void *owner, bool broken));
void hangups_fini(struct hangups *h);

/* Watches `fd` until it is gone or removed. -1 when the kernel refuses. */
int hangups_add(struct hangups *h, int fd, void *owner);
void hangups_remove(struct hangups *h, int fd);

#endif
