/* The vectors of HAProxy's proxy-protocol.txt, and what is nearly one. Each is also given byte by
 * byte: it must not be decided before it can be, and never differently. */
#include "node/io/proxy_header.h"
#include "proto/base/buf.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define BYTES(text)           \
    {                         \
        text, sizeof text - 1 \
    }

struct vector {
    const char *name;
    struct slice bytes;
    const char *source; /* "ADDRESS PORT", "unix", "none"; NULL: bad */
    size_t len;         /* of the header; 0: all bytes */
};

// clang-format off
static const struct vector vectors[] = {
    {"v1 TCP4", BYTES("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n"), "192.0.2.1 56324", 0},
    {"v1 TCP4, a request behind", BYTES("PROXY TCP4 192.0.2.1 198.51.100.2 1 2\r\nGET / HTTP/1.1\r\n"), "192.0.2.1 1", 39},
    {"v1 longest TCP4", BYTES("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"), "255.255.255.255 65535", 0},
    {"v1 TCP6", BYTES("PROXY TCP6 2001:db8::1 ::1 0 8080\r\n"), "2001:db8::1 0", 0},
    {"v1 longest TCP6", BYTES("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535", 0},
    {"v1 UNKNOWN", BYTES("PROXY UNKNOWN\r\n"), "none", 0},
    {"v1 UNKNOWN, longest", BYTES("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"), "none", 0},
    {"v1 LF alone", BYTES("PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n"), NULL, 0},
    {"v1 UDP4", BYTES("PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n"), NULL, 0},
    {"v1 lower case", BYTES("proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n"), NULL, 0},
    {"v1 address of the other family", BYTES("PROXY TCP4 ::1 ::1 1 2\r\n"), NULL, 0},
    {"v1 bad destination", BYTES("PROXY TCP4 1.2.3.4 1.2.3 1 2\r\n"), NULL, 0},
    {"v1 port too large", BYTES("PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n"), NULL, 0},
    {"v1 port with a leading zero", BYTES("PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n"), NULL, 0},
    {"v1 port with a sign", BYTES("PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r\n"), NULL, 0},
    {"v1 two spaces", BYTES("PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n"), NULL, 0},
    {"v1 something behind the ports", BYTES("PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n"), NULL, 0},
    {"v1 a port missing", BYTES("PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n"), NULL, 0},
    {"v1 UNKNOWNS", BYTES("PROXY UNKNOWNS\r\n"), NULL, 0},
    {"v1 without an end", BYTES("PROXY UNKNOWN xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"), NULL, 0},
    {"no header", BYTES("GET / HTTP/1.1\r\n\r\n"), NULL, 0},
    {"an empty line", BYTES("\r\nGET / HTTP/1.1\r\n\r\n"), NULL, 0},
    {"a TLS hello", BYTES("\x16\x03\x01\x02\0"), NULL, 0},

    {"v2 TCP4", BYTES(SIGNATURE "\x21\x11\0\x0c\xc0\0\2\1\xc6\x33\x64\2\xdc\4\1\xbb"), "192.0.2.1 56324", 0},
    {"v2 TCP4 with an extension", BYTES(SIGNATURE "\x21\x11\0\x10\xc0\0\2\1\xc6\x33\x64\2\xdc\4\1\xbb\4\0\1\0"), "192.0.2.1 56324", 0},
    {"v2 TCP4, extensions still to come", BYTES(SIGNATURE "\x21\x11\x01\x0c\xc0\0\2\1\xc6\x33\x64\2\xdc\4\1\xbb"), "192.0.2.1 56324", 16 + 0x10c},
    {"v2 TCP6", BYTES(SIGNATURE "\x21\x21\0\x24\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1" "0123456789abcdef" "\0\x50\1\xbb"), "2001:db8::1 80", 0},
    {"v2 LOCAL", BYTES(SIGNATURE "\x20\0\0\0"), "none", 0},
    {"v2 LOCAL with addresses", BYTES(SIGNATURE "\x20\x11\0\x0c\xc0\0\2\1\xc6\x33\x64\2\xdc\4\1\xbb"), "none", 0},
    {"v2 PROXY of unspecified family", BYTES(SIGNATURE "\x21\0\0\0"), "none", 0},
    {"v2 datagrams", BYTES(SIGNATURE "\x21\x12\0\x0c\xc0\0\2\1\xc6\x33\x64\2\xdc\4\1\xbb"), NULL, 0},
    {"v2 unknown family", BYTES(SIGNATURE "\x21\x41\0\0"), NULL, 0},
    {"v2 unknown command", BYTES(SIGNATURE "\x22\x11\0\x0c\xc0\0\2\1\xc6\x33\x64\2\xdc\4\1\xbb"), NULL, 0},
    {"v2 version 3", BYTES(SIGNATURE "\x31\x11\0\x0c\xc0\0\2\1\xc6\x33\x64\2\xdc\4\1\xbb"), NULL, 0},
    {"v2 too short for its addresses", BYTES(SIGNATURE "\x21\x11\0\x0b\xc0\0\2\1\xc6\x33\x64\2\xdc\4\1"), NULL, 0},
    {"v2 damaged signature", BYTES("\r\n\r\n\0\r\nQUIT\r\x21\x11\0\0"), NULL, 0},
};
// clang-format on

static const char *source_text(const struct proxy_header *h)
{
    static char text[80], address[INET6_ADDRSTRLEN];
    if (!h->has_source)
        return "none";
    if (h->source.sa.sa_family == AF_UNIX)
        return "unix";
    bool is_v4 = h->source.sa.sa_family == AF_INET;
    inet_ntop(h->source.sa.sa_family,
              is_v4 ? (const void *)&h->source.in.sin_addr : (const void *)&h->source.in6.sin6_addr,
              address, sizeof address);
    snprintf(text, sizeof text, "%s %u", address,
             ntohs(is_v4 ? h->source.in.sin_port : h->source.in6.sin6_port));
    return text;
}

static void check(const struct vector *v, size_t given)
{
    struct proxy_header h;
    enum proxy_header_status status = proxy_header_parse(slice_of(v->bytes.ptr, given), &h);
    if (status == PROXY_HEADER_MORE && given < v->bytes.len)
        return;
    if (v->source == NULL) {
        if (status != PROXY_HEADER_BAD)
            fail_msg("%s: taken at %zu bytes", v->name, given);
        return;
    }
    if (status != PROXY_HEADER_DONE)
        fail_msg("%s: not taken at %zu bytes", v->name, given);
    assert_string_equal(source_text(&h), v->source);
    assert_int_equal(h.len, v->len > 0 ? v->len : v->bytes.len);
}

static void test_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
        for (size_t given = 0; given <= vectors[i].bytes.len; given++)
            check(&vectors[i], given);
}

static void test_unix_sockets(void **state)
{
    (void)state;
    char bytes[16 + 216] = SIGNATURE "\x21\x31\0\xd8";
    struct proxy_header h;
    assert_int_equal(proxy_header_parse(slice_of(bytes, sizeof bytes - 1), &h), PROXY_HEADER_MORE);
    assert_int_equal(proxy_header_parse(slice_of(bytes, sizeof bytes), &h), PROXY_HEADER_DONE);
    assert_string_equal(source_text(&h), "unix");
    assert_true(sizeof bytes <= PROXY_HEADER_NEEDED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_unix_sockets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
