/* From a specification in text ("tcp://10.0.0.1:6780", "ipc://run/control") to a bound or connected
 * ZeroMQ socket, and the one rule of where messages may travel in the open: plain only on this
 * machine (ipc, inproc, loopback), elsewhere with CURVE keys or by an explicit "insecure".
 *
 * No loop, no protocol. A struct link_security and the strings in it are borrowed for the call. */
#ifndef PROTO_LINK_ENDPOINT_H
#define PROTO_LINK_ENDPOINT_H

#include "proto/base/error.h"
#include "proto/base/slice.h"

#include <stdbool.h>
#include <stddef.h>

#define ENDPOINT_MAX 256 /* bytes of a specification, with NUL */

/* CURVE keys in Z85 (40 characters each). */
struct link_keys {
    const char *public_key;
    const char *secret_key;
    const char *server_key; /* the peer's public key; only for connecting */
};

struct link_security {
    const struct link_keys *keys; /* NULL: plain */
    bool insecure;                /* plain is allowed everywhere */
    const char *zap_domain;       /* binding with keys: what the ZAP handler knows the socket by */
};

enum endpoint_use { ENDPOINT_BIND, ENDPOINT_CONNECT };

/* Is `spec` one of tcp://HOST:PORT, ipc://PATH, inproc://NAME? `*` as host or port only makes sense
 * for binding. ERROR_USAGE with what was expected. */
int endpoint_check(const char *spec, enum endpoint_use use, struct error *e);

/* Does it stay on this machine? Names other than "localhost" count as elsewhere. */
bool endpoint_is_local(const char *spec);

/* Binds. `actual` (ENDPOINT_MAX bytes, may be NULL) gets the endpoint with the real port. A stale
 * ipc path is replaced. ERROR_USAGE, ERROR_DENIED (plain in the open), ERROR_IO (in use …). */
int endpoint_bind(void *socket, const char *spec, const struct link_security *security,
                  char *actual, struct error *e);

/* Connects, in the background as ZeroMQ does. ERROR_USAGE, ERROR_DENIED, ERROR_IO. */
int endpoint_connect(void *socket, const char *spec, const struct link_security *security,
                     struct error *e);

/* An advertised endpoint as seen from a client that reached the advertiser at `via`: a wildcard
 * host (0.0.0.0, ::, *) becomes the host of `via`. Writes ENDPOINT_MAX bytes at most. -1 when it
 * does not fit. */
int endpoint_resolve(struct slice advertised, const char *via, char out[ENDPOINT_MAX],
                     struct error *e);

/* The next specification of a comma-separated list: copies it to `out`, moves *list behind it;
 * false at the end. Blanks around specifications are ignored. */
bool endpoint_next(const char **list, char out[ENDPOINT_MAX]);

#endif
