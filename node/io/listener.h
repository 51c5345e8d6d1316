/* One listening socket: accepts in batches, makes conns. Bound in two steps, because binding can
 * fail (it belongs to the build of a configuration) and accepting cannot: open, then start.
 *
 * Identity is its address text ("0.0.0.0:6767", "[::1]:80", "unix:/path"): a new configuration that
 * names the same address keeps the socket. Out of descriptors it pauses for a moment instead of
 * spinning. */
#ifndef NODE_IO_LISTENER_H
#define NODE_IO_LISTENER_H

#include "node/io/conn.h"
#include "node/io/listen_fds.h"
#include "proto/base/error.h"

#include <stdbool.h>

struct listener;

struct listener_options {
    struct listen_fds *inherited; /* sockets to be taken where the address is theirs; NULL: none */
    bool reuse_port;              /* SO_REUSEPORT: several nodes of one host share the port */
    bool tcp_keepalive;           /* inherited by accepted sockets */
};

/* Binds and listens on a numeric IPv4 or IPv6 address ("unix:/path" ignores the port). NULL on
 * failure. */
struct listener *listener_open(const char *address, unsigned port,
                               const struct listener_options *options, struct error *e);
/* The identity that listener_open would give. Returns its length. */
size_t listener_identity_of(const char *address, unsigned port, char out[128]);
const char *listener_identity(const struct listener *l);

/* Begins to accept connections into `set` with this first session. */
void listener_start(struct listener *l, struct conns *set, const struct session_ops *session);
void listener_stop(struct listener *l); /* the socket stays bound */
/* As listener_close, but the connections that wait to be accepted are accepted first: their clients
 * take them for made. */
void listener_finish(struct listener *l);
void listener_close(struct listener *l); /* NULL is fine */

/* The port it is bound to (useful after binding port 0); 0 for unix sockets. */
unsigned listener_port(const struct listener *l);
uint64_t listener_accept_errors(const struct listener *l);

#endif
