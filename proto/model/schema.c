/* The tables as data. Column order is upstream's 1.13 order, then the additions: the canonical form
 * and the SQL depend on it, so a new column goes to the end of its table and nowhere else. */

#include "proto/model/schema.h"

#define NONE (-1)

/* In order: name, type, flags, default text, default number, reference, keyword, help. */
#define ID_COLUMN                                                                  \
    {                                                                              \
        "id", COLUMN_INT, COLUMN_HIDDEN, NULL, 0, NONE, NULL, "Number of the row." \
    }
#define TEXT_REQUIRED(name, keyword, help)                               \
    {                                                                    \
        name, COLUMN_TEXT, COLUMN_REQUIRED, NULL, 0, NONE, keyword, help \
    }
#define TEXT(name, flags, value, keyword, help)                 \
    {                                                           \
        name, COLUMN_TEXT, flags, value, 0, NONE, keyword, help \
    }
#define INT_REQUIRED(name, keyword, help)                               \
    {                                                                   \
        name, COLUMN_INT, COLUMN_REQUIRED, NULL, 0, NONE, keyword, help \
    }
#define INT(name, flags, value, keyword, help)                    \
    {                                                             \
        name, COLUMN_INT, flags, NULL, value, NONE, keyword, help \
    }
#define REFERENCE(name, table, help)                                                  \
    {                                                                                 \
        name, COLUMN_INT, COLUMN_REQUIRED | COLUMN_HIDDEN, NULL, 0, table, NULL, help \
    }

static const struct column server_columns[SERVER_COLUMNS] = {
    [SERVER_ID] = ID_COLUMN,
    [SERVER_UUID] = TEXT_REQUIRED("uuid", "uuid",
                                  "Identity of the server; mongrel2 is started by it and "
                                  "certificates are named by it."),
    [SERVER_ACCESS_LOG] = TEXT_REQUIRED("access_log", "access_log",
                                        "File of the access log, inside the chroot."),
    [SERVER_ERROR_LOG] = TEXT_REQUIRED("error_log", "error_log",
                                       "File of the error log, inside the chroot."),
    [SERVER_ERROR_LOG_LEVEL] = INT("error_log_level", 0, 2, "error_log_level",
                                   "What is logged: 0 errors, 1 warnings, 2 information, 3 "
                                   "everything."),
    [SERVER_CHROOT] = TEXT("chroot", 0, "", "chroot",
                           "Directory to chroot to; empty: no chroot, paths as they are."),
    [SERVER_PID_FILE] = TEXT_REQUIRED("pid_file", "pid_file",
                                      "File that holds the process id, inside the chroot."),
    [SERVER_CONTROL_PORT] = TEXT("control_port", 0, "", "control_port",
                                 "ZeroMQ endpoint of the control port; empty: the setting "
                                 "control_port."),
    [SERVER_DEFAULT_HOST] = TEXT_REQUIRED("default_host", "default_host",
                                          "Name of the host that answers when none matches."),
    [SERVER_NAME] = TEXT_REQUIRED("name", "name", "Name of the server for people and m2sh."),
    [SERVER_BIND_ADDR] = TEXT("bind_addr", 0, "0.0.0.0", "bind_addr",
                              "IPv4 or IPv6 address to listen on, or unix:/path."),
    [SERVER_PORT] = INT_REQUIRED("port", "port", "TCP port to listen on."),
    [SERVER_USE_SSL] = INT("use_ssl", 0, 0, "use_ssl", "1: TLS; needs the setting certdir."),
    [SERVER_PROXY_PROTOCOL] = INT("proxy_protocol", COLUMN_ADDITION, 0, "proxy_protocol",
                                  "1: connections begin with a PROXY protocol header, version 1 "
                                  "or 2."),
    [SERVER_REQUEST_TIMEOUT] = INT("request_timeout", COLUMN_ADDITION, 0, "request_timeout",
                                   "Seconds within which a request must be answered whole, by "
                                   "routes that do not say otherwise; 0: no limit."),
};

static const struct column host_columns[HOST_COLUMNS] = {
    [HOST_ID] = ID_COLUMN,
    [HOST_SERVER_ID] = REFERENCE("server_id", TABLE_SERVER, "The server it belongs to."),
    [HOST_MAINTENANCE] = INT("maintenance", COLUMN_UNUSED, 0, "maintenance",
                             "Has no effect; kept for tools that set it."),
    [HOST_NAME] = TEXT_REQUIRED("name", "name", "Name of the host; default_host refers to it."),
    [HOST_MATCHING] = TEXT("matching", 0, "", "matching",
                           "Pattern for the Host header, compared from its end; empty: the name."),
};

static const struct column route_columns[ROUTE_COLUMNS] = {
    [ROUTE_ID] = ID_COLUMN,
    [ROUTE_PATH] = TEXT_REQUIRED("path", NULL,
                                 "Prefix of the path, with a pattern from its first '(' on; "
                                 "'@name' and '<name' are JSON and XML sockets."),
    [ROUTE_REVERSED] = INT("reversed", COLUMN_UNUSED | COLUMN_HIDDEN, 0, NULL,
                           "Has no effect; kept for tools that set it."),
    [ROUTE_HOST_ID] = REFERENCE("host_id", TABLE_HOST, "The host it belongs to."),
    [ROUTE_TARGET_ID] = REFERENCE("target_id", NONE,
                                  "Row of what it leads to, in the table of target_type."),
    [ROUTE_TARGET_TYPE] = {"target_type", COLUMN_TEXT, COLUMN_REQUIRED | COLUMN_HIDDEN, NULL, 0,
                           NONE, NULL,
                           "What it leads to: dir, proxy, handler, redirect or status."},
    [ROUTE_REQUEST_TIMEOUT] = INT("request_timeout", COLUMN_ADDITION, -1, "request_timeout",
                                  "Seconds within which a request must be answered whole; 0: no "
                                  "limit, -1: the server's."),
};

static const struct column directory_columns[DIRECTORY_COLUMNS] = {
    [DIRECTORY_ID] = ID_COLUMN,
    [DIRECTORY_BASE] = TEXT_REQUIRED("base", "base",
                                     "Directory with the files, ends in '/', relative to the "
                                     "chroot."),
    [DIRECTORY_INDEX_FILE] = TEXT_REQUIRED("index_file", "index_file",
                                           "File that answers for a directory."),
    [DIRECTORY_DEFAULT_CTYPE] = TEXT_REQUIRED("default_ctype", "default_ctype",
                                              "Content type of files whose extension has none."),
    [DIRECTORY_CACHE_TTL] = INT("cache_ttl", 0, 0, "cache_ttl",
                                "Seconds for which a file's metadata is used without a check."),
};

static const struct column proxy_columns[PROXY_COLUMNS] = {
    [PROXY_ID] = ID_COLUMN,
    [PROXY_ADDR] = TEXT("addr", 0, "", "addr",
                        "Host name or address of the upstream; not needed with upstreams."),
    [PROXY_PORT] = INT("port", 0, 0, "port", "Port of the upstream; not needed with upstreams."),
    [PROXY_UPSTREAMS] = TEXT("upstreams", COLUMN_ADDITION, "", "upstreams",
                             "List of host:port or unix:/path to share the requests."),
    [PROXY_BALANCE] = TEXT("balance", COLUMN_ADDITION, "least_conn", "balance",
                           "How an upstream is chosen: least_conn, round_robin or hash."),
    [PROXY_CHECK] = TEXT("health_check", COLUMN_ADDITION, "", "check",
                         "Path asked for to see whether an upstream is healthy; empty: none."),
    [PROXY_TIMEOUT] = INT("timeout", COLUMN_ADDITION, 60, "timeout",
                          "Seconds until the head of the response must be there."),
    [PROXY_RETRIES] = INT("retries", COLUMN_ADDITION, 1, "retries",
                          "Other attempts for an idempotent request whose upstream failed."),
};

static const struct column handler_columns[HANDLER_COLUMNS] = {
    [HANDLER_ID] = ID_COLUMN,
    [HANDLER_SEND_SPEC] = TEXT("send_spec", 0, "", "send_spec",
                               "Endpoint where requests go out (PUSH); not needed with pool."),
    [HANDLER_SEND_IDENT] = TEXT("send_ident", 0, "", "send_ident",
                                "First word of every request message."),
    [HANDLER_RECV_SPEC] = TEXT("recv_spec", 0, "", "recv_spec",
                               "Endpoint where replies come in (SUB); not needed with pool."),
    [HANDLER_RECV_IDENT] = TEXT("recv_ident", 0, "", "recv_ident",
                                "Subscription of the replies; empty: everything."),
    [HANDLER_RAW_PAYLOAD] = INT("raw_payload", 0, 0, "raw_payload",
                                "1: replies to JSON and XML sockets go out as they are, else in "
                                "base64."),
    [HANDLER_PROTOCOL] = TEXT("protocol", 0, "json", "protocol",
                              "Encoding of the request headers: json or tnetstring."),
    [HANDLER_POOL] = TEXT("pool", COLUMN_ADDITION, "", "pool",
                          "Name of the pool whose workers serve it; empty: classic PUSH and SUB."),
    [HANDLER_QUEUE] = INT("queue", COLUMN_ADDITION, 1000, "queue",
                          "Requests that may wait in the node for a free worker."),
    [HANDLER_QUEUE_TIMEOUT] = INT("queue_timeout", COLUMN_ADDITION, 5, "queue_timeout",
                                  "Seconds that a request may wait for a worker, then 503."),
    [HANDLER_TIMEOUT] = INT("timeout", COLUMN_ADDITION, 0, "timeout",
                            "Seconds until the first byte of the reply, then 504; 0: for ever."),
    [HANDLER_RETRIES] = INT("retries", COLUMN_ADDITION, 1, "retries",
                            "Other attempts for an idempotent request whose worker died."),
    [HANDLER_NUL] = INT("nul", COLUMN_ADDITION, 1, "nul",
                        "1: replies to JSON and XML sockets end in a NUL byte."),
    [HANDLER_WEBSOCKET] = TEXT("websocket", COLUMN_ADDITION, "raw", "websocket",
                               "raw: the handler gets frames; messages: the node speaks WebSocket "
                               "and the handler gets whole messages."),
};

static const struct column filter_columns[PLUGIN_COLUMNS] = {
    [PLUGIN_ID] = ID_COLUMN,
    [PLUGIN_SERVER_ID] = REFERENCE("server_id", TABLE_SERVER, "The server it belongs to."),
    [PLUGIN_NAME] = TEXT_REQUIRED("name", "name", "Path of the shared object."),
    [PLUGIN_SETTINGS] = TEXT_REQUIRED("settings", "settings",
                                      "Dict handed to the plugin; a tnetstring in SQL."),
};

static const struct column setting_columns[SETTING_COLUMNS] = {
    [SETTING_ID] = ID_COLUMN,
    [SETTING_KEY] = TEXT_REQUIRED("key", NULL, "Name of the setting."),
    [SETTING_VALUE] = TEXT_REQUIRED("value", NULL, "Its value as text."),
};

static const struct column mimetype_columns[MIMETYPE_COLUMNS] = {
    [MIMETYPE_ID] = ID_COLUMN,
    [MIMETYPE_MIMETYPE] = TEXT_REQUIRED("mimetype", NULL, "The content type."),
    [MIMETYPE_EXTENSION] = TEXT_REQUIRED("extension", NULL,
                                         "End of the file name, lower case, begins with '.'."),
};

static const struct column redirect_columns[REDIRECT_COLUMNS] = {
    [REDIRECT_ID] = ID_COLUMN,
    [REDIRECT_TO] = {"location", COLUMN_TEXT, COLUMN_REQUIRED | COLUMN_ADDITION, NULL, 0, NONE,
                     "to", "Where the client is sent: a URL or a path."},
    [REDIRECT_STATUS] = INT("status", COLUMN_ADDITION, 301, "status",
                            "Status of the response: 301, 302, 303, 307 or 308."),
};

static const struct column status_columns[STATUS_COLUMNS] = {
    [STATUS_ID] = ID_COLUMN,
    [STATUS_WHAT] = {"what", COLUMN_TEXT, COLUMN_REQUIRED | COLUMN_ADDITION, NULL, 0, NONE, "what",
                     "What it shows: health, metrics, status or dashboard."},
};

static const struct column expect_columns[EXPECT_COLUMNS] = {
    [EXPECT_ID] = ID_COLUMN,
    [EXPECT_TEXT] = {"text", COLUMN_TEXT, COLUMN_REQUIRED | COLUMN_ADDITION, NULL, 0, NONE, NULL,
                     "A routing test: 'METHOD URL -> kind name'."},
};

const struct table schema_tables[TABLE_COUNT] = {
    [TABLE_SERVER] = {"server", "Server", NULL, server_columns, SERVER_COLUMNS, false,
                      "A listening server."},
    [TABLE_HOST] = {"host", "Host", NULL, host_columns, HOST_COLUMNS, false,
                    "A virtual host of a server."},
    [TABLE_ROUTE] = {"route", "Route", NULL, route_columns, ROUTE_COLUMNS, false,
                     "A path of a host and what it leads to."},
    [TABLE_DIRECTORY] = {"directory", "Dir", "dir", directory_columns, DIRECTORY_COLUMNS, false,
                         "Files from a directory."},
    [TABLE_PROXY] = {"proxy", "Proxy", "proxy", proxy_columns, PROXY_COLUMNS, false,
                     "Another HTTP server."},
    [TABLE_HANDLER] = {"handler", "Handler", "handler", handler_columns, HANDLER_COLUMNS, false,
                       "Programs that answer over ZeroMQ."},
    [TABLE_FILTER] = {"filter", "Filter", NULL, filter_columns, PLUGIN_COLUMNS, false,
                      "A plugin that sees the states of connections."},
    [TABLE_XREQUEST] = {"xrequest", "Xrequest", NULL, filter_columns, PLUGIN_COLUMNS, false,
                        "A plugin that delivers extended replies."},
    [TABLE_SETTING] = {"setting", NULL, NULL, setting_columns, SETTING_COLUMNS, false,
                       "An expert setting."},
    [TABLE_MIMETYPE] = {"mimetype", NULL, NULL, mimetype_columns, MIMETYPE_COLUMNS, false,
                        "The content type of an extension."},
    [TABLE_REDIRECT] = {"redirect", "Redirect", "redirect", redirect_columns, REDIRECT_COLUMNS,
                        true, "A redirection to another place."},
    [TABLE_STATUS] = {"status", "Status", "status", status_columns, STATUS_COLUMNS, true,
                      "What the node says about itself."},
    [TABLE_EXPECT] = {"expect", NULL, NULL, expect_columns, EXPECT_COLUMNS, true,
                      "A routing test kept in the configuration."},
};

int schema_table_of_target(struct slice target_type)
{
    for (int t = 0; t < TABLE_COUNT; t++)
        if (schema_tables[t].target_type != NULL &&
            slice_eq(target_type, slice_str(schema_tables[t].target_type)))
            return t;
    return -1;
}

int schema_table_of_keyword(struct slice keyword)
{
    for (int t = 0; t < TABLE_COUNT; t++) {
        const struct table *table = &schema_tables[t];
        if (table->keyword == NULL)
            continue;
        struct slice own = slice_str(table->keyword);
        if (table->target_type != NULL ? slice_eq_nocase(keyword, own) : slice_eq(keyword, own))
            return t;
    }
    return -1;
}

int schema_column_of_keyword(const struct table *t, struct slice keyword)
{
    for (size_t i = 0; i < t->column_count; i++)
        if (t->columns[i].keyword != NULL && slice_eq(keyword, slice_str(t->columns[i].keyword)))
            return (int)i;
    return -1;
}

int schema_column_of_name(const struct table *t, struct slice name)
{
    for (size_t i = 0; i < t->column_count; i++)
        if (slice_eq(name, slice_str(t->columns[i].name)))
            return (int)i;
    return -1;
}
