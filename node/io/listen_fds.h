/* Listening sockets that were handed over at the start: by systemd (systemd.socket(5), the protocol
 * is in sd_listen_fds(3)) or by whoever wants no connection attempt to be lost over a restart. A
 * listener whose address is that of one of them takes it instead of binding.
 *
 * They are kept as long as the process lives: a configuration may leave an address and come back.
 */
#ifndef NODE_IO_LISTEN_FDS_H
#define NODE_IO_LISTEN_FDS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define LISTEN_FDS_MOST 64

struct listen_fds {
    int fds[LISTEN_FDS_MOST];
    bool used[LISTEN_FDS_MOST];
    size_t count;
};

/* Reads LISTEN_PID and LISTEN_FDS, which are removed from the environment, and keeps what listens:
 * non-blocking, closed on exec. To be called before a fork. */
void listen_fds_init(struct listen_fds *l);
void listen_fds_fini(struct listen_fds *l); /* closes them */

/* A descriptor of its own for the socket that is bound to this address, the caller's to close; -1:
 * there is none. */
int listen_fds_take(struct listen_fds *l, const struct sockaddr *address);

/* How many nobody has taken yet. */
size_t listen_fds_unused(const struct listen_fds *l);

#endif
