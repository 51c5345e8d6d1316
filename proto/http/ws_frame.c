/* The mask is kept as four bytes in the order of memory, so that widening it to a word needs no
 * byte order; turning it by whole bytes makes it fit the next piece wherever the last one ended. */

#include "proto/http/ws_frame.h"

#include <string.h>

static uint64_t read_big_endian(const unsigned char *p, size_t len)
{
    uint64_t n = 0;
    for (size_t i = 0; i < len; i++)
        n = n << 8 | p[i];
    return n;
}

size_t ws_frame_read(struct slice bytes, struct ws_frame *f)
{
    const unsigned char *p = (const unsigned char *)bytes.ptr;
    if (bytes.len < 2)
        return 0;
    unsigned form = p[1] & 0x7fu;
    size_t extended = form < 126 ? 0 : form == 126 ? 2 : 8;
    f->first = p[0];
    f->masked = (p[1] & 0x80) != 0;
    f->mask = 0;
    size_t head = 2 + extended + (f->masked ? 4 : 0);
    if (bytes.len < head)
        return 0;
    f->len = extended == 0 ? form : read_big_endian(p + 2, extended);
    f->is_shortest = extended == 0 || f->len > (extended == 2 ? 125u : 0xffffu);
    if (f->masked)
        memcpy(&f->mask, p + 2 + extended, 4);
    return head;
}

size_t ws_frame_write(char out[WS_HEAD_ROOM], uint8_t first, uint64_t len)
{
    out[0] = (char)first;
    if (len < 126) {
        out[1] = (char)len;
        return 2;
    }
    size_t extended = len <= 0xffff ? 2 : 8;
    out[1] = extended == 2 ? 126 : 127;
    for (size_t i = 0; i < extended; i++)
        out[2 + i] = (char)(len >> 8 * (extended - 1 - i));
    return 2 + extended;
}

/* The mask as it stands in front of the byte `count` bytes on. */
static uint32_t turned(uint32_t mask, size_t count)
{
    unsigned char from[4], to[4];
    memcpy(from, &mask, 4);
    for (size_t i = 0; i < 4; i++)
        to[i] = from[(i + count) & 3];
    memcpy(&mask, to, 4);
    return mask;
}

/* Eight bytes at a time; with -O3 the compiler makes vectors of it. */
uint32_t ws_unmask(char *to, const char *from, size_t len, uint32_t mask)
{
    const uint64_t wide = (uint64_t)mask << 32 | mask;
    size_t words = len & ~(size_t)7;
    for (size_t i = 0; i < words; i += 8) {
        uint64_t x;
        memcpy(&x, from + i, 8);
        x ^= wide;
        memcpy(to + i, &x, 8);
    }
    unsigned char key[4];
    memcpy(key, &mask, 4);
    for (size_t i = words; i < len; i++)
        to[i] = (char)((unsigned char)from[i] ^ key[i & 3]);
    return turned(mask, len);
}

bool ws_close_code_is_valid(unsigned code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}
