/* Bytes below the session: plain TCP or unix sockets now, TLS the same way. All calls are
 * non-blocking. */
#ifndef NODE_IO_TRANSPORT_H
#define NODE_IO_TRANSPORT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct conn;
struct iovec;

struct transport_ops {
    const char *name; /* "plain", "tls" */
    /* A connection begins on it. -1: out of memory. NULL: nothing to do. */
    int (*open)(struct conn *c);
    /* As read(2): bytes, 0 at the end of the stream, -1 with errno (EAGAIN: later, EPROTO: what
     * came makes no sense on this transport). */
    ssize_t (*read)(struct conn *c, void *into, size_t room);
    /* As writev(2). */
    ssize_t (*write)(struct conn *c, const struct iovec *vectors, int count);
    /* As sendfile(2); *from is advanced. NULL: the caller reads and writes. */
    ssize_t (*sendfile)(struct conn *c, int fd, off_t *from, size_t len);
    /* Frees its state; the socket is the caller's. NULL is fine. */
    void (*close)(struct conn *c);
};

extern const struct transport_ops transport_plain;
/* First reads a PROXY protocol header, then becomes the transport of the set. */
extern const struct transport_ops transport_proxied;

#endif
