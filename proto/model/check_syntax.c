/* Strict enough to find what would fail later or do harm, no stricter: whether a host exists or a
 * path can be made is for the one who binds. */

#include "proto/model/check_syntax.h"

#include <arpa/inet.h>
#include <ctype.h>

bool syntax_has_control(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return true;
    return false;
}

static bool has_blank(struct slice text)
{
    return slice_find(text, ' ') < text.len || syntax_has_control(text);
}

static bool is_made_of(struct slice text, const char *others)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c >= 0x80 || c == '\0' || (!isalnum(c) && strchr(others, c) == NULL))
            return false;
    }
    return text.len > 0;
}

static bool is_port(struct slice text, long min)
{
    long n = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9' || i > 4)
            return false;
        n = n * 10 + (text.ptr[i] - '0');
    }
    return text.len > 0 && n >= min && n <= 65535;
}

/* Cuts HOST:PORT at its last colon; an IPv6 address stands in brackets. */
static bool cut_address(struct slice text, struct slice *host, struct slice *port)
{
    size_t colon = text.len;
    while (colon > 0 && text.ptr[colon - 1] != ':')
        colon--;
    if (colon < 2) /* no colon, or nothing before it */
        return false;
    *host = slice_of(text.ptr, colon - 1);
    *port = slice_from(text, colon);
    bool is_bracketed = host->ptr[0] == '[';
    if (is_bracketed)
        return host->len > 2 && host->ptr[host->len - 1] == ']';
    return slice_find(*host, ':') == host->len;
}

const char *syntax_endpoint(struct slice text)
{
    static const char right[] = "an endpoint: tcp://HOST:PORT, ipc://PATH or inproc://NAME";
    struct slice host, port;
    if (has_blank(text))
        return right;
    if (slice_starts_with(text, SLICE("ipc://")))
        return text.len > 6 ? NULL : right;
    if (slice_starts_with(text, SLICE("inproc://")))
        return text.len > 9 ? NULL : right;
    if (!slice_starts_with(text, SLICE("tcp://")) ||
        !cut_address(slice_from(text, 6), &host, &port))
        return right;
    return slice_eq(port, SLICE("*")) || is_port(port, 0) ? NULL : right;
}

const char *syntax_upstream(struct slice text)
{
    static const char right[] = "HOST:PORT or unix:/PATH";
    struct slice host, port;
    if (has_blank(text))
        return right;
    if (slice_starts_with(text, SLICE("unix:")))
        return text.len > 6 && text.ptr[5] == '/' ? NULL : right;
    return cut_address(text, &host, &port) && is_port(port, 1) ? NULL : right;
}

const char *syntax_bind_address(struct slice text)
{
    static const char right[] = "an IPv4 or IPv6 address in numbers, or unix:/PATH";
    char copy[INET6_ADDRSTRLEN];
    unsigned char address[16];
    if (slice_starts_with(text, SLICE("unix:")))
        return text.len > 6 && text.ptr[5] == '/' && !syntax_has_control(text) ? NULL : right;
    if (text.len == 0 || text.len >= sizeof copy)
        return right;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    bool is_address = strlen(copy) == text.len && (inet_pton(AF_INET, copy, address) == 1 ||
                                                   inet_pton(AF_INET6, copy, address) == 1);
    return is_address ? NULL : right;
}

const char *syntax_pool_name(struct slice text)
{
    return text.len <= 64 && is_made_of(text, "-_.") ? NULL
                                                     : "1 to 64 letters, digits, '-', '_' or '.'";
}

const char *syntax_server_uuid(struct slice text)
{
    return text.len <= 128 && is_made_of(text, "-_.") && text.ptr[0] != '.'
               ? NULL
               : "letters, digits and '-'; m2sh uuid makes one";
}

const char *syntax_content_type(struct slice text)
{
    size_t slash = slice_find(text, '/');
    return slash > 0 && slash + 1 < text.len && !syntax_has_control(text)
               ? NULL
               : "a content type such as text/html";
}

const char *syntax_location(struct slice text)
{
    return text.len > 0 && !has_blank(text) ? NULL : "a path or a URL without blanks";
}

const char *syntax_ident(struct slice text)
{
    return text.len > 0 && !has_blank(text) ? NULL
                                            : "one word without blanks; m2sh uuid makes a good one";
}
