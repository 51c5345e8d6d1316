/* Netstrings: `LENGTH:BYTES,` with a plain decimal length. The headers (JSON form) and the body of
 * a handler request and the target list of a handler reply are written this way.
 *
 * Stricter than a tnetstring's string: no blanks and no sign in the length; leading zeros are
 * accepted, as Mongrel2 accepts them. Borrowed bytes only, no allocation. */
#ifndef PROTO_WIRE_NETSTRING_H
#define PROTO_WIRE_NETSTRING_H

#include "proto/base/buf.h"
#include "proto/base/slice.h"

/* Takes one netstring off the front of *rest. 0, or -1 with *rest and *payload left alone when
 * there is no whole netstring. */
int netstring_read(struct slice *rest, struct slice *payload);

/* As netstring_read for any closing byte: the length, the colon, the bytes, then `tag`. */
int netstring_read_tagged(struct slice *rest, struct slice *payload, char *tag);

void netstring_put(struct buf *out, struct slice payload);

/* Decimal digits of n: what a length costs on the wire. */
size_t netstring_digits(size_t n);

#endif
