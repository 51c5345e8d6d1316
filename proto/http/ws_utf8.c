/* Runs of ASCII, which nearly all text is made of, are stepped over eight bytes at a time. */

#include "proto/http/ws_utf8.h"

#include <string.h>

static const unsigned char *skip_ascii(const unsigned char *p, const unsigned char *end)
{
    for (; end - p >= 8; p += 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        if ((word & UINT64_C(0x8080808080808080)) != 0)
            break;
    }
    while (p < end && *p < 0x80)
        p++;
    return p;
}

/* The first byte of a character above 0x7f: RFC 3629 section 4. */
static bool begin(struct ws_utf8 *u, unsigned char c)
{
    if (c < 0xc2 || c > 0xf4)
        return false;
    u->left = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
    u->low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    u->high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    return true;
}

bool ws_utf8_feed(struct ws_utf8 *u, struct slice bytes)
{
    const unsigned char *p = (const unsigned char *)bytes.ptr, *end = p + bytes.len;
    while (p < end) {
        if (u->left > 0) {
            if (*p < u->low || *p > u->high)
                return false;
            u->left--;
            u->low = 0x80;
            u->high = 0xbf;
            p++;
            continue;
        }
        p = skip_ascii(p, end);
        if (p < end && !begin(u, *p++))
            return false;
    }
    return true;
}

bool ws_utf8_is_valid(struct slice text)
{
    struct ws_utf8 u = WS_UTF8_INIT;
    return ws_utf8_feed(&u, text) && ws_utf8_is_whole(&u);
}
