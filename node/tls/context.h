/* TLS as one configuration wants it: certificates, suites, what is asked of clients. Everything
 * that can fail fails while it is made. Counted: connections keep the one that they began with.
 *
 * It does not change, except that the default certificate follows its files: then connections made
 * from then on use the next `struct tls_config`. */
#ifndef NODE_TLS_CONTEXT_H
#define NODE_TLS_CONTEXT_H

#include "node/tls/shared.h"

enum tls_verify { TLS_VERIFY_NONE, TLS_VERIFY_OPTIONAL, TLS_VERIFY_REQUIRED };

struct tls_options {
    const char *root;     /* in front of certdir: the chroot, until it is entered; "" else */
    const char *certdir;  /* ends in '/' */
    const char *uuid;     /* of the server: the stem of the default certificate */
    const char *ca_chain; /* file of authorities of client certificates; "": none */
    const char *ciphers;  /* see cipher_names_parse; "": the default */
    enum tls_verify verify;
    size_t file_piece; /* bytes of a file that are read and sealed at once */
};

/* Settings of the library with one default certificate. Counted. */
struct tls_config {
    unsigned refs;
    mbedtls_ssl_config settings;
    struct certificate *certificate;
};

struct tls_context {
    unsigned refs;
    struct tls_shared *shared;
    struct cert_dir *dir;
    char *stem;
    struct cert_dir *ca_dir; /* NULL: no authorities */
    mbedtls_x509_crt authorities;
    int *ciphers; /* NULL: the default */
    enum tls_verify verify;
    size_t file_piece;
    unsigned char scope[SESSION_SCOPE_BYTES];
    struct session_store store; /* of the library's settings */
    struct tls_config *config;  /* for connections that begin now */
};

/* `shared` is borrowed and outlives the context. NULL with *e, which says what to do. */
struct tls_context *tls_context_create(struct tls_shared *shared, const struct tls_options *o,
                                       struct error *e);
struct tls_context *tls_context_ref(struct tls_context *x);
void tls_context_unref(struct tls_context *x); /* NULL is fine */

/* For a connection that begins: the settings with the default certificate as its files are now
 * (looked at once a second at most). Gives a reference; never NULL. */
struct tls_config *tls_context_take_config(struct tls_context *x);
void tls_config_unref(struct tls_config *c);

#endif
