/* The request line is taken whole or not at all: an incomplete one is parsed again when its LF has
 * come. Until a line end arrives, later bytes are only searched for LF, so each byte is looked at a
 * constant number of times. */

#include "proto/http/request_head.h"

#include "proto/http/fields.h"
#include "proto/http/framing.h"
#include "proto/http/scan.h"
#include "proto/http/uri.h"
#include "proto/http/ws_handshake.h"

#include <string.h>

#define EMPTY_LINES_MAX                                                      \
    8 /* before the request line; RFC 9112 section 2.2 asks for at least one \
       */

/* Where a step over part of a line stands: at a byte, or at the end of what has arrived. */
struct cursor {
    const char *p;
    const char *end;
    enum parse_fault fault;
};

static bool fail(struct cursor *c, const char *at, enum parse_fault fault)
{
    c->p = at;
    c->fault = fault;
    return false;
}

void request_head_init(struct request_head *h, struct http_field *fields, size_t capacity)
{
    memset(h, 0, sizeof *h);
    h->method = h->target = h->path = h->uri = SLICE_EMPTY;
    h->query = h->fragment = h->authority = h->host = SLICE_EMPTY;
    h->port = -1;
    h->content_length = -1;
    field_list_init(&h->fields, fields, capacity);
}

/* -- request line -------------------------------------------------------------------------- */

static enum method_id method_of(struct slice m)
{
#define METHOD(literal, id) \
    return memcmp(m.ptr, literal, sizeof(literal) - 1) == 0 ? id : METHOD_OTHER
    switch (m.len) {
    case 3:
        if (m.ptr[0] == 'G')
            METHOD("GET", METHOD_GET);
        METHOD("PUT", METHOD_PUT);
    case 4:
        if (m.ptr[0] == 'H')
            METHOD("HEAD", METHOD_HEAD);
        METHOD("POST", METHOD_POST);
    case 5:
        if (m.ptr[0] == 'P')
            METHOD("PATCH", METHOD_PATCH);
        METHOD("TRACE", METHOD_TRACE);
    case 6: METHOD("DELETE", METHOD_DELETE);
    case 7:
        if (m.ptr[0] == 'O')
            METHOD("OPTIONS", METHOD_OPTIONS);
        METHOD("CONNECT", METHOD_CONNECT);
    default: return METHOD_OTHER;
    }
#undef METHOD
}

/* The method and the space behind it. */
static bool take_method(struct request_head *h, struct cursor *c)
{
    const char *start = c->p;
    const char *bound = c->end - start > REQUEST_METHOD_MAX + 1 ? start + REQUEST_METHOD_MAX + 1
                                                                : c->end;
    c->p = scan_while(start, bound, BYTE_TOKEN);
    if (c->p == bound && c->p - start > REQUEST_METHOD_MAX)
        return fail(c, c->p, FAULT_METHOD_LENGTH);
    if (c->p == c->end)
        return false;
    if (*c->p != ' ' || c->p == start)
        return fail(c, c->p, FAULT_METHOD);
    h->method = slice_of(start, (size_t)(c->p - start));
    h->method_id = method_of(h->method);
    c->p++;
    return true;
}

/* Path, query or fragment: allowed bytes and escapes; stops at "?", "#" or " ". False at anything
 * else, and at the end of what has arrived. */
static bool take_target_part(struct cursor *c, unsigned classes)
{
    for (;;) {
        c->p = scan_target(c->p, c->end, classes);
        if (c->p == c->end)
            return false;
        if (*c->p != '%')
            break;
        for (int i = 1; i <= 2; i++) {
            if (c->end - c->p == i)
                return false;
            if (!scan_is(c->p[i], BYTE_HEX))
                return fail(c, c->p, FAULT_TARGET);
        }
        c->p += 3;
    }
    return *c->p == ' ' || *c->p == '?' || *c->p == '#' || fail(c, c->p, FAULT_TARGET);
}

/* As take_target_part, but "?" is an ordinary byte (RFC 3986 section 3.4). */
static bool take_query_part(struct cursor *c, unsigned classes)
{
    while (take_target_part(c, classes)) {
        if (*c->p != '?')
            return true;
        c->p++;
    }
    return false;
}

/* From the path on, up to the space. */
static bool take_path_and_query(struct request_head *h, struct cursor *c, bool relaxed)
{
    unsigned classes = relaxed ? BYTE_TARGET | BYTE_RELAXED : BYTE_TARGET;
    const char *start = c->p;
    if (!take_target_part(c, classes))
        return false;
    h->path = slice_of(start, (size_t)(c->p - start));
    if (*c->p == '?') {
        const char *query = ++c->p;
        if (!take_query_part(c, classes))
            return false;
        h->has_query = true;
        h->query = slice_of(query, (size_t)(c->p - query));
    }
    h->uri = slice_of(start, (size_t)(c->p - start));
    if (*c->p == '#') {
        const char *fragment = ++c->p;
        if (!take_query_part(c, classes))
            return false;
        if (*c->p == '#')
            return fail(c, c->p, FAULT_TARGET);
        h->has_fragment = true;
        h->fragment = slice_of(fragment, (size_t)(c->p - fragment));
    }
    return true;
}

/* An authority up to one of "/?# ", which must not be empty (RFC 9110 section 4.2.1). */
static bool take_authority(struct request_head *h, struct cursor *c)
{
    const char *start = c->p;
    while (c->p < c->end && *c->p != '/' && *c->p != '?' && *c->p != '#' && *c->p > ' ')
        c->p++;
    if (c->p == c->end)
        return false;
    h->authority = slice_of(start, (size_t)(c->p - start));
    if (!uri_parse_authority(h->authority, &h->host, &h->port) || h->host.len == 0)
        return fail(c, start, FAULT_TARGET_AUTHORITY);
    return true;
}

/* "http://" or "https://" in any case; of other schemes this server has no resources. */
static bool take_scheme(struct cursor *c)
{
    static const struct slice schemes[] = {SLICE("http://"), SLICE("https://")};
    size_t there = (size_t)(c->end - c->p);
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t len = schemes[i].len < there ? schemes[i].len : there;
        if (strncasecmp(c->p, schemes[i].ptr, len) != 0)
            continue;
        if (len == there)
            return false;
        c->p += len;
        return true;
    }
    return fail(c, c->p, FAULT_TARGET_FORM);
}

static bool take_target(struct request_head *h, struct cursor *c, bool relaxed)
{
    const char *start = c->p;
    if (c->p == c->end)
        return false;
    bool whole;
    if (h->method_id == METHOD_CONNECT) {
        h->form = TARGET_AUTHORITY;
        whole = take_authority(h, c);
        if (whole && (*c->p != ' ' || h->port < 0))
            return fail(c, start, FAULT_TARGET_FORM);
    } else if (*start == '/') {
        h->form = TARGET_ORIGIN;
        whole = take_path_and_query(h, c, relaxed);
    } else if (*start == '*') {
        h->form = TARGET_ASTERISK;
        h->path = h->uri = slice_of(start, 1);
        whole = ++c->p < c->end;
        if (whole && (*c->p != ' ' || h->method_id != METHOD_OPTIONS))
            return fail(c, start, FAULT_TARGET_FORM);
    } else if ((*start | 0x20) >= 'a' && (*start | 0x20) <= 'z') {
        h->form = TARGET_ABSOLUTE;
        whole = take_scheme(c) && take_authority(h, c) && take_path_and_query(h, c, relaxed);
    } else {
        return fail(c, start, scan_is(*start, BYTE_TARGET) ? FAULT_TARGET_FORM : FAULT_TARGET);
    }
    h->target = slice_of(start, (size_t)(c->p - start));
    return whole;
}

/* HTTP-version and the end of the line. */
static bool take_version(struct request_head *h, struct cursor *c)
{
    static const char form[] = "HTTP/1.1";
    const char *p = c->p;
    if (c->end - p >= 10 && memcmp(p, "HTTP/1.1\r\n", 10) == 0) {
        h->version_minor = 1;
        c->p += 10;
        return true;
    }
    for (size_t i = 0; i < sizeof form - 1; i++) {
        if (p + i == c->end)
            return false;
        bool same = i == 5 || i == 7 ? scan_is(p[i], BYTE_DIGIT) : p[i] == form[i];
        if (!same)
            return fail(c, p + i, FAULT_VERSION);
    }
    c->p = p + 8;
    if (c->p == c->end)
        return false;
    if (*c->p == '\r' && c->end - c->p < 2)
        return false;
    if (*c->p == '\r' && c->p[1] != '\n')
        return fail(c, c->p, FAULT_BARE_CR);
    if (*c->p != '\r' && *c->p != '\n')
        return fail(c, c->p, FAULT_START_LINE);
    if (p[5] != '1')
        return fail(c, p, FAULT_VERSION_UNSUPPORTED);
    h->version_minor = p[7] != '0';
    c->p += *c->p == '\r' ? 2 : 1;
    return true;
}

/* "http://host?x" means "http://host/?x" (RFC 9110 section 4.2.3). Room for the "/" is made by
 * moving the authority over the second "/" of the scheme, which nobody needs any more. */
static void insert_path(struct request_head *h, char *bytes)
{
    char *from = bytes + (h->authority.ptr - bytes);
    memmove(from - 1, from, h->authority.len);
    from[h->authority.len - 1] = '/';
    h->authority.ptr--;
    h->host.ptr--;
    h->path = slice_of(from + h->authority.len - 1, 1);
    h->uri = slice_of(h->path.ptr, h->uri.len + 1);
}

static bool take_request_line(struct request_head *h, struct cursor *c, char *bytes,
                              const struct request_limits *limits)
{
    if (!take_method(h, c) || !take_target(h, c, limits->relaxed))
        return false;
    const char *behind = c->p;
    if (limits->url_path != 0 && h->path.len > limits->url_path)
        return fail(c, h->path.ptr, FAULT_URL_PATH);
    c->p = behind + 1; /* the target ends at a space */
    if (!take_version(h, c))
        return false;
    if (h->form == TARGET_ABSOLUTE && h->path.len == 0)
        insert_path(h, bytes);
    return true;
}

/* -- what the fields mean --------------------------------------------------------------------- */

/* RFC 9112 section 3.2: exactly one valid Host in HTTP/1.1, never two; an absolute target wins. */
static enum parse_fault read_host(struct request_head *h)
{
    const struct http_field *f = field_list_get(&h->fields, FIELD_HOST);
    if (f == NULL)
        return h->version_minor >= 1 ? FAULT_HOST_MISSING : FAULT_NONE;
    if ((h->fields.repeated & FIELD_BIT(FIELD_HOST)) != 0)
        return FAULT_HOST_REPEATED;
    struct slice host;
    int32_t port;
    if (!uri_parse_authority(f->value, &host, &port))
        return FAULT_HOST;
    if (h->form == TARGET_ORIGIN || h->form == TARGET_ASTERISK) {
        h->authority = f->value;
        h->host = host;
        h->port = port;
    }
    return FAULT_NONE;
}

/* RFC 9110 section 10.1.1: an expectation in HTTP/1.0 is ignored. */
static void read_expect(struct request_head *h)
{
    const struct http_field *f = field_list_get(&h->fields, FIELD_EXPECT);
    for (; f != NULL && h->version_minor >= 1; f = field_list_next(&h->fields, f)) {
        struct slice rest = f->value, element;
        while (fields_next(&rest, &element)) {
            if (slice_eq_nocase(element, SLICE("100-continue")))
                h->expect_continue = true;
            else
                h->expect_unknown = true;
        }
    }
}

static enum parse_fault read_fields(struct request_head *h)
{
    const uint64_t rare = FIELD_BIT(FIELD_CONTENT_LENGTH) | FIELD_BIT(FIELD_TRANSFER_ENCODING) |
                          FIELD_BIT(FIELD_EXPECT) | FIELD_BIT(FIELD_CONNECTION);
    enum parse_fault fault = read_host(h);
    h->keep_alive = h->version_minor >= 1;
    if (fault != FAULT_NONE || (h->fields.present & rare) == 0)
        return fault;
    fault = framing_read(&h->fields, h->version_minor, &h->content_length, &h->chunked);
    if (fault != FAULT_NONE)
        return fault;
    h->has_body = h->chunked || h->content_length > 0;
    read_expect(h);
    h->keep_alive = framing_keeps_alive(framing_connection(&h->fields), h->version_minor);
    if (field_list_has(&h->fields, FIELD_SEC_WEBSOCKET_KEY)) {
        h->is_websocket = ws_handshake_is_asked(h);
        h->upgrade_websocket = ws_handshake_status(h) == 0;
    }
    return FAULT_NONE;
}

/* -- the steps -------------------------------------------------------------------------------- */

static enum parse_result bad(struct request_head *h, size_t offset, enum parse_fault fault)
{
    h->fault = fault;
    h->offset = offset;
    return PARSE_BAD;
}

/* Nothing more can be taken from `len` bytes: wait, unless the head is too large already. */
static enum parse_result wait_for_more(struct request_head *h, size_t len,
                                       const struct request_limits *limits)
{
    h->seen = len;
    if (len < limits->head_bytes)
        return PARSE_MORE;
    return bad(h, len, h->has_line ? FAULT_HEAD_BYTES : FAULT_START_LINE_BYTES);
}

/* CRLF before the request line is ignored (RFC 9112 section 2.2). */
static bool skip_empty_lines(struct request_head *h, struct cursor *c)
{
    while (c->p < c->end && (*c->p == '\r' || *c->p == '\n')) {
        if (*c->p == '\r' && c->end - c->p < 2)
            return false;
        if (*c->p == '\r' && c->p[1] != '\n')
            return fail(c, c->p, FAULT_BARE_CR);
        if (h->empty_lines++ == EMPTY_LINES_MAX)
            return fail(c, c->p, FAULT_EMPTY_LINES);
        c->p += *c->p == '\r' ? 2 : 1;
        h->parsed = h->start = (size_t)(c->p - h->base);
    }
    return c->p < c->end;
}

static enum parse_result parse_fields(struct request_head *h, struct cursor *c,
                                      const struct request_limits *limits)
{
    const char *at = c->p;
    enum parse_result result = field_lines_parse(&h->fields, &at, c->end, limits->fields,
                                                 &h->fault);
    size_t offset = (size_t)(at - h->base);
    if (result == PARSE_BAD)
        return bad(h, offset, h->fault);
    h->parsed = offset;
    if (result == PARSE_MORE)
        return wait_for_more(h, (size_t)(c->end - h->base), limits);
    if (result == PARSE_FULL) {
        h->seen = offset;
        return PARSE_FULL;
    }
    if (offset > limits->head_bytes)
        return bad(h, limits->head_bytes, FAULT_HEAD_BYTES);
    h->len = offset;
    enum parse_fault fault = read_fields(h);
    return fault == FAULT_NONE ? PARSE_DONE : bad(h, offset, fault);
}

enum parse_result request_head_parse(struct request_head *h, char *bytes, size_t len,
                                     const struct request_limits *limits)
{
    request_head_rebase(h, bytes);
    if (h->seen > 0 && memchr(bytes + h->seen, '\n', len - h->seen) == NULL)
        return wait_for_more(h, len, limits);

    struct cursor c = {bytes + h->parsed, bytes + len, FAULT_NONE};
    if (!h->has_line) {
        bool taken = skip_empty_lines(h, &c) && take_request_line(h, &c, bytes, limits);
        if (c.fault != FAULT_NONE)
            return bad(h, (size_t)(c.p - bytes), c.fault);
        if (!taken)
            return wait_for_more(h, len, limits);
        h->parsed = (size_t)(c.p - bytes);
        if (h->parsed > limits->head_bytes)
            return bad(h, limits->head_bytes, FAULT_START_LINE_BYTES);
        h->has_line = true;
    }
    return parse_fields(h, &c, limits);
}

static void rebase(struct slice *s, const char *from, size_t len, const char *to)
{
    if (s->ptr != NULL && s->ptr >= from && s->ptr <= from + len)
        s->ptr = to + (s->ptr - from);
}

void request_head_rebase(struct request_head *h, const char *bytes)
{
    const char *from = h->base;
    h->base = bytes;
    if (from == bytes || from == NULL)
        return;
    struct slice *slices[] = {&h->method, &h->target,   &h->path,      &h->uri,
                              &h->query,  &h->fragment, &h->authority, &h->host};
    size_t len = h->parsed;
    for (size_t i = 0; i < sizeof slices / sizeof *slices; i++)
        rebase(slices[i], from, len, bytes);
    for (size_t i = 0; i < h->fields.count; i++) {
        rebase(&h->fields.items[i].name, from, len, bytes);
        rebase(&h->fields.items[i].value, from, len, bytes);
    }
}

bool request_method_is_idempotent(enum method_id method)
{
    return method != METHOD_OTHER && method != METHOD_POST && method != METHOD_PATCH &&
           method != METHOD_CONNECT;
}
