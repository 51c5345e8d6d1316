/* CZMQ certificates: a CURVE key pair in files, the public half in PATH, both in PATH_secret, with
 * the role and the owner of the key as metadata (CZMQ's zcert(3)). */
#ifndef PROTO_LINK_CURVE_CERT_H
#define PROTO_LINK_CURVE_CERT_H

#include "proto/base/error.h"
#include "proto/link/keyring.h"

struct curve_cert {
    char public_key[CURVE_KEY_LEN + 1];
    char secret_key[CURVE_KEY_LEN + 1]; /* "" when only the public half is known */
    unsigned role;                      /* enum cluster_role; 0: the file names none that we know */
    char owner[KEY_OWNER_MAX];
};

/* A fresh pair. ERROR_UNSUPPORTED when this libzmq has no CURVE. */
int curve_cert_make(struct curve_cert *out, unsigned role, const char *owner, struct error *e);

/* Writes both files, the secret one for its owner's eyes only (0600), and replaces none:
 * ERROR_EXISTS, ERROR_IO. */
int curve_cert_save(const struct curve_cert *c, const char *path, struct error *e);

/* Reads the public half. ERROR_NOT_FOUND, ERROR_INVALID, ERROR_IO. */
int curve_cert_read_public(struct curve_cert *out, const char *path, struct error *e);

/* Reads PATH_secret. As above; ERROR_INVALID too when the halves do not belong together, and
 * ERROR_DENIED when others than its owner may read it. */
int curve_cert_read_secret(struct curve_cert *out, const char *path, struct error *e);

/* Overwrites the secret. */
void curve_cert_wipe(struct curve_cert *c);

#endif
