/* mbedTLS as the node uses it: what differs between 2.28 and 3.x is here and nowhere else. */
#ifndef NODE_TLS_LIBRARY_H
#define NODE_TLS_LIBRARY_H

#include "proto/base/error.h"

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/ssl.h>
#include <stddef.h>

/* The source of random bytes of one loop. */
struct random {
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context drbg;
};

int random_init(struct random *r, struct error *e); /* also gets the library ready */
void random_fini(struct random *r);
/* As mbedTLS wants it: `random` is a struct random. 0 or an error of the library. */
int random_bytes(void *random, unsigned char *out, size_t len);

/* What the library says about an error, without a full stop. Returns `out`. */
const char *library_error_text(int code, char out[160]);

/* Parses a private key without passphrase; `bytes` ends in a NUL that counts. */
int library_parse_key(mbedtls_pk_context *key, const unsigned char *bytes, size_t len,
                      struct random *random);
/* 0 when the private key belongs to the certificate. */
int library_check_pair(const mbedtls_x509_crt *certificate, const mbedtls_pk_context *key,
                       struct random *random);

/* Protocol versions, groups, signatures, order of preference: Mozilla's intermediate profile. */
void library_set_profile(mbedtls_ssl_config *conf);

/* Clients show certificates: gives out no tickets of TLS 1.3, whose sessions do not remember them,
 * so that who resumed one would be nobody. (Those of TLS 1.2 do.) */
void library_set_clients_known(mbedtls_ssl_config *conf);

/* Where sessions are kept by id. */
struct session_store {
    /* 0 when *session was filled. */
    int (*get)(struct session_store *s, const unsigned char *id, size_t len,
               mbedtls_ssl_session *session);
    int (*put)(struct session_store *s, const unsigned char *id, size_t len,
               const mbedtls_ssl_session *session);
};
void library_set_session_store(mbedtls_ssl_config *conf, struct session_store *s); /* borrows */

#endif
