/* A filter for tests: writes each event that it is asked about as a line "TAG EVENT [METHOD PATH]"
 * to the file `log`. Where the event is `when` (and the path is `path`, if there is that setting)
 * it answers `then`. Keeps a count per connection, to see whether that lasts. */

#include <mongrel2/plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

M2_PLUGIN;

static const struct m2_api *m2;
static FILE *out;

static const char *const names[] = {"CLOSE",     "CONNECT",      "DIRECTORY", "FAILED",
                                    "HANDLER",   "HTTP_REQ",     "MSG_REQ",   "OPEN",
                                    "PROXY",     "REMOTE_CLOSE", "REQ_RECV",  "REQ_SENT",
                                    "RESP_SENT", "SOCKET_REQ",   "TIMEOUT",   "WS_REQ"};

const int *filter_init(const struct m2_api *api, const char *path, int *count)
{
    static int events[M2_EVENT_LAST - M2_EVENT_FIRST + 1];
    (void)path;
    m2 = api;
    *count = sizeof events / sizeof events[0];
    for (int i = 0; i < *count; i++)
        events[i] = M2_EVENT_FIRST + i;
    return events;
}

static void say(const struct m2_value *settings, const char *word, const char *more)
{
    struct m2_bytes log = m2->string(m2->get(settings, "log"));
    struct m2_bytes tag = m2->string(m2->get(settings, "tag"));
    char path[512];
    snprintf(path, sizeof path, "%.*s", (int)log.len, log.ptr != NULL ? log.ptr : "");
    if (out == NULL && path[0] != '\0')
        out = fopen(path, "a");
    if (out == NULL)
        return;
    fprintf(out, "%.*s%s%s%s\n", (int)tag.len, tag.ptr != NULL ? tag.ptr : "",
            tag.ptr != NULL ? " " : "", word, more);
    fflush(out);
}

__attribute__((destructor)) static void end(void)
{
    if (out == NULL)
        return;
    fprintf(out, "UNLOADED\n");
    fclose(out);
}

static void release(void *state)
{
    free(state);
}

static long count_of(struct m2_conn *conn)
{
    long *count = m2->state(conn);
    if (count == NULL) {
        count = calloc(1, sizeof *count);
        if (count == NULL || m2->set_state(conn, count, release) != 0)
            abort();
    }
    return ++*count;
}

int filter_transition(int event, struct m2_conn *conn, const struct m2_value *settings)
{
    char more[300] = "";
    struct m2_bytes method = m2->method(conn), path = m2->path(conn);
    struct m2_bytes only = m2->string(m2->get(settings, "path"));
    if (m2->integer(m2->get(settings, "verbose")) != 0) {
        struct m2_bytes probe = m2->header(conn, "X-Probe"), from = m2->remote_address(conn);
        snprintf(more, sizeof more, " %.*s %.*s probe=%.*s from=%.*s n=%ld", (int)method.len,
                 method.len > 0 ? method.ptr : "", (int)path.len, path.len > 0 ? path.ptr : "",
                 (int)probe.len, probe.len > 0 ? probe.ptr : "", (int)from.len, from.ptr,
                 count_of(conn));
    }
    say(settings, names[event - M2_EVENT_FIRST], more);
    int when = (int)m2->integer(m2->get(settings, "when"));
    int is_there = only.ptr == NULL ||
                   (path.len == only.len && memcmp(path.ptr, only.ptr, path.len) == 0);
    return event == when && is_there ? (int)m2->integer(m2->get(settings, "then")) : event;
}
