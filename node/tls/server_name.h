/* From the server name that a TLS client asks for to the names of files. */
#ifndef NODE_TLS_SERVER_NAME_H
#define NODE_TLS_SERVER_NAME_H

#include "proto/base/slice.h"

#include <stdbool.h>

#define SERVER_NAME_MAX 255 /* RFC 1035 section 2.3.4 */

/* The stems of the files of certificate and key, without ".crt" and ".key". */
struct server_name {
    char exact[SERVER_NAME_MAX + 1]; /* the name in lower case */
    char wildcard[SERVER_NAME_MAX +
                  2]; /* its first label replaced by '_'; "" when it has one only */
};

/* False for what must not become the name of a file: empty, too long, bytes below 0x20, '/', "..",
 * a dot in front. */
bool server_name_parse(struct server_name *out, struct slice name);

#endif
