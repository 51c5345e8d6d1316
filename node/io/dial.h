/* Opening a connection to another server without blocking: one address, one attempt, one deadline.
 * Which address, and what to do when it fails, is the caller's business. */
#ifndef NODE_IO_DIAL_H
#define NODE_IO_DIAL_H

#include "node/io/deadline.h"
#include "node/io/loop.h"

#include <stdbool.h>
#include <sys/socket.h>

struct dial_address {
    struct sockaddr_storage sa;
    socklen_t len;
};

/* Reads "unix:/path", "1.2.3.4:80" or "[::1]:80". 0; 1 when the host is a name (see resolve.h); -1
 * when it is none of these. */
int dial_address_parse(struct dial_address *a, const char *spec);

struct dial {
    struct ev_io io;
    struct deadline deadline;
    struct loop_task at_once;
    struct loop *loop;
    int fd;    /* -1: nothing under way */
    int error; /* errno of an attempt that failed at once */
    /* The attempt has ended: `fd` is connected, non-blocking and the callee's; or -1 and `error` is
     * an errno (ETIMEDOUT when the time was over). Never called from inside dial_start. */
    void (*done)(struct dial *d, int fd, int error);
};

void dial_init(struct dial *d, struct loop *loop, void (*done)(struct dial *, int, int));
void dial_start(struct dial *d, struct deadlines *deadlines, const struct dial_address *a,
                unsigned timeout_ms);
bool dial_is_active(const struct dial *d);
void dial_cancel(struct dial *d); /* `done` is not called; fine when nothing is under way */

#endif
