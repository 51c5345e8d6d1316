/* Is this UTF-8 (RFC 3629)? In pieces, so that text can be refused at the first byte that is wrong
 * (RFC 6455 section 8.1). No overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef PROTO_HTTP_WS_UTF8_H
#define PROTO_HTTP_WS_UTF8_H

#include "proto/base/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct ws_utf8 {
    uint8_t left;      /* bytes of the character that are still to come */
    uint8_t low, high; /* what the next of them may be, while left > 0 */
};

#define WS_UTF8_INIT ((struct ws_utf8){0, 0, 0})

/* Takes the next bytes; false when the text is not UTF-8 whatever follows. */
bool ws_utf8_feed(struct ws_utf8 *u, struct slice bytes);

/* Does the text end with a whole character? */
static inline bool ws_utf8_is_whole(const struct ws_utf8 *u)
{
    return u->left == 0;
}

/* A whole text at once. */
bool ws_utf8_is_valid(struct slice text);

#endif
