/* The TLS transport: what runs on a connection of a server with use_ssl. A connection keeps the
 * context that its set had when it began.
 *
 * An idle connection costs what the library keeps for it, 34 KiB: two records of 16 KiB,
 * whose size is fixed when the library is built. */
#ifndef NODE_TLS_TLS_H
#define NODE_TLS_TLS_H

#include "node/io/conn.h"
#include "node/io/transport.h"
#include "node/tls/context.h"

#include <stdbool.h>

/* Its set's transport_config is the struct tls_context, borrowed while it is the set's. */
extern const struct transport_ops transport_tls;

/* The certificate that a client has shown. */
struct tls_peer {
    /* In the form that Mongrel2 gives it: 40 upper-case hex digits and "00". */
    char sha1[43];
    char sha256[65];
    bool is_verified;  /* it is valid and comes from one of ssl.ca_chain */
    char subject[512]; /* its distinguished name; "" when it is longer */
};

/* NULL when the connection is not encrypted, or the client has shown none. Valid as long as the
 * connection; made when it is first asked for. */
const struct tls_peer *tls_peer(const struct conn *c);

/* The library's callback for the server name; `context` is the struct tls_context. */
int tls_on_server_name(void *context, mbedtls_ssl_context *ssl, const unsigned char *name,
                       size_t len);

#endif
