/* A filter that lets nobody through to handlers and proxied servers: logs its settings and closes.
 * Files are still served. The smallest filter there is, to see whether plug-ins work. */

#include <mongrel2/plugin.h>

#include <stdio.h>
#include <string.h>

M2_PLUGIN;

static const struct m2_api *m2;

const int *filter_init(const struct m2_api *api, const char *path, int *count)
{
    static const int events[] = {M2_HANDLER, M2_PROXY};
    (void)path;
    m2 = api;
    *count = sizeof events / sizeof events[0];
    return events;
}

/* A value as a tnetstring into `out`, as far as there is room; the length that it would have. */
static size_t render(const struct m2_value *v, char *out, size_t room);

static size_t render_inside(const struct m2_value *v, char *out, size_t room)
{
    size_t used = 0;
    for (size_t i = 0; i < m2->count(v); i++) {
        struct m2_bytes key = m2->key(v, i);
        if (key.ptr != NULL && used < room) /* a dict */
            used += (size_t)snprintf(out + used, room - used, "%zu:%.*s,", key.len, (int)key.len,
                                     key.ptr);
        if (used < room)
            used += render(m2->at(v, i), out + used, room - used);
    }
    return used;
}

static size_t render(const struct m2_value *v, char *out, size_t room)
{
    char inside[512] = "";
    size_t len = 0;
    enum m2_type type = m2->type(v);
    if (type == M2_STRING)
        len = (size_t)snprintf(inside, sizeof inside, "%.*s", (int)m2->string(v).len,
                               m2->string(v).ptr);
    else if (type == M2_INTEGER)
        len = (size_t)snprintf(inside, sizeof inside, "%lld", (long long)m2->integer(v));
    else if (type == M2_BOOLEAN)
        len = (size_t)snprintf(inside, sizeof inside, "%s", m2->boolean(v) ? "true" : "false");
    else if (type != M2_NULL)
        len = render_inside(v, inside, sizeof inside);
    return (size_t)snprintf(out, room, "%zu:%s%c", len, inside, (char)type);
}

int filter_transition(int event, struct m2_conn *conn, const struct m2_value *settings)
{
    char text[600] = "CONFIG: ";
    (void)event, (void)conn;
    render(settings, text + strlen(text), sizeof text - strlen(text));
    m2->log(M2_LOG_INFO, text);
    return M2_CLOSE;
}
