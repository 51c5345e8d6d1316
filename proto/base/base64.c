/* Three bytes at a time are four digits; the last one or two bytes are padded. */

#include "proto/base/base64.h"

#include <stdint.h>

static const char digits[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void put_four(char *out, uint32_t bits)
{
    out[0] = digits[bits >> 18];
    out[1] = digits[bits >> 12 & 63];
    out[2] = digits[bits >> 6 & 63];
    out[3] = digits[bits & 63];
}

size_t base64_encode(struct slice bytes, char *out)
{
    const uint8_t *p = (const uint8_t *)bytes.ptr;
    char *to = out;
    size_t left = bytes.len;
    for (; left >= 3; left -= 3, p += 3, to += 4)
        put_four(to, (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2]);
    if (left > 0) {
        put_four(to, (uint32_t)p[0] << 16 | (left == 2 ? (uint32_t)p[1] << 8 : 0));
        to[3] = '=';
        if (left == 1)
            to[2] = '=';
        to += 4;
    }
    return (size_t)(to - out);
}
