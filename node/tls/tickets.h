/* Session tickets (RFC 5077): the session sealed with a key that only we know, kept by the client.
 *
 *     KEY_NAME[16] NONCE[12] AES-256-GCM(ISSUED_S[8] SESSION) TAG[16]
 *
 * The seal also covers the scope (see sessions.h), which is not sent. A key seals for
 * SESSION_LIFETIME_S and opens for as long again; then it is gone, and with it what could be read
 * of recorded traffic. Keys live as long as the process, whatever its configuration does. */
#ifndef NODE_TLS_TICKETS_H
#define NODE_TLS_TICKETS_H

#include "node/tls/library.h"
#include "node/tls/sessions.h"

#include <mbedtls/gcm.h>
#include <stdbool.h>
#include <stdint.h>

#define TICKET_NAME_BYTES   16
#define TICKET_SECRET_BYTES 32

struct ticket_key {
    unsigned char name[TICKET_NAME_BYTES];
    unsigned char secret[TICKET_SECRET_BYTES];
    int64_t since_s; /* when it began to seal */
};

struct tickets {
    struct {
        struct ticket_key key;
        mbedtls_gcm_context gcm;
        bool is_set;
    } keys[2]; /* the newest first */
    struct random *random;
    const int64_t *now_s;
};

void tickets_init(struct tickets *t, struct random *random,
                  const int64_t *now_s); /* borrows both */
void tickets_fini(struct tickets *t);

/* Seals with this key from now on; the newest of those before still opens. Whoever gives several
 * nodes the same keys lets clients resume at any of them. 0, or -1 when the library refuses it. */
int tickets_install(struct tickets *t, const struct ticket_key *key);

/* Has it a key of this name? */
bool tickets_has(const struct tickets *t, const unsigned char name[TICKET_NAME_BYTES]);

/* Writes the ticket of a session to `start`, at most up to `end`. 0 or an error of the library. */
int tickets_seal(struct tickets *t, const unsigned char scope[SESSION_SCOPE_BYTES],
                 const mbedtls_ssl_session *session, unsigned char *start, const unsigned char *end,
                 size_t *len, uint32_t *lifetime_s);
/* Opens it, in place, and fills *session. 0 or an error of the library. */
int tickets_open(struct tickets *t, const unsigned char scope[SESSION_SCOPE_BYTES],
                 mbedtls_ssl_session *session, unsigned char *ticket, size_t len);

#endif
