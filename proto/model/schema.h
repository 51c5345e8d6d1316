/* The configuration schema: Mongrel2's SQLite tables plus our additions, one row of text per
 * column.
 *
 * The one place that knows which tables and columns exist. It feeds the SQL, the canonical form,
 * the checks, the configuration language's keywords and the reference page. Upstream's columns come
 * first and keep their names; additions stand beside them (COLUMN_ADDITION), so that a database
 * which uses none runs on upstream's mongrel2. All data here is const. */
#ifndef PROTO_MODEL_SCHEMA_H
#define PROTO_MODEL_SCHEMA_H

#include "proto/base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum table_id {
    TABLE_SERVER,
    TABLE_HOST,
    TABLE_ROUTE,
    TABLE_DIRECTORY,
    TABLE_PROXY,
    TABLE_HANDLER,
    TABLE_FILTER,
    TABLE_XREQUEST,
    TABLE_SETTING,
    TABLE_MIMETYPE,
    /* additions */
    TABLE_REDIRECT,
    TABLE_STATUS,
    TABLE_EXPECT,
    TABLE_COUNT
};

/* Column numbers are indexes into row->values; column 0 is the id of every table. */
enum { COLUMN_ID = 0 };
enum server_column {
    SERVER_ID,
    SERVER_UUID,
    SERVER_ACCESS_LOG,
    SERVER_ERROR_LOG,
    SERVER_ERROR_LOG_LEVEL,
    SERVER_CHROOT,
    SERVER_PID_FILE,
    SERVER_CONTROL_PORT,
    SERVER_DEFAULT_HOST,
    SERVER_NAME,
    SERVER_BIND_ADDR,
    SERVER_PORT,
    SERVER_USE_SSL,
    SERVER_PROXY_PROTOCOL,  /* addition */
    SERVER_REQUEST_TIMEOUT, /* seconds until the answer is whole; 0 = none */
    SERVER_COLUMNS
};
enum host_column {
    HOST_ID,
    HOST_SERVER_ID,
    HOST_MAINTENANCE,
    HOST_NAME,
    HOST_MATCHING,
    HOST_COLUMNS
};
enum route_column {
    ROUTE_ID,
    ROUTE_PATH,
    ROUTE_REVERSED,
    ROUTE_HOST_ID,
    ROUTE_TARGET_ID,   /* id in the table that target_type names */
    ROUTE_TARGET_TYPE, /* "dir", "proxy", "handler"; additions "redirect", "status" */
    /* additions */
    ROUTE_REQUEST_TIMEOUT, /* seconds; 0 = none, -1 = the server's */
    ROUTE_COLUMNS
};
enum directory_column {
    DIRECTORY_ID,
    DIRECTORY_BASE,
    DIRECTORY_INDEX_FILE,
    DIRECTORY_DEFAULT_CTYPE,
    DIRECTORY_CACHE_TTL,
    DIRECTORY_COLUMNS
};
enum proxy_column {
    PROXY_ID,
    PROXY_ADDR,
    PROXY_PORT,
    /* additions */
    PROXY_UPSTREAMS, /* "host:port unix:/path …", space separated; '' = addr:port alone */
    PROXY_BALANCE,   /* "least_conn" (default), "round_robin", "hash" */
    PROXY_CHECK,     /* health check path; '' = none ("health_check" in SQL) */
    PROXY_TIMEOUT,   /* seconds until the response head; default 60 */
    PROXY_RETRIES,   /* default 1 */
    PROXY_COLUMNS
};
enum handler_column {
    HANDLER_ID,
    HANDLER_SEND_SPEC,
    HANDLER_SEND_IDENT,
    HANDLER_RECV_SPEC,
    HANDLER_RECV_IDENT,
    HANDLER_RAW_PAYLOAD,
    HANDLER_PROTOCOL,
    /* additions */
    HANDLER_POOL,          /* name of the pool; '' = classic PUSH/SUB */
    HANDLER_QUEUE,         /* requests that may wait; default 1000 */
    HANDLER_QUEUE_TIMEOUT, /* seconds; default 5 */
    HANDLER_TIMEOUT,       /* seconds until the first reply byte; 0 = for ever */
    HANDLER_RETRIES,       /* of idempotent requests after a worker's death; default 1 */
    HANDLER_NUL,           /* 1 (default): replies on JSON/XML sockets end in NUL */
    HANDLER_WEBSOCKET,     /* "raw" (default) or "messages" */
    HANDLER_COLUMNS
};
enum plugin_column { PLUGIN_ID, PLUGIN_SERVER_ID, PLUGIN_NAME, PLUGIN_SETTINGS, PLUGIN_COLUMNS };
enum setting_column { SETTING_ID, SETTING_KEY, SETTING_VALUE, SETTING_COLUMNS };
enum mimetype_column { MIMETYPE_ID, MIMETYPE_MIMETYPE, MIMETYPE_EXTENSION, MIMETYPE_COLUMNS };
/* "to" is "location" in SQL, where TO is a reserved word. */
enum redirect_column { REDIRECT_ID, REDIRECT_TO, REDIRECT_STATUS, REDIRECT_COLUMNS };
enum status_column { STATUS_ID, STATUS_WHAT, STATUS_COLUMNS }; /* health metrics status dashboard */
enum expect_column { EXPECT_ID, EXPECT_TEXT, EXPECT_COLUMNS };

enum column_type { COLUMN_INT, COLUMN_TEXT };

enum column_flag {
    COLUMN_REQUIRED = 1, /* the configuration must give it: there is no default */
    COLUMN_ADDITION = 2, /* not in upstream's schema */
    COLUMN_UNUSED = 4,   /* upstream never reads it; kept for its tools */
    COLUMN_HIDDEN = 8,   /* set by structure, not by a keyword (ids, references) */
};

struct column {
    const char *name; /* in SQL and canonical form */
    enum column_type type;
    unsigned flags;
    const char *default_text; /* for COLUMN_TEXT without COLUMN_REQUIRED */
    int64_t default_int;      /* for COLUMN_INT without COLUMN_REQUIRED */
    int reference;            /* enum table_id whose id it holds; -1 none */
    const char *keyword;      /* in the configuration language; NULL when hidden */
    const char *help;         /* one sentence, for the reference page and messages */
};

struct table {
    const char *name; /* in SQL */
    const char
        *keyword; /* class name in the configuration language, "Dir"; NULL when it has none */
    const char *target_type; /* word in route.target_type; NULL when no route leads to it */
    const struct column *columns;
    size_t column_count;
    bool is_addition;
    const char *help;
};

extern const struct table schema_tables[TABLE_COUNT];

/* The table that a route with this target_type leads to; -1 when the word is unknown. */
int schema_table_of_target(struct slice target_type);

/* The table of a class name ("Dir"); -1 when unknown. Route target classes compare without case. */
int schema_table_of_keyword(struct slice keyword);

/* Index of the column with this keyword, or with this SQL name; -1 when the table has none. */
int schema_column_of_keyword(const struct table *t, struct slice keyword);
int schema_column_of_name(const struct table *t, struct slice name);

#endif
