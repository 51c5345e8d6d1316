#include "proto/http/uri.h"

#include "proto/http/scan.h"

int uri_hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    int lower = c | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The end of the address in "[…]", pointing at "]"; NULL when it is not one. An IPv6 address is
 * held to its alphabet and to having two colons, IPvFuture to its own; what it means is for those
 * who would connect to it. */
static const char *literal_end(const char *p, const char *end)
{
    const char *start = p;
    size_t colons = 0;
    bool future = p < end && (*p | 0x20) == 'v';
    for (; p < end && *p != ']'; p++) {
        if (*p == ':')
            colons++;
        else if (!scan_is(*p, future ? BYTE_HOST : BYTE_HEX) && *p != '.')
            return NULL;
    }
    if (p == end || p == start || (!future && colons < 2))
        return NULL;
    return p;
}

static bool parse_port(const char *p, const char *end, int32_t *port)
{
    int32_t value = 0;
    *port = -1;
    for (; p < end; p++) {
        if (!scan_is(*p, BYTE_DIGIT))
            return false;
        value = value * 10 + (*p - '0');
        if (value > 65535)
            return false;
        *port = value;
    }
    return true;
}

bool uri_parse_authority(struct slice authority, struct slice *host, int32_t *port)
{
    const char *p = authority.ptr, *end = p + authority.len;
    if (p < end && *p == '[') {
        const char *close = literal_end(p + 1, end);
        if (close == NULL)
            return false;
        *host = slice_of(p + 1, (size_t)(close - p - 1));
        p = close + 1;
    } else {
        const char *start = p;
        while ((p = scan_while(p, end, BYTE_HOST)) < end && *p == '%') {
            if (end - p < 3 || !scan_is(p[1], BYTE_HEX) || !scan_is(p[2], BYTE_HEX))
                return false;
            p += 3;
        }
        *host = slice_of(start, (size_t)(p - start));
    }
    if (p == end) {
        *port = -1;
        return true;
    }
    return *p == ':' && parse_port(p + 1, end, port);
}

long uri_decode(struct slice path, char *out)
{
    char *to = out;
    const char *p = path.ptr, *end = p + path.len;
    while (p < end) {
        const char *escape = (const char *)memchr(p, '%', (size_t)(end - p));
        size_t plain = (size_t)((escape != NULL ? escape : end) - p);
        memcpy(to, p, plain);
        to += plain;
        if (escape == NULL)
            break;
        if (end - escape < 3)
            return -1;
        int high = uri_hex_value(escape[1]), low = uri_hex_value(escape[2]);
        if (high < 0 || low < 0 || (high | low) == 0)
            return -1;
        *to++ = (char)(high << 4 | low);
        p = escape + 3;
    }
    return to - out;
}
