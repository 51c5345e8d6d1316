/* An xrequest for tests, with two keys: ["say", TEXT] writes TEXT, ["bye", any] writes "bye" and
 * ends the connection when that has been sent. What is no text ends it at once. */

#include <mongrel2/plugin.h>

#include <string.h>

M2_PLUGIN;

static const struct m2_api *m2;

static int speak(struct m2_conn *conn, const struct m2_value *request)
{
    struct m2_bytes key = m2->string(m2->at(request, 0)), text = m2->string(m2->at(request, 1));
    if (key.len == 3 && memcmp(key.ptr, "bye", 3) == 0) {
        m2->write(conn, (struct m2_bytes){"bye", 3});
        m2->close(conn);
        return 0;
    }
    return text.ptr != NULL ? m2->write(conn, text) : -1;
}

m2_xrequest *xrequest_init(const struct m2_api *api, const char *path,
                           const struct m2_value *settings, const char *const **keys, int *count)
{
    static const char *const all[] = {"say", "bye"};
    (void)path, (void)settings;
    m2 = api;
    *keys = all;
    *count = 2;
    return speak;
}
