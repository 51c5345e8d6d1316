/* The opening is short and read byte by byte; the end is searched for with memchr. */

#include "proto/http/socket_message.h"

#include "proto/http/scan.h"

#include <string.h>

static enum parse_result bad(struct socket_message *m, enum parse_fault fault)
{
    m->fault = fault;
    return PARSE_BAD;
}

/* "%" and two digits at `at`: 3, 0 when more bytes must come, -1 when it is something else. */
static int escape_len(struct slice in, size_t at)
{
    for (size_t i = 1; i < 3; i++)
        if (at + i == in.len)
            return 0;
        else if (!scan_is(in.ptr[at + i], BYTE_HEX))
            return -1;
    return 3;
}

static enum parse_result open_json(struct socket_message *m, struct slice in)
{
    const char *end = in.ptr + in.len;
    while (m->path_len == 0) {
        m->scanned = (uint32_t)(scan_target(in.ptr + m->scanned, end, BYTE_TARGET) - in.ptr);
        if (m->scanned == in.len)
            return PARSE_MORE;
        if (in.ptr[m->scanned] == '%') {
            int len = escape_len(in, m->scanned);
            if (len <= 0)
                return len == 0 ? PARSE_MORE : bad(m, FAULT_SOCKET_PATH);
            m->scanned += (uint32_t)len;
        } else if (in.ptr[m->scanned] == ' ') {
            m->path_len = m->scanned++;
        } else {
            return bad(m, FAULT_SOCKET_PATH);
        }
    }
    if (m->scanned == in.len)
        return PARSE_MORE;
    if (in.ptr[m->scanned] != '{')
        return bad(m, FAULT_SOCKET_OBJECT);
    m->inside = ++m->scanned;
    return PARSE_DONE;
}

static bool is_tag_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.';
}

/* Space and \t \n \v \f \r, as in C, whatever the locale. */
static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static enum parse_result open_xml(struct socket_message *m, struct slice in)
{
    while (m->scanned < in.len && is_tag_byte(in.ptr[m->scanned]))
        m->scanned++;
    if (m->scanned == in.len)
        return PARSE_MORE;
    char next = in.ptr[m->scanned];
    if (m->scanned == 1 || (next != '/' && next != '>' && !is_space(next)))
        return bad(m, FAULT_SOCKET_TAG);
    m->path_len = m->scanned;
    m->inside = ++m->scanned;
    return PARSE_DONE;
}

static enum parse_result find_end(struct socket_message *m, struct slice in)
{
    char closing = socket_message_is_xml(in) ? '>' : '}';
    while (m->scanned < in.len) {
        const char *nul = memchr(in.ptr + m->scanned, '\0', in.len - m->scanned);
        if (nul == NULL) {
            m->scanned = (uint32_t)in.len;
            break;
        }
        m->scanned = (uint32_t)(nul - in.ptr) + 1;
        if (m->scanned - 1 > m->inside && nul[-1] == closing) {
            m->len = m->scanned;
            return PARSE_DONE;
        }
    }
    return PARSE_MORE;
}

enum parse_result socket_message_parse(struct socket_message *m, struct slice in, size_t max)
{
    if (in.len == 0)
        return PARSE_MORE;
    if (m->scanned == 0)
        m->scanned = 1;
    size_t arrived = in.len;
    in.len = in.len < max ? in.len : max;
    enum parse_result result = PARSE_DONE;
    if (m->inside == 0)
        result = socket_message_is_xml(in) ? open_xml(m, in) : open_json(m, in);
    if (result == PARSE_DONE)
        result = find_end(m, in);
    return result == PARSE_MORE && arrived >= max ? bad(m, FAULT_SOCKET_BYTES) : result;
}

struct slice socket_message_path(const struct socket_message *m, struct slice in)
{
    return slice_of(in.ptr, m->path_len);
}

struct slice socket_message_body(const struct socket_message *m, struct slice in)
{
    size_t from = socket_message_is_xml(in) ? 0 : m->inside - 1;
    return slice_of(in.ptr + from, m->len - 1 - from);
}

bool socket_message_is_ping(const struct socket_message *m, struct slice in)
{
    static const struct slice before = SLICE("{\"type\":"), behind = SLICE("\"ping\"}");
    struct slice body = socket_message_body(m, in);
    if (in.ptr[0] != '@' || !slice_starts_with(body, before))
        return false;
    body = slice_from(body, before.len);
    while (body.len > 0 && is_space(body.ptr[0]))
        body = slice_from(body, 1);
    if (!slice_eq(body, behind))
        return false;
    for (size_t i = 1; i < m->path_len; i++)
        if ((in.ptr[i] < 'a' || in.ptr[i] > 'z') && in.ptr[i] != '/')
            return false;
    return true;
}

bool socket_message_asks_policy(const struct socket_message *m, struct slice in)
{
    return slice_eq(socket_message_path(m, in), SLICE("<policy-file-request"));
}
