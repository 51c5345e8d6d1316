/* A configuration module that asks another program, over ZeroMQ: the URL is its endpoint.
 *
 * For each function one request on a REQ socket, `[function, {arguments}]` as on the control port,
 * for instance
 *
 *     34:10:load_hosts,16:9:server_id,1:1#}]
 *
 * and the reply is the function's answer as it is: the server understands lists of rows, tables
 * with headers, and errors. All of a load must be over in DEADLINE_MS, so that nobody waits for
 * ever for a program that is not there. */

#include <mongrel2/plugin.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

M2_PLUGIN;

enum { DEADLINE_MS = 10000 };

static const int64_t most_bytes = 256 << 20; /* of a reply */

static struct {
    const struct m2_api *api;
    void *context, *socket;
    char url[256];
    int64_t due_ms;
    zmq_msg_t reply; /* the last answer */
    int has_reply;
} asking;

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct m2_bytes fail(const char *what)
{
    char line[400];
    snprintf(line, sizeof line, "configuration from %s: %s", asking.url, what);
    asking.api->log(M2_LOG_ERROR, line);
    return (struct m2_bytes){NULL, 0};
}

static void drop_reply(void)
{
    if (asking.has_reply)
        zmq_msg_close(&asking.reply);
    asking.has_reply = 0;
}

void config_close(void)
{
    drop_reply();
    if (asking.socket != NULL)
        zmq_close(asking.socket);
    if (asking.context != NULL)
        zmq_ctx_term(asking.context);
    memset(&asking, 0, sizeof asking);
}

int config_init(const struct m2_api *api, const char *url)
{
    int linger_ms = 0;
    asking.api = api;
    snprintf(asking.url, sizeof asking.url, "%s", url);
    asking.due_ms = now_ms() + DEADLINE_MS;
    asking.context = zmq_ctx_new();
    asking.socket = asking.context != NULL ? zmq_socket(asking.context, ZMQ_REQ) : NULL;
    if (asking.socket == NULL ||
        zmq_setsockopt(asking.socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms) != 0 ||
        zmq_setsockopt(asking.socket, ZMQ_MAXMSGSIZE, &most_bytes, sizeof most_bytes) != 0 ||
        strlen(url) >= sizeof asking.url || zmq_connect(asking.socket, url) != 0) {
        fail(zmq_strerror(zmq_errno()));
        config_close();
        return -1;
    }
    return 0;
}

/* ---- a request and its reply -------------------------------------------------------------- */

/* Appends `LENGTH:BYTES TAG`. What does not fit is cut, and makes the request one that no program
 * takes; only a UUID of a kilobyte does not fit. */
static void put(char *out, size_t room, const char *bytes, char tag)
{
    size_t used = strlen(out);
    snprintf(out + used, room - used, "%zu:%s%c", strlen(bytes), bytes, tag);
}

static void put_number(char *arguments, size_t room, const char *name, int64_t n)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%lld", (long long)n);
    put(arguments, room, name, ',');
    put(arguments, room, digits, '#');
}

static struct m2_bytes ask(const char *function, const char *arguments)
{
    char call[1400] = "", request[1500] = "";
    put(call, sizeof call, function, ',');
    put(call, sizeof call, arguments, '}');
    put(request, sizeof request, call, ']');
    drop_reply();
    if (zmq_send(asking.socket, request, strlen(request), 0) < 0)
        return fail(zmq_strerror(zmq_errno()));
    zmq_pollitem_t item = {.socket = asking.socket, .events = ZMQ_POLLIN};
    int64_t left_ms = asking.due_ms - now_ms();
    int ready = zmq_poll(&item, 1, left_ms > 0 ? (long)left_ms : 0);
    if (ready <= 0)
        return fail(ready == 0 ? "no answer in time" : zmq_strerror(zmq_errno()));
    zmq_msg_init(&asking.reply);
    asking.has_reply = 1;
    if (zmq_msg_recv(&asking.reply, asking.socket, 0) < 0)
        return fail(zmq_strerror(zmq_errno()));
    return (struct m2_bytes){zmq_msg_data(&asking.reply), zmq_msg_size(&asking.reply)};
}

static struct m2_bytes ask_for(const char *function, const char *name, int64_t id)
{
    char arguments[100] = "";
    put_number(arguments, sizeof arguments, name, id);
    return ask(function, arguments);
}

/* ---- the functions ------------------------------------------------------------------------ */

struct m2_bytes config_load_settings(void)
{
    return ask("load_settings", "");
}

struct m2_bytes config_load_mimetypes(void)
{
    return ask("load_mimetypes", "");
}

struct m2_bytes config_load_server(const char *uuid)
{
    char arguments[1200] = "";
    put(arguments, sizeof arguments, "uuid", ',');
    put(arguments, sizeof arguments, uuid, ',');
    return ask("load_server", arguments);
}

struct m2_bytes config_load_hosts(int64_t server_id)
{
    return ask_for("load_hosts", "server_id", server_id);
}

struct m2_bytes config_load_routes(int64_t host_id, int64_t server_id)
{
    char arguments[200] = "";
    put_number(arguments, sizeof arguments, "host_id", host_id);
    put_number(arguments, sizeof arguments, "server_id", server_id);
    return ask("load_routes", arguments);
}

struct m2_bytes config_load_handler(int64_t handler_id)
{
    return ask_for("load_handler", "id", handler_id);
}

struct m2_bytes config_load_proxy(int64_t proxy_id)
{
    return ask_for("load_proxy", "id", proxy_id);
}

struct m2_bytes config_load_dir(int64_t dir_id)
{
    return ask_for("load_dir", "id", dir_id);
}

struct m2_bytes config_load_redirect(int64_t redirect_id)
{
    return ask_for("load_redirect", "id", redirect_id);
}

struct m2_bytes config_load_status(int64_t status_id)
{
    return ask_for("load_status", "id", status_id);
}

struct m2_bytes config_load_filters(int64_t server_id)
{
    return ask_for("load_filters", "server_id", server_id);
}

struct m2_bytes config_load_xrequests(int64_t server_id)
{
    return ask_for("load_xrequests", "server_id", server_id);
}
