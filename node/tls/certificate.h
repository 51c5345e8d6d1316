/* A certificate with its chain and private key, from STEM.crt and STEM.key of a directory.
 * Immutable and counted: handshakes that use it hold it while its files are already being replaced.
 */
#ifndef NODE_TLS_CERTIFICATE_H
#define NODE_TLS_CERTIFICATE_H

#include "node/tls/library.h"
#include "proto/base/buf.h"
#include "proto/base/error.h"

#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>
#include <stdbool.h>
#include <sys/stat.h>

struct certificate {
    unsigned refs;
    mbedtls_x509_crt chain;
    mbedtls_pk_context key;
};

/* Tells whether the two files have been replaced or written to. */
struct certificate_stamp {
    struct file_stamp {
        ino_t inode;
        off_t size;
        struct timespec changed;
    } crt, key;
};

/* False when either is missing. `dir` is a descriptor of the directory. */
bool certificate_stat(int dir, const char *stem, struct certificate_stamp *out);
bool certificate_is_same_stamp(const struct certificate_stamp *a,
                               const struct certificate_stamp *b);

/* Reads both (PEM or DER, the key without passphrase) and checks that they belong together. NULL
 * with *e, whose code is NOT_FOUND when a file is missing. */
struct certificate *certificate_load(int dir, const char *stem, struct random *random,
                                     struct error *e);
struct certificate *certificate_ref(struct certificate *c);
void certificate_unref(struct certificate *c); /* NULL is fine */

/* Reads a file of a directory whole, with a NUL behind it; at most CERTIFICATE_FILE_MAX bytes. */
#define CERTIFICATE_FILE_MAX (4 << 20)
int certificate_read_file(int dir, const char *name, struct buf *out, struct error *e);

#endif
