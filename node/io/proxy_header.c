/* Strict: the header decides who a client is taken for, so anything that is not exactly the format
 * is an error. It is parsed anew from its first byte when more has come, which costs nothing: it
 * nearly always comes whole. */

#include "node/io/proxy_header.h"

#include <arpa/inet.h>
#include <string.h>

enum {
    V1_MOST = 107,  /* bytes with CRLF (section 2.1) */
    V2_PREFIX = 16, /* signature, version and command, family, length (section 2.2) */
    V2_LOCAL = 0x20,
    V2_PROXY = 0x21,
    V2_UNSPEC = 0x00,
    V2_TCP4 = 0x11,
    V2_TCP6 = 0x21,
    V2_UNIX = 0x31,
    V2_INET_BYTES = 12, /* two addresses, two ports */
    V2_INET6_BYTES = 36,
    V2_UNIX_BYTES = 216,
};

static const char v2_signature[] = "\r\n\r\n\0\r\nQUIT\n"; /* 12 bytes */

/* Takes the text up to the next `end`, which is taken too. */
static bool take_word(struct slice *rest, char end, char *out, size_t room)
{
    size_t len = slice_find(*rest, end);
    if (len == rest->len || len == 0 || len >= room)
        return false;
    memcpy(out, rest->ptr, len);
    out[len] = '\0';
    *rest = slice_from(*rest, len + 1);
    return true;
}

/* A decimal port without sign or leading zeros. */
static bool take_port(struct slice *rest, char end, in_port_t *port)
{
    char text[6];
    unsigned value = 0;
    if (!take_word(rest, end, text, sizeof text) || (text[0] == '0' && text[1] != '\0'))
        return false;
    for (const char *p = text; *p != '\0'; p++) {
        if (*p < '0' || *p > '9')
            return false;
        value = value * 10 + (unsigned)(*p - '0');
    }
    *port = htons((uint16_t)value);
    return value <= 65535;
}

/* "ADDRESS ADDRESS PORT PORT\r" behind "TCP4 " or "TCP6 ". */
static bool read_v1_addresses(struct slice rest, int family, union conn_address *source)
{
    char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
    struct in6_addr ignored; /* large enough for both */
    in_port_t from_port, to_port;
    if (!take_word(&rest, ' ', from, sizeof from) || !take_word(&rest, ' ', to, sizeof to) ||
        !take_port(&rest, ' ', &from_port) || !take_port(&rest, '\r', &to_port) || rest.len != 0)
        return false;
    void *into = family == AF_INET ? (void *)&source->in.sin_addr : (void *)&source->in6.sin6_addr;
    source->sa.sa_family = (sa_family_t)family;
    *(family == AF_INET ? &source->in.sin_port : &source->in6.sin6_port) = from_port;
    return inet_pton(family, from, into) == 1 && inet_pton(family, to, &ignored) == 1;
}

static enum proxy_header_status parse_v1(struct slice bytes, struct proxy_header *out)
{
    size_t end = slice_find(bytes, '\n');
    if (end == bytes.len)
        return bytes.len < V1_MOST ? PROXY_HEADER_MORE : PROXY_HEADER_BAD;
    if (end + 1 > V1_MOST || end == 0 || bytes.ptr[end - 1] != '\r')
        return PROXY_HEADER_BAD;
    struct slice line = slice_of(bytes.ptr + 6, end - 6);
    out->len = end + 1;
    if (slice_starts_with(line, SLICE("UNKNOWN\r")) || slice_starts_with(line, SLICE("UNKNOWN ")))
        return PROXY_HEADER_DONE;
    bool is_v4 = slice_starts_with(line, SLICE("TCP4 "));
    if (!is_v4 && !slice_starts_with(line, SLICE("TCP6 ")))
        return PROXY_HEADER_BAD;
    out->has_source = read_v1_addresses(slice_from(line, 5), is_v4 ? AF_INET : AF_INET6,
                                        &out->source);
    return out->has_source ? PROXY_HEADER_DONE : PROXY_HEADER_BAD;
}

/* The addresses behind the prefix; `announced`: bytes that follow it. */
static enum proxy_header_status read_v2_addresses(struct slice rest, unsigned family,
                                                  size_t announced, struct proxy_header *out)
{
    union conn_address *source = &out->source;
    size_t needed = family == V2_TCP4   ? V2_INET_BYTES
                    : family == V2_TCP6 ? V2_INET6_BYTES
                    : family == V2_UNIX ? V2_UNIX_BYTES
                                        : 0;
    if (announced < needed || (needed == 0 && family != V2_UNSPEC))
        return PROXY_HEADER_BAD;
    if (rest.len < needed)
        return PROXY_HEADER_MORE;
    out->has_source = needed > 0;
    if (family == V2_TCP4) {
        source->sa.sa_family = AF_INET;
        memcpy(&source->in.sin_addr, rest.ptr, 4);
        memcpy(&source->in.sin_port, rest.ptr + 8, 2);
    } else if (family == V2_TCP6) {
        source->sa.sa_family = AF_INET6;
        memcpy(&source->in6.sin6_addr, rest.ptr, 16);
        memcpy(&source->in6.sin6_port, rest.ptr + 32, 2);
    } else if (family == V2_UNIX) {
        source->sa.sa_family = AF_UNIX;
    }
    return PROXY_HEADER_DONE;
}

static enum proxy_header_status parse_v2(struct slice bytes, struct proxy_header *out)
{
    if (bytes.len < V2_PREFIX)
        return PROXY_HEADER_MORE;
    const unsigned char *b = (const unsigned char *)bytes.ptr;
    size_t announced = (size_t)b[14] << 8 | b[15];
    out->len = V2_PREFIX + announced;
    if (b[12] == V2_LOCAL) /* the balancer's own, a health check: addresses are to be ignored */
        return PROXY_HEADER_DONE;
    if (b[12] != V2_PROXY)
        return PROXY_HEADER_BAD;
    return read_v2_addresses(slice_from(bytes, V2_PREFIX), b[13], announced, out);
}

static bool begins_like(struct slice bytes, struct slice start)
{
    size_t len = bytes.len < start.len ? bytes.len : start.len;
    return memcmp(bytes.ptr, start.ptr, len) == 0;
}

enum proxy_header_status proxy_header_parse(struct slice bytes, struct proxy_header *out)
{
    struct slice v1 = SLICE("PROXY "), v2 = slice_of(v2_signature, sizeof v2_signature - 1);
    memset(out, 0, sizeof *out);
    if (bytes.len == 0)
        return PROXY_HEADER_MORE;
    if (begins_like(bytes, v1))
        return bytes.len < v1.len ? PROXY_HEADER_MORE : parse_v1(bytes, out);
    if (begins_like(bytes, v2))
        return bytes.len < v2.len ? PROXY_HEADER_MORE : parse_v2(bytes, out);
    return PROXY_HEADER_BAD;
}
