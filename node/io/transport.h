/* Bytes below the session: plain TCP or unix sockets, TLS, the header of a PROXY protocol. All
 * calls are non-blocking. */
#ifndef NODE_IO_TRANSPORT_H
#define NODE_IO_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct conn;
struct iovec;

struct transport_ops {
    const char *name; /* "plain", "tls" */
    bool is_secure;   /* encrypted: https */
    /* A connection begins on it. -1: out of memory. NULL: nothing to do. */
    int (*open)(struct conn *c);
    /* Whether what has to come first (a handshake, a header) has; until then the time is limited.
     * NULL: nothing has to. */
    bool (*is_open)(const struct conn *c);
    /* As read(2): bytes, 0 at the end of the stream, -1 with errno (EAGAIN: later, EPROTO: what
     * came makes no sense on this transport). With EAGAIN it may set c->read_wants_write: it goes
     * on when it can write. */
    ssize_t (*read)(struct conn *c, void *into, size_t room);
    /* Bytes have been taken off the socket that read() has not given yet: no event will tell of
     * them. NULL: never. */
    bool (*has_pending)(const struct conn *c);
    /* As writev(2). After EAGAIN the same bytes are offered again, with more behind them perhaps.
     */
    ssize_t (*write)(struct conn *c, const struct iovec *vectors, int count);
    /* As sendfile(2); *from is advanced. NULL: the caller reads and writes. */
    ssize_t (*sendfile)(struct conn *c, int fd, off_t *from, size_t len);
    /* Says that nothing more will be written; -1 with errno EAGAIN when that has to wait. NULL:
     * nothing to say. */
    int (*end)(struct conn *c);
    /* Frees its state; the socket is the caller's. NULL is fine. */
    void (*close)(struct conn *c);
};

extern const struct transport_ops transport_plain; /* TLS is in node/tls */
/* First reads a PROXY protocol header, then becomes the transport of the set. */
extern const struct transport_ops transport_proxied;

#endif
