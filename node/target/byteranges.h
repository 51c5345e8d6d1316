/* The body of an answer with several ranges, multipart/byteranges (RFC 9110 section 14.6): the
 * bytes between the ranges. Pure. */
#ifndef NODE_TARGET_BYTERANGES_H
#define NODE_TARGET_BYTERANGES_H

#include "proto/base/arena.h"
#include "proto/base/slice.h"
#include "proto/http/range.h"

#include <stdint.h>

struct byteranges {
    struct slice heads[RANGES_MAX]; /* before each range */
    struct slice tail;              /* behind the last */
    struct slice type;              /* the value of the answer's Content-Type */
    uint64_t length;                /* of the body, the ranges included */
};

/* Renders it for `count` ranges of a representation of `size` bytes, whose media type is `type`.
 * `boundary` must not occur in the bytes: a random one does not. All in the arena. Returns 0, or -1
 * when out of memory. */
int byteranges_render(struct byteranges *b, const struct byte_range *ranges, int count,
                      uint64_t size, struct slice type, struct slice boundary, struct arena *a);

#endif
