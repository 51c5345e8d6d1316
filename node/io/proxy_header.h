/* The PROXY protocol header with which a load balancer begins a connection to say whose it is,
 * versions 1 (text) and 2 (binary): HAProxy's proxy-protocol.txt, sections 2.1 and 2.2. A pure
 * function over bytes. Extensions (TLVs) are not looked at. */
#ifndef NODE_IO_PROXY_HEADER_H
#define NODE_IO_PROXY_HEADER_H

#include "node/io/conn.h"
#include "proto/base/slice.h"

#include <stdbool.h>
#include <stddef.h>

/* No more than these first bytes are needed to decide; what a longer header has behind them are
 * extensions, to be skipped. */
#define PROXY_HEADER_NEEDED 232

enum proxy_header_status { PROXY_HEADER_MORE, PROXY_HEADER_DONE, PROXY_HEADER_BAD };

struct proxy_header {
    bool has_source; /* false: the connection is the balancer's own, or it does not know */
    union conn_address source; /* the client; of a unix socket only the family */
    size_t len;                /* of the whole header; may be more than was given */
};

/* Reads the header at the start of `bytes`, all that has come so far. */
enum proxy_header_status proxy_header_parse(struct slice bytes, struct proxy_header *out);

#endif
