/* Base64 (RFC 4648 section 4): the standard alphabet, with padding, without line breaks. */
#ifndef PROTO_BASE_BASE64_H
#define PROTO_BASE_BASE64_H

#include "proto/base/slice.h"

#include <stddef.h>

/* How long the text of `len` bytes is. */
static inline size_t base64_len(size_t len)
{
    return len / 3 * 4 + (len % 3 != 0 ? 4 : 0);
}

/* Writes it to `out`, which has room for base64_len(bytes.len) characters and does not overlap.
 * Puts no NUL behind it. Returns the length. */
size_t base64_encode(struct slice bytes, char *out);

#endif
