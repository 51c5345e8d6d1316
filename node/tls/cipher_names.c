/* mbedTLS names its suites as IANA does, with '-' for '_'. OpenSSL's names follow no rule that
 * would be shorter than their table. */

#include "node/tls/cipher_names.h"

#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ciphersuites.h>
#include <mbedtls/version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_ROOM = 96, SUITES_MAX = 128 };

static const int intermediate[] = {
#if defined(MBEDTLS_SSL_PROTO_TLS1_3)
    MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
    MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
    MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
#endif
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    0,
};

static const struct alias {
    const char *name;
    int suite;
} aliases[] = {
    /* upstream's, from before it took the library's names */
    {"SSL-RSA-DES-168-SHA", 0x000A},
    {"SSL-EDH-RSA-DES-168-SHA", 0x0016},
    {"SSL-RSA-AES-128-SHA", 0x002F},
    {"SSL-EDH-RSA-AES-128-SHA", 0x0033},
    {"SSL-RSA-AES-256-SHA", 0x0035},
    {"SSL-EDH-RSA-AES-256-SHA", 0x0039},
    {"SSL-RSA-CAMELLIA-128-SHA", 0x0041},
    {"SSL-RSA-CAMELLIA-256-SHA", 0x0084},
    /* OpenSSL's */
    {"ECDHE-ECDSA-AES128-GCM-SHA256", 0xC02B},
    {"ECDHE-RSA-AES128-GCM-SHA256", 0xC02F},
    {"ECDHE-ECDSA-AES256-GCM-SHA384", 0xC02C},
    {"ECDHE-RSA-AES256-GCM-SHA384", 0xC030},
    {"ECDHE-ECDSA-CHACHA20-POLY1305", 0xCCA9},
    {"ECDHE-RSA-CHACHA20-POLY1305", 0xCCA8},
    {"DHE-RSA-AES128-GCM-SHA256", 0x009E},
    {"DHE-RSA-AES256-GCM-SHA384", 0x009F},
    {"DHE-RSA-CHACHA20-POLY1305", 0xCCAA},
    {"ECDHE-ECDSA-AES128-CCM", 0xC0AC},
    {"ECDHE-ECDSA-AES256-CCM", 0xC0AD},
    {"ECDHE-ECDSA-AES128-SHA256", 0xC023},
    {"ECDHE-RSA-AES128-SHA256", 0xC027},
    {"ECDHE-ECDSA-AES256-SHA384", 0xC024},
    {"ECDHE-RSA-AES256-SHA384", 0xC028},
    {"ECDHE-ECDSA-AES128-SHA", 0xC009},
    {"ECDHE-RSA-AES128-SHA", 0xC013},
    {"ECDHE-ECDSA-AES256-SHA", 0xC00A},
    {"ECDHE-RSA-AES256-SHA", 0xC014},
    {"DHE-RSA-AES128-SHA256", 0x0067},
    {"DHE-RSA-AES256-SHA256", 0x006B},
    {"DHE-RSA-AES128-SHA", 0x0033},
    {"DHE-RSA-AES256-SHA", 0x0039},
    {"AES128-GCM-SHA256", 0x009C},
    {"AES256-GCM-SHA384", 0x009D},
    {"AES128-SHA256", 0x003C},
    {"AES256-SHA256", 0x003D},
    {"AES128-SHA", 0x002F},
    {"AES256-SHA", 0x0035},
};

const int *cipher_names_default(void)
{
    return intermediate;
}

static void normalize(struct slice name, char out[NAME_ROOM])
{
    size_t len = name.len < NAME_ROOM - 1 ? name.len : NAME_ROOM - 1;
    for (size_t i = 0; i < len; i++) {
        char c = name.ptr[i];
        out[i] = c == '_' ? '-' : c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
    }
    out[len] = '\0';
}

/* 0: nobody knows it. The library may still not have the suite. */
static int suite_of(const char *name)
{
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (strcmp(name, aliases[i].name) == 0)
            return aliases[i].suite;
    int suite = mbedtls_ssl_get_ciphersuite_id(name);
    if (suite == 0 && strncmp(name, "TLS-", 4) == 0) { /* IANA's names of TLS 1.3 */
        char of_1_3[NAME_ROOM + 8];
        snprintf(of_1_3, sizeof of_1_3, "TLS1-3-%s", name + 4);
        suite = mbedtls_ssl_get_ciphersuite_id(of_1_3);
    }
    return suite;
}

static int add(int *suites, size_t *count, struct slice word, struct error *e)
{
    char name[NAME_ROOM];
    normalize(word, name);
    int suite = suite_of(name);
    if (suite == 0)
        return error_set(e, ERROR_INVALID,
                         "ssl_ciphers names \"%.*s\", which is no cipher suite of "
                         "the TLS library.",
                         (int)(word.len < 80 ? word.len : 80), word.ptr);
    if (mbedtls_ssl_ciphersuite_from_id(suite) == NULL)
        return error_set(e, ERROR_UNSUPPORTED,
                         "ssl_ciphers names \"%s\", which the TLS library no "
                         "longer has.",
                         name);
    if (*count == SUITES_MAX)
        return error_set(e, ERROR_TOO_LARGE, "ssl_ciphers names more than %d cipher suites.",
                         SUITES_MAX);
    suites[(*count)++] = suite;
    return 0;
}

int *cipher_names_parse(struct slice names, struct error *e)
{
    int *suites = calloc(SUITES_MAX + 1, sizeof *suites);
    size_t count = 0;
    if (suites == NULL) {
        error_set(e, ERROR_NO_MEMORY, "Out of memory.");
        return NULL;
    }
    for (size_t at = 0; at < names.len;) {
        size_t end = at;
        while (end < names.len && names.ptr[end] != ' ')
            end++;
        if (end > at && add(suites, &count, slice_of(names.ptr + at, end - at), e) != 0) {
            free(suites);
            return NULL;
        }
        at = end + 1;
    }
    if (count > 0)
        return suites;
    error_set(e, ERROR_INVALID, "ssl_ciphers names no cipher suite.");
    free(suites);
    return NULL;
}
