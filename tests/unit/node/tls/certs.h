/* Certificates made on the spot, in a directory of their own, and a client of the same library. */
#ifndef TESTS_UNIT_NODE_TLS_CERTS_H
#define TESTS_UNIT_NODE_TLS_CERTS_H

#include "node/tls/library.h"

#include <fcntl.h>
#include <mbedtls/ecp.h>
#include <mbedtls/pk.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct certs {
    char dir[64]; /* ends in '/' */
    struct random random;
};

static inline void certs_write(struct certs *c, const char *name, const void *bytes)
{
    char path[160];
    snprintf(path, sizeof path, "%s%s", c->dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fputs(bytes, f) >= 0, 1);
    assert_int_equal(fclose(f), 0);
}

static inline void certs_remove(struct certs *c, const char *name)
{
    char path[160];
    snprintf(path, sizeof path, "%s%s", c->dir, name);
    assert_int_equal(unlink(path), 0);
}

static inline void certs_number(mbedtls_x509write_cert *crt, unsigned char serial)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03040000
    assert_int_equal(mbedtls_x509write_crt_set_serial_raw(crt, &serial, 1), 0);
#else
    mbedtls_mpi number;
    mbedtls_mpi_init(&number);
    assert_int_equal(mbedtls_mpi_lset(&number, serial), 0);
    assert_int_equal(mbedtls_x509write_crt_set_serial(crt, &number), 0);
    mbedtls_mpi_free(&number);
#endif
}

/* STEM.crt for this common name and STEM.key, self-signed. */
static inline void certs_make(struct certs *c, const char *stem, const char *name)
{
    unsigned char pem[4096];
    char subject[80], file[80];
    mbedtls_pk_context key;
    mbedtls_x509write_cert crt;
    mbedtls_pk_init(&key);
    mbedtls_x509write_crt_init(&crt);
    assert_int_equal(mbedtls_pk_setup(&key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)), 0);
    assert_int_equal(
        mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(key), random_bytes, &c->random),
        0);
    assert_int_equal(mbedtls_pk_write_key_pem(&key, pem, sizeof pem), 0);
    snprintf(file, sizeof file, "%s.key", stem);
    certs_write(c, file, pem);
    snprintf(subject, sizeof subject, "O=Tests,CN=%s", name);
    mbedtls_x509write_crt_set_version(&crt, MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(&crt, MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_subject_key(&crt, &key);
    mbedtls_x509write_crt_set_issuer_key(&crt, &key);
    assert_int_equal(mbedtls_x509write_crt_set_subject_name(&crt, subject), 0);
    assert_int_equal(mbedtls_x509write_crt_set_issuer_name(&crt, subject), 0);
    assert_int_equal(mbedtls_x509write_crt_set_validity(&crt, "20200101000000", "20900101000000"),
                     0);
    certs_number(&crt, 7);
    assert_int_equal(mbedtls_x509write_crt_pem(&crt, pem, sizeof pem, random_bytes, &c->random), 0);
    snprintf(file, sizeof file, "%s.crt", stem);
    certs_write(c, file, pem);
    mbedtls_x509write_crt_free(&crt);
    mbedtls_pk_free(&key);
}

static inline void certs_start(struct certs *c)
{
    struct error e;
    strcpy(c->dir, "/tmp/m2-certs-XXXXXX");
    assert_non_null(mkdtemp(c->dir));
    strcat(c->dir, "/");
    assert_int_equal(random_init(&c->random, &e), 0);
}

static inline void certs_stop(struct certs *c)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", c->dir);
    assert_int_equal(system(command), 0);
    random_fini(&c->random);
}

/* The common name, which is written last in a subject. */
static inline const char *certs_name(const mbedtls_x509_crt *crt, char out[200])
{
    assert_true(mbedtls_x509_dn_gets(out, 200, &crt->subject) > 0);
    return strstr(out, "CN=") + 3;
}

#endif
