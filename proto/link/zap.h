/* Answers libzmq's questions whether a CURVE handshake may go on: the ZAP handler of a ZeroMQ
 * context (ZeroMQ RFC 27). One per context, opened before the sockets whose peers it judges and
 * closed after them: without it libzmq lets every key in. On the loop: whom it admits can change at
 * any time. */
#ifndef PROTO_LINK_ZAP_H
#define PROTO_LINK_ZAP_H

#include "proto/base/error.h"
#include "proto/link/evzmq.h"
#include "proto/link/keyring.h"

#include <stdbool.h>
#include <stdint.h>

struct zap {
    void *socket;
    struct evzmq z;
    /* May a peer at this address, with this key in Z85, use a socket of this ZAP domain? */
    bool (*admit)(void *arg, struct slice domain, const char *key, struct slice address);
    void *arg;
    uint64_t admitted, refused;
};

int zap_open(struct zap *z, struct ev_loop *loop, void *zmq,
             bool (*admit)(void *arg, struct slice domain, const char *key, struct slice address),
             void *arg, struct error *e);
/* Begins to answer; until then handshakes wait. Fine when it has begun. */
int zap_start(struct zap *z, struct error *e);
void zap_close(struct zap *z); /* fine when not open */

/* With what key (Z85) a message came; SLICE_EMPTY on a plain connection. Borrows from the message.
 */
struct slice zap_key_of(zmq_msg_t *message);

#endif
