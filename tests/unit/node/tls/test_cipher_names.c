/* ssl_ciphers in every spelling. */

#include "node/tls/cipher_names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_spellings(void **state)
{
    (void)state;
    static const struct {
        const char *names;
        int first, second; /* 0: no more */
        const char *says;  /* NULL: fine */
    } cases[] = {
        {"TLS-ECDHE-RSA-WITH-AES-128-GCM-SHA256", 0xC02F, 0, NULL},
        {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", 0xC02F, 0, NULL},
        {"tls_ecdhe-rsa_with-aes-128-gcm-sha256", 0xC02F, 0, NULL},
        {"ECDHE-RSA-AES128-GCM-SHA256", 0xC02F, 0, NULL},
        {"  ECDHE-ECDSA-CHACHA20-POLY1305   AES256-SHA ", 0xCCA9, 0x0035, NULL},
        {"SSL-RSA-AES-128-SHA SSL_EDH_RSA_AES_256_SHA", 0x002F, 0x0039, NULL},
        {"SSL-RSA-CAMELLIA-256-SHA", 0x0084, 0, NULL},
        {"", 0, 0, "names no cipher suite"},
        {"   ", 0, 0, "names no cipher suite"},
        {"RC4-MD5", 0, 0, "\"RC4-MD5\", which is no cipher suite"},
        {"ECDHE-RSA-AES128-GCM-SHA256:AES256-SHA", 0, 0, "no cipher suite"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error e;
        int *suites = cipher_names_parse(slice_str(cases[i].names), &e);
        if (cases[i].says != NULL) {
            assert_null(suites);
            assert_non_null(strstr(e.text, cases[i].says));
            continue;
        }
        assert_non_null(suites);
        assert_int_equal(suites[0], cases[i].first);
        assert_int_equal(suites[1], cases[i].second);
        free(suites);
    }
}

static void test_too_many(void **state)
{
    (void)state;
    char names[129 * 11 + 1] = "";
    struct error e;
    for (int i = 0; i < 129; i++)
        memcpy(names + i * 11, "AES256-SHA ", 11);
    assert_null(cipher_names_parse(slice_str(names), &e));
    assert_int_equal(e.code, ERROR_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spellings),
        cmocka_unit_test(test_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
