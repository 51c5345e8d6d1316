/* The keys with which a program takes part in a cluster, from what its option -keys names: a
 * directory, in which its own certificate is called after its role (node.cert), or a certificate in
 * one. The coordinators' certificate, coordinator.cert, stands beside it
 * (docs/reference/keys.md). */
#ifndef PROTO_LINK_CREDENTIALS_H
#define PROTO_LINK_CREDENTIALS_H

#include "proto/base/error.h"
#include "proto/link/curve_cert.h"
#include "proto/link/endpoint.h"

#define CREDENTIALS_SUFFIX ".cert" /* of file names */

struct credentials {
    struct curve_cert own;
    char coordinator[CURVE_KEY_LEN + 1]; /* its public key */
    char node[CURVE_KEY_LEN + 1];        /* of node.cert beside it; "" when there is none */
    struct link_keys keys;               /* for sockets: borrows from this struct */
};

/* `roles` (enum cluster_role, or-ed): whose key it may be; the mightiest is looked for first.
 * ERROR_USAGE (the key is of another role), ERROR_NOT_FOUND, ERROR_INVALID, ERROR_DENIED, ERROR_IO.
 * *out must not be moved afterwards. */
int credentials_load(struct credentials *out, const char *path, unsigned roles, struct error *e);

/* Overwrites the secret. */
void credentials_wipe(struct credentials *c);

#endif
