/* The setting ssl_ciphers: names of TLS cipher suites in the spellings that people write. */
#ifndef NODE_TLS_CIPHER_NAMES_H
#define NODE_TLS_CIPHER_NAMES_H

#include "proto/base/error.h"
#include "proto/base/slice.h"

/* Suites of Mozilla's intermediate profile that the library has, in the server's order; ends in 0.
 */
const int *cipher_names_default(void);

/* A list of names separated by spaces: mbedTLS's and IANA's ('_' and '-' are the same, as are upper
 * and lower case), OpenSSL's, and upstream's own. Gives an array that ends in 0, to be freed; NULL
 * with *e. */
int *cipher_names_parse(struct slice names, struct error *e);

#endif
