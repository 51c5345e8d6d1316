/* The library's own tickets cannot be bound to a scope, and their keys cannot be given to another
 * process. */

#include "node/tls/tickets.h"

#include <mbedtls/platform_util.h>
#include <string.h>

enum {
    NONCE_BYTES = 12,
    TAG_BYTES = 16,
    ISSUED_BYTES = 8,
    HEAD_BYTES = TICKET_NAME_BYTES + NONCE_BYTES,
    COVERED_BYTES = TICKET_NAME_BYTES + SESSION_SCOPE_BYTES,
};

void tickets_init(struct tickets *t, struct random *random, const int64_t *now_s)
{
    memset(t, 0, sizeof *t);
    t->random = random;
    t->now_s = now_s;
    for (int i = 0; i < 2; i++)
        mbedtls_gcm_init(&t->keys[i].gcm);
}

void tickets_fini(struct tickets *t)
{
    for (int i = 0; i < 2; i++) {
        mbedtls_gcm_free(&t->keys[i].gcm);
        mbedtls_platform_zeroize(&t->keys[i].key, sizeof t->keys[i].key);
    }
}

int tickets_install(struct tickets *t, const struct ticket_key *key)
{
    mbedtls_gcm_context fresh;
    mbedtls_gcm_init(&fresh);
    if (mbedtls_gcm_setkey(&fresh, MBEDTLS_CIPHER_ID_AES, key->secret, 8 * TICKET_SECRET_BYTES) !=
        0) {
        mbedtls_gcm_free(&fresh);
        return -1;
    }
    mbedtls_gcm_free(&t->keys[1].gcm);
    t->keys[1] = t->keys[0];
    t->keys[0].key = *key;
    t->keys[0].gcm = fresh;
    t->keys[0].is_set = true;
    return 0;
}

bool tickets_has(const struct tickets *t, const unsigned char name[TICKET_NAME_BYTES])
{
    for (int i = 0; i < 2; i++)
        if (t->keys[i].is_set && memcmp(t->keys[i].key.name, name, TICKET_NAME_BYTES) == 0)
            return true;
    return false;
}

/* Makes a key when there is none that may still seal. */
static int renew(struct tickets *t)
{
    struct ticket_key key = {.since_s = *t->now_s};
    if (t->keys[0].is_set && *t->now_s - t->keys[0].key.since_s < SESSION_LIFETIME_S)
        return 0;
    int result = random_bytes(t->random, key.name, sizeof key.name);
    if (result == 0)
        result = random_bytes(t->random, key.secret, sizeof key.secret);
    if (result == 0 && tickets_install(t, &key) != 0)
        result = MBEDTLS_ERR_SSL_INTERNAL_ERROR;
    mbedtls_platform_zeroize(&key, sizeof key);
    return result;
}

static void put_covered(unsigned char out[COVERED_BYTES], const struct ticket_key *key,
                        const unsigned char *scope)
{
    memcpy(out, key->name, TICKET_NAME_BYTES);
    memcpy(out + TICKET_NAME_BYTES, scope, SESSION_SCOPE_BYTES);
}

static void put_time(unsigned char out[ISSUED_BYTES], int64_t s)
{
    for (int i = 0; i < ISSUED_BYTES; i++)
        out[i] = (unsigned char)((uint64_t)s >> (8 * (ISSUED_BYTES - 1 - i)));
}

static int64_t get_time(const unsigned char in[ISSUED_BYTES])
{
    uint64_t s = 0;
    for (int i = 0; i < ISSUED_BYTES; i++)
        s = s << 8 | in[i];
    return (int64_t)s;
}

int tickets_seal(struct tickets *t, const unsigned char scope[SESSION_SCOPE_BYTES],
                 const mbedtls_ssl_session *session, unsigned char *start, const unsigned char *end,
                 size_t *len, uint32_t *lifetime_s)
{
    unsigned char covered[COVERED_BYTES], *body = start + HEAD_BYTES;
    size_t session_len;
    *len = 0;
    if ((size_t)(end - start) < HEAD_BYTES + ISSUED_BYTES + TAG_BYTES)
        return MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL;
    int result = renew(t);
    if (result == 0)
        result = mbedtls_ssl_session_save(session, body + ISSUED_BYTES,
                                          (size_t)(end - body) - ISSUED_BYTES - TAG_BYTES,
                                          &session_len);
    if (result == 0)
        result = random_bytes(t->random, start + TICKET_NAME_BYTES, NONCE_BYTES);
    if (result != 0)
        return result;
    const struct ticket_key *key = &t->keys[0].key;
    memcpy(start, key->name, TICKET_NAME_BYTES);
    put_time(body, *t->now_s);
    put_covered(covered, key, scope);
    size_t body_len = ISSUED_BYTES + session_len;
    *len = HEAD_BYTES + body_len + TAG_BYTES;
    *lifetime_s = SESSION_LIFETIME_S;
    return mbedtls_gcm_crypt_and_tag(&t->keys[0].gcm, MBEDTLS_GCM_ENCRYPT, body_len,
                                     start + TICKET_NAME_BYTES, NONCE_BYTES, covered,
                                     sizeof covered, body, body, TAG_BYTES, body + body_len);
}

int tickets_open(struct tickets *t, const unsigned char scope[SESSION_SCOPE_BYTES],
                 mbedtls_ssl_session *session, unsigned char *ticket, size_t len)
{
    unsigned char covered[COVERED_BYTES], *body = ticket + HEAD_BYTES;
    if (len < HEAD_BYTES + ISSUED_BYTES + TAG_BYTES)
        return MBEDTLS_ERR_SSL_BAD_INPUT_DATA;
    int i = 0;
    while (i < 2 &&
           !(t->keys[i].is_set && memcmp(t->keys[i].key.name, ticket, TICKET_NAME_BYTES) == 0))
        i++;
    if (i == 2 || *t->now_s - t->keys[i].key.since_s >= 2 * SESSION_LIFETIME_S)
        return MBEDTLS_ERR_SSL_INVALID_MAC;
    size_t body_len = len - HEAD_BYTES - TAG_BYTES;
    put_covered(covered, &t->keys[i].key, scope);
    if (mbedtls_gcm_auth_decrypt(&t->keys[i].gcm, body_len, ticket + TICKET_NAME_BYTES, NONCE_BYTES,
                                 covered, sizeof covered, body + body_len, TAG_BYTES, body,
                                 body) != 0)
        return MBEDTLS_ERR_SSL_INVALID_MAC;
    if (*t->now_s - get_time(body) >= SESSION_LIFETIME_S)
        return MBEDTLS_ERR_SSL_SESSION_TICKET_EXPIRED;
    return mbedtls_ssl_session_load(session, body + ISSUED_BYTES, body_len - ISSUED_BYTES);
}
