/* The order of the groups is the server's choice; X25519 is Mozilla's first, and in 2.28 a fifth
 * faster than P-256. */

#include "node/tls/library.h"

#include <mbedtls/error.h>
#include <mbedtls/version.h>
#include <stdio.h>

#if MBEDTLS_VERSION_NUMBER >= 0x03000000
#define IS_3 1
#include <psa/crypto.h>
#else
#define IS_3 0
#endif

int random_init(struct random *r, struct error *e)
{
    char text[160];
#if IS_3
    if (psa_crypto_init() != PSA_SUCCESS)
        return error_set(e, ERROR_INTERNAL, "mbedTLS cannot start its cryptography.");
#endif
    mbedtls_entropy_init(&r->entropy);
    mbedtls_ctr_drbg_init(&r->drbg);
    int result = mbedtls_ctr_drbg_seed(&r->drbg, mbedtls_entropy_func, &r->entropy, NULL, 0);
    if (result == 0)
        return 0;
    random_fini(r);
    return error_set(e, ERROR_INTERNAL, "mbedTLS finds no random bytes: %s.",
                     library_error_text(result, text));
}

void random_fini(struct random *r)
{
    mbedtls_ctr_drbg_free(&r->drbg);
    mbedtls_entropy_free(&r->entropy);
}

int random_bytes(void *random, unsigned char *out, size_t len)
{
    return mbedtls_ctr_drbg_random(&((struct random *)random)->drbg, out, len);
}

const char *library_error_text(int code, char out[160])
{
    mbedtls_strerror(code, out, 160);
    return out;
}

int library_parse_key(mbedtls_pk_context *key, const unsigned char *bytes, size_t len,
                      struct random *random)
{
#if IS_3
    return mbedtls_pk_parse_key(key, bytes, len, NULL, 0, random_bytes, random);
#else
    (void)random;
    return mbedtls_pk_parse_key(key, bytes, len, NULL, 0);
#endif
}

int library_check_pair(const mbedtls_x509_crt *certificate, const mbedtls_pk_context *key,
                       struct random *random)
{
#if IS_3
    return mbedtls_pk_check_pair(&certificate->pk, key, random_bytes, random);
#else
    (void)random;
    return mbedtls_pk_check_pair(&certificate->pk, key);
#endif
}

void library_set_profile(mbedtls_ssl_config *conf)
{
#if IS_3
    static const uint16_t groups[] = {
        MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1, MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
        MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1, MBEDTLS_SSL_IANA_TLS_GROUP_NONE};
    mbedtls_ssl_conf_groups(conf, groups);
    mbedtls_ssl_conf_min_tls_version(conf, MBEDTLS_SSL_VERSION_TLS1_2);
    mbedtls_ssl_conf_preference_order(conf, MBEDTLS_SSL_SRV_CIPHERSUITE_ORDER_SERVER);
#else
    static const mbedtls_ecp_group_id groups[] = {MBEDTLS_ECP_DP_CURVE25519,
                                                  MBEDTLS_ECP_DP_SECP256R1,
                                                  MBEDTLS_ECP_DP_SECP384R1, MBEDTLS_ECP_DP_NONE};
    static const int hashes[] = {MBEDTLS_MD_SHA256, MBEDTLS_MD_SHA384, MBEDTLS_MD_SHA512,
                                 MBEDTLS_MD_NONE};
    mbedtls_ssl_conf_curves(conf, groups);
    mbedtls_ssl_conf_sig_hashes(conf, hashes);
    mbedtls_ssl_conf_min_version(conf, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
#endif
    mbedtls_ssl_conf_cert_profile(conf, &mbedtls_x509_crt_profile_next);
#if defined(MBEDTLS_SSL_RENEGOTIATION)
    mbedtls_ssl_conf_renegotiation(conf, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
#endif
}

void library_set_clients_known(mbedtls_ssl_config *conf)
{
#if defined(MBEDTLS_SSL_PROTO_TLS1_3)
    mbedtls_ssl_conf_new_session_tickets(conf, 0);
#else
    (void)conf;
#endif
}

#if IS_3
static int get_session(void *store, const unsigned char *id, size_t len,
                       mbedtls_ssl_session *session)
{
    struct session_store *s = store;
    return s->get(s, id, len, session);
}

static int put_session(void *store, const unsigned char *id, size_t len,
                       const mbedtls_ssl_session *session)
{
    struct session_store *s = store;
    return s->put(s, id, len, session);
}
#else
static int get_session(void *store, mbedtls_ssl_session *session)
{
    struct session_store *s = store;
    return s->get(s, session->id, session->id_len, session);
}

static int put_session(void *store, const mbedtls_ssl_session *session)
{
    struct session_store *s = store;
    return s->put(s, session->id, session->id_len, session);
}
#endif

void library_set_session_store(mbedtls_ssl_config *conf, struct session_store *s)
{
    mbedtls_ssl_conf_session_cache(conf, s, get_session, put_session);
}
