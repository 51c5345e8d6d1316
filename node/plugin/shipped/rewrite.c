/* A filter that gives proxied servers other paths than clients ask for: where the path begins with
 * `from` ("/proxy/"), that gives way to `to` ("/"). Query and body stay.
 *
 *     Filter(name="/usr/lib/mongrel2/filters/rewrite.so", settings={"from": "/app/", "to": "/"})
 *
 * Whether the route leads to a proxied server need not be known: for others it has no effect. The
 * head is written anew: names in lower case, several fields of one name as one. */

#include <mongrel2/plugin.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

M2_PLUGIN;

static const struct m2_api *m2;

const int *filter_init(const struct m2_api *api, const char *path, int *count)
{
    static const int events[] = {M2_HTTP_REQ, M2_PROXY};
    (void)path;
    m2 = api;
    *count = sizeof events / sizeof events[0];
    return events;
}

static struct m2_bytes setting(const struct m2_value *settings, const char *key,
                               const char *otherwise)
{
    struct m2_bytes value = m2->string(m2->get(settings, key));
    return value.ptr != NULL ? value : (struct m2_bytes){otherwise, strlen(otherwise)};
}

static char *put(char *at, struct m2_bytes b)
{
    if (b.len > 0)
        memcpy(at, b.ptr, b.len);
    return at + b.len;
}

static char *put_text(char *at, const char *text)
{
    return put(at, (struct m2_bytes){text, strlen(text)});
}

static int is_same(struct m2_bytes a, struct m2_bytes b)
{
    return a.len == b.len && strncasecmp(a.ptr, b.ptr, a.len) == 0;
}

static int is_repeated(const struct m2_conn *c, size_t i)
{
    for (size_t before = 0; before < i; before++)
        if (is_same(m2->header_name(c, before), m2->header_name(c, i)))
            return 1;
    return 0;
}

/* The field with this number, and the values of all behind it that have its name. Cookies are the
 * one list whose parts a comma would not separate (RFC 6265 section 5.4). */
static char *put_field(char *at, const struct m2_conn *c, size_t i)
{
    struct m2_bytes name = m2->header_name(c, i);
    const char *between = is_same(name, (struct m2_bytes){"cookie", 6}) ? "; " : ",";
    for (size_t k = 0; k < name.len; k++)
        *at++ = (char)tolower((unsigned char)name.ptr[k]);
    *at++ = ':';
    at = put(at, m2->header_value(c, i));
    for (size_t more = i + 1; more < m2->header_count(c); more++)
        if (is_same(m2->header_name(c, more), name))
            at = put(put_text(at, between), m2->header_value(c, more));
    return put_text(at, "\r\n");
}

static size_t room_for(const struct m2_conn *c, struct m2_bytes to)
{
    size_t room = m2->method(c).len + to.len + m2->path(c).len + m2->query(c).len + 32;
    for (size_t i = 0; i < m2->header_count(c); i++)
        room += m2->header_name(c, i).len + m2->header_value(c, i).len + 4;
    return room;
}

static int rewrite(struct m2_conn *c, struct m2_bytes rest, struct m2_bytes to)
{
    char *head = malloc(room_for(c, to));
    if (head == NULL)
        return -1;
    char *at = put_text(put(head, m2->method(c)), " ");
    at = put(put(at, to), rest);
    if (m2->query(c).ptr != NULL)
        at = put(put_text(at, "?"), m2->query(c));
    at = put_text(at, " HTTP/1.1\r\n");
    for (size_t i = 0; i < m2->header_count(c); i++)
        if (!is_repeated(c, i))
            at = put_field(at, c, i);
    at = put_text(at, "\r\n");
    int result = m2->set_proxy_head(c, (struct m2_bytes){head, (size_t)(at - head)});
    free(head);
    return result;
}

int filter_transition(int event, struct m2_conn *conn, const struct m2_value *settings)
{
    struct m2_bytes path = m2->path(conn), from = setting(settings, "from", "/proxy/");
    if (path.len < from.len || memcmp(path.ptr, from.ptr, from.len) != 0)
        return event;
    struct m2_bytes rest = {path.ptr + from.len, path.len - from.len};
    return rewrite(conn, rest, setting(settings, "to", "/")) == 0 ? event : M2_CLOSE;
}
