/* Mongrel2 plug-ins: filters, xrequests and configuration modules.
 *
 * A plug-in is a shared object that exports the functions of one of the three kinds below, and the
 * version of this header that it was compiled with (M2_PLUGIN). It links against nothing of the
 * server: what it may ask the server is a table of functions that it is given when it begins.
 *
 *     #include <mongrel2/plugin.h>
 *     M2_PLUGIN;
 *
 *     cc -shared -fPIC -o mine.so mine.c
 *
 * Functions are called by the one thread that serves, so a plug-in that waits makes every client
 * wait (those of configuration modules are not, after the start). Whatever points into the
 * server (struct m2_bytes, struct m2_value, struct m2_conn) is borrowed until the plug-in's
 * function returns, unless it says otherwise.
 *
 * Every use of a plug-in by a configuration has variables of its own: the server loads a private
 * copy of the file for each. It ends with the last connection that uses it; what must be undone
 * then goes into a function with __attribute__((destructor)). A plug-in must not leave threads
 * behind.
 *
 * docs/reference/plugins.md has the rules, and what happens when. */
#ifndef MONGREL2_PLUGIN_H
#define MONGREL2_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Changes when something below changes its meaning or place; a server refuses plug-ins of another
 * version. Functions that are added at the end of struct m2_api do not change it. */
#define M2_PLUGIN_ABI 1

/* Stands once in each plug-in. */
#define M2_PLUGIN                              \
    extern const uint32_t mongrel2_plugin_abi; \
    const uint32_t mongrel2_plugin_abi = M2_PLUGIN_ABI

struct m2_conn;  /* a client's connection, and its request if it has one */
struct m2_value; /* a value of the settings, or of an extended reply */

/* Bytes with their length; not ended by NUL. ptr NULL: there are none, which is not the same as
 * none of them (len 0). */
struct m2_bytes {
    const char *ptr;
    size_t len;
};

enum m2_log_level { M2_LOG_ERROR, M2_LOG_WARN, M2_LOG_INFO, M2_LOG_DEBUG };

enum m2_type { /* the tags of tnetstrings */
               M2_STRING = ',',
               M2_INTEGER = '#',
               M2_BOOLEAN = '!',
               M2_NULL = '~',
               M2_LIST = ']',
               M2_DICT = '}',
};

/* What happens to a connection. Numbers are those of Mongrel2 1.x. */
enum m2_event {
    M2_CLOSE = 100,        /* it ends */
    M2_CONNECT = 101,      /* the proxied server is connected */
    M2_DIRECTORY = 102,    /* the route leads to a Dir (or a Redirect, or a Status) */
    M2_FAILED = 103,       /* the proxied server cannot be connected */
    M2_HANDLER = 104,      /* the route leads to a handler */
    M2_HTTP_REQ = 105,     /* the request is an HTTP request */
    M2_MSG_REQ = 106,      /* it is a message of a JSON or XML socket */
    M2_OPEN = 107,         /* it begins */
    M2_PROXY = 108,        /* the route leads to a proxied server */
    M2_REMOTE_CLOSE = 109, /* it ends, and was connected with a proxied server */
    M2_REQ_RECV = 110,     /* a request has come; also: the proxied server's answer is complete */
    M2_REQ_SENT = 111,     /* the request has been handed to its handler or proxied server */
    M2_RESP_SENT = 112,    /* the server's own answer is complete, and the connection goes on */
    M2_SOCKET_REQ = 113,   /* the request asks for the policy of Flash sockets */
    M2_TIMEOUT = 114,      /* never happens */
    M2_WS_REQ = 115,       /* the request is the opening of a WebSocket */
};
#define M2_EVENT_FIRST 100
#define M2_EVENT_LAST  115

/* What the server does for a plug-in; lives as long as the plug-in. */
struct m2_api {
    uint32_t abi;  /* M2_PLUGIN_ABI of the server */
    uint32_t size; /* of this struct in the server: functions beyond it are not there */

    /* A line of the error log; ends without line feed. */
    void (*log)(enum m2_log_level level, const char *text);

    /* ---- values: NULL as a value is allowed everywhere, and is an M2_NULL ---- */

    enum m2_type (*type)(const struct m2_value *v);
    struct m2_bytes (*string)(const struct m2_value *v); /* ptr NULL when it is no M2_STRING */
    int64_t (*integer)(const struct m2_value *v);        /* 0 when it is no M2_INTEGER */
    int (*boolean)(const struct m2_value *v);            /* 1: M2_BOOLEAN, true; else 0 */
    size_t (*count)(const struct m2_value *v);           /* of an M2_LIST or M2_DICT; else 0 */
    /* The element or value with this number, from 0; NULL when there is none. */
    const struct m2_value *(*at)(const struct m2_value *v, size_t i);
    /* The key with this number of an M2_DICT; ptr NULL when there is none. */
    struct m2_bytes (*key)(const struct m2_value *v, size_t i);
    /* The value under `key` of an M2_DICT; NULL when there is none. */
    const struct m2_value *(*get)(const struct m2_value *v, const char *key);

    /* ---- the connection and its request, for filters and xrequests ---- */

    uint32_t (*conn_id)(const struct m2_conn *c); /* as handlers know it; 0: they do not yet */
    struct m2_bytes (*remote_address)(const struct m2_conn *c); /* without port; "unix" */
    unsigned (*remote_port)(const struct m2_conn *c);           /* 0: unix socket */
    /* Of the request that the event is about; ptr NULL when there is none. */
    struct m2_bytes (*method)(const struct m2_conn *c);  /* "GET", "JSON" … */
    struct m2_bytes (*path)(const struct m2_conn *c);    /* as sent, without the query */
    struct m2_bytes (*query)(const struct m2_conn *c);   /* behind "?"; gone after M2_HANDLER … */
    struct m2_bytes (*version)(const struct m2_conn *c); /* "HTTP/1.1" */
    /* Header fields, in the order and case in which they were sent: until M2_DIRECTORY, M2_HANDLER
     * or M2_PROXY, that one included. `header` finds the first of a name in any case. */
    size_t (*header_count)(const struct m2_conn *c);
    struct m2_bytes (*header_name)(const struct m2_conn *c, size_t i);
    struct m2_bytes (*header_value)(const struct m2_conn *c, size_t i);
    struct m2_bytes (*header)(const struct m2_conn *c, const char *name);

    /* In M2_HTTP_REQ and M2_PROXY (of which later requests to the same proxied server have the
     * first only, those after a request to another proxied server the second): what the proxied
     * server is sent instead of the client's request line and header fields: `head` is a request
     * line and lines of fields, with an empty line at its end; copied. The server checks it, and
     * adds and removes what concerns the connection, as it does with the client's: body and framing
     * stay those of the client's request. 0; -1 when it is no such head (with a line in the error
     * log) or when the event is another. */
    int (*set_proxy_head)(struct m2_conn *c, struct m2_bytes head);

    /* A pointer of this plug-in's for this connection; NULL before it was set. */
    void *(*state)(const struct m2_conn *c);
    /* Sets it; `release` (NULL: none) is called with it when the connection has ended, or when
     * another one is set. 0; -1 when out of memory. */
    int (*set_state)(struct m2_conn *c, void *state, void (*release)(void *state));

    /* ---- output, for xrequests: behind what handlers have said before ---- */

    /* Bytes for the client, copied. 0; -1 when the connection has ended. */
    int (*write)(struct m2_conn *c, struct m2_bytes bytes);
    /* `length` bytes from `offset` of a regular file, sent as fast as the client takes them. Takes
     * the descriptor, also when it fails. 0; -1 likewise. */
    int (*send_file)(struct m2_conn *c, int fd, int64_t offset, int64_t length);
    /* Ends the connection when all that was said has been sent. */
    void (*close)(struct m2_conn *c);
};

/* ---- filters: Server(filters=[Filter(name="/path/mine.so", settings={…})]) ----------------------
 *
 * Called before each event that it has asked for. It returns the event that is to happen: the same;
 * or M2_CLOSE, which ends the connection at once; or another that is possible at this point:
 * M2_FAILED for M2_CONNECT (the client gets 502), M2_HTTP_REQ for M2_WS_REQ (the handler gets an
 * ordinary request). Any other ends the connection, with a line in the error log. */

/* The events that it wants to see, `*count` of them; NULL or a count of 0: it refuses to begin, and
 * the configuration is refused. `path` is the filter's name in the configuration. */
const int *filter_init(const struct m2_api *api, const char *path, int *count);
int filter_transition(int event, struct m2_conn *conn, const struct m2_value *settings);

/* ---- xrequests: Server(xrequests=[Xrequest(name="/path/mine.so", settings={…})]) ----------------
 *
 * Called with extended replies of handlers whose key it has asked for. `request` is the reply's
 * list of two elements: the key and a value. 0; -1 ends the connection. */

typedef int m2_xrequest(struct m2_conn *conn, const struct m2_value *request);

#define M2_XREQUEST_KEYS_MAX 128

/* The keys that it wants to see, `*count` of them through `*keys`; NULL or a count of 0: it refuses
 * to begin. Keys and function live as long as the plug-in. */
m2_xrequest *xrequest_init(const struct m2_api *api, const char *path,
                           const struct m2_value *settings, const char *const **keys, int *count);

/* ---- configuration modules: mongrel2 URL UUID /path/mine.so ------------------------------------
 *
 * Each function answers with a tnetstring: a list of rows, each a list of the columns named beside
 * it (`#` marks integers, all others are strings); or `{"headers": [names], "rows": [rows]}` with
 * any columns of the table, "id" among them, which is how columns that Mongrel2 1.x does not have
 * are given; or `{"code": WORD, "error": TEXT}`. It is borrowed until the next call of a function
 * of the module. ptr NULL: it cannot be loaded. Then the server does not start, or keeps what it
 * has.
 *
 * The order of calls is: init, settings, mimetypes, server, hosts; for each host routes, and for
 * each route its target unless it was loaded before; filters, xrequests, close: at the start, and
 * at each reload, then on another thread than the one that serves. Of struct m2_api the functions
 * of connections are not there. */

int config_init(const struct m2_api *api, const char *url); /* 0, or -1: it does not begin */
void config_close(void);                                    /* after each config_init that was 0 */

struct m2_bytes config_load_settings(void);  /* id#, key, value */
struct m2_bytes config_load_mimetypes(void); /* id#, extension, mimetype */
/* id#, uuid, default_host, bind_addr, port#, chroot, access_log, error_log, [error_log_level#,]
 * pid_file, control_port, use_ssl#: one row */
struct m2_bytes config_load_server(const char *uuid);
struct m2_bytes config_load_hosts(int64_t server_id); /* id#, name, matching, server_id# */
/* id#, path, target_id#, target_type: "dir", "proxy", "handler", "redirect", "status" */
struct m2_bytes config_load_routes(int64_t host_id, int64_t server_id);
/* id#, send_spec, send_ident, recv_spec, recv_ident, raw_payload#, protocol */
struct m2_bytes config_load_handler(int64_t handler_id);
struct m2_bytes config_load_proxy(int64_t proxy_id); /* id#, addr, port# */
struct m2_bytes config_load_dir(
    int64_t dir_id); /* id#, base, index_file, default_ctype, cache_ttl# */
struct m2_bytes config_load_filters(int64_t server_id); /* id#, name, settings */

/* These three may be missing. */
struct m2_bytes config_load_xrequests(int64_t server_id);  /* id#, name, settings */
struct m2_bytes config_load_redirect(int64_t redirect_id); /* id#, location, status# */
struct m2_bytes config_load_status(int64_t status_id);     /* id#, what */

#ifdef __cplusplus
}
#endif

#endif
