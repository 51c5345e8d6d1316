/* One row per setting, in the order of enum setting, which is the order of the keys: a look-up by
 * key is a binary search. Defaults are upstream's except where its own are a defect: the request
 * head may be larger (limits.buffer_size), and so may the path (limits.url_path, which upstream
 * reads but never enforces). */

#include "proto/model/settings.h"

#include <errno.h>
#include <stdlib.h>

#define KIB        1024
#define MIB        (1024 * 1024)
#define INT_MAX_32 INT64_C(2147483647)

#define INT(key, value, min, max, unit, help)                               \
    {                                                                       \
        key, SETTING_IS_INT, false, true, value, min, max, NULL, unit, help \
    }
#define INT_OURS(key, value, min, max, unit, help)                         \
    {                                                                      \
        key, SETTING_IS_INT, true, true, value, min, max, NULL, unit, help \
    }
#define INT_UNUSED(key, value, unit, help)                                        \
    {                                                                             \
        key, SETTING_IS_INT, false, false, value, 0, INT_MAX_32, NULL, unit, help \
    }
#define BOOL(key, value, help)                                         \
    {                                                                  \
        key, SETTING_IS_BOOL, false, true, value, 0, 1, NULL, "", help \
    }
#define BOOL_OURS(key, value, help)                                   \
    {                                                                 \
        key, SETTING_IS_BOOL, true, true, value, 0, 1, NULL, "", help \
    }
#define TEXT(key, value, help)                                         \
    {                                                                  \
        key, SETTING_IS_TEXT, false, true, value, 0, 0, NULL, "", help \
    }
#define WORD_OURS(key, value, words, help)                             \
    {                                                                  \
        key, SETTING_IS_WORD, true, true, value, 0, 0, words, "", help \
    }

// clang-format off
const struct setting_info setting_infos[SETTING_COUNT] = {
    [SETTING_ACCESS_LOG_FORMAT] =
        WORD_OURS("access_log.format", "mongrel2", "mongrel2 json",
                  "Form of the access log: mongrel2 (one tnetstring a line) or json."),
    [SETTING_CERTDIR] =
        TEXT("certdir", "",
             "Directory of the TLS certificates, inside the chroot; ends in '/'. Needed with "
             "use_ssl."),
    [SETTING_CONTROL_PORT] =
        TEXT("control_port", "ipc://run/control",
             "Endpoint of the control port of servers whose control_port is empty."),
    [SETTING_DIR_SYMLINKS] =
        WORD_OURS("dir.symlinks", "inside", "inside any",
                  "Where symbolic links below the base of a Dir may lead: inside (of the base) or "
                  "any (where)."),
    [SETTING_DISABLE_ACCESS_LOGGING] =
        BOOL("disable.access_logging", "0", "1: no access log."),
    [SETTING_DOWNLOAD_FLOW_CONTROL] =
        BOOL("download.flow_control", "0",
             "1: handlers get credits as their replies are written."),
    [SETTING_HOST_MATCHING] =
        WORD_OURS("host.matching", "labels", "labels upstream",
                  "How a Host header fits a host: labels (in whole labels, letters in either "
                  "case) or upstream (as Mongrel2 does it, byte by byte)."),
    [SETTING_LIMITS_BODY_TIMEOUT] =
        INT_OURS("limits.body_timeout", "60", 1, 86400, "seconds",
                 "Longest pause between two pieces of a request body."),
    [SETTING_LIMITS_BUFFER_SIZE] =
        INT("limits.buffer_size", "16384", 512, 16 * MIB, "bytes",
            "Largest request head, JSON or XML message, or proxied response head."),
    [SETTING_LIMITS_CLIENT_READ_RETRIES] =
        INT_UNUSED("limits.client_read_retries", "5", "reads",
                   "limits.header_timeout bounds the time instead."),
    [SETTING_LIMITS_CONNECTION_STACK_SIZE] =
        INT_UNUSED("limits.connection_stack_size", "32768", "bytes",
                   "Connections have no stacks."),
    [SETTING_LIMITS_CONTENT_LENGTH] =
        INT("limits.content_length", "20480", 0, INT64_C(1) << 40, "bytes",
            "Largest request body kept in memory for a handler; larger ones are uploads or "
            "refused with 413."),
    [SETTING_LIMITS_DIR_MAX_PATH] =
        INT("limits.dir_max_path", "256", 1, 65536, "bytes",
            "The base of a Dir and the prefix of its routes must be shorter."),
    [SETTING_LIMITS_DIR_SEND_BUFFER] =
        INT("limits.dir_send_buffer", "16384", 1, 16 * MIB, "bytes",
            "Piece in which a file is sent over TLS."),
    [SETTING_LIMITS_DRAIN_TIMEOUT] =
        INT_OURS("limits.drain_timeout", "30", 0, 86400, "seconds",
                 "How long a stopping server waits for the requests in flight."),
    [SETTING_LIMITS_FDTASK_STACK] =
        INT_UNUSED("limits.fdtask_stack", "102400", "bytes", "The event loop has no such stack."),
    [SETTING_LIMITS_HANDLER_STACK] =
        INT_UNUSED("limits.handler_stack", "102400", "bytes", "Handlers have no stacks."),
    [SETTING_LIMITS_HANDLER_TARGETS] =
        INT("limits.handler_targets", "128", 1, 65536, "connections",
            "How many connections one reply may name."),
    [SETTING_LIMITS_HEADER_COUNT] =
        INT("limits.header_count", "1280", 1, 65535, "headers", "Header lines of a request."),
    [SETTING_LIMITS_HEADER_TIMEOUT] =
        INT_OURS("limits.header_timeout", "30", 1, 86400, "seconds",
                 "Time for a request head to arrive from its first byte on."),
    [SETTING_LIMITS_HOST_NAME] =
        INT("limits.host_name", "256", 1, 65536, "bytes",
            "The name and the pattern of a host must be shorter."),
    [SETTING_LIMITS_IDLE_TIMEOUT] =
        INT_OURS("limits.idle_timeout", "75", 1, 86400, "seconds",
                 "How long a kept-alive connection may wait for its next request."),
    [SETTING_LIMITS_KILL_LIMIT] =
        INT("limits.kill_limit", "2", 0, 3, "tests",
            "A connection that fails more than this many of the three tests min_ping, "
            "min_read_rate and min_write_rate is closed."),
    [SETTING_LIMITS_MIME_EXT_LEN] =
        INT("limits.mime_ext_len", "128", 2, 65536, "bytes",
            "Extensions of the MIME table must be shorter."),
    [SETTING_LIMITS_MIN_PING] =
        INT("limits.min_ping", "120", 0, INT_MAX_32, "seconds",
            "A connection idle for longer fails a test; 0: no such test."),
    [SETTING_LIMITS_MIN_READ_RATE] =
        INT("limits.min_read_rate", "300", 0, INT_MAX_32, "bytes a second",
            "A connection that sends more slowly fails a test; 0: no such test."),
    [SETTING_LIMITS_MIN_WRITE_RATE] =
        INT("limits.min_write_rate", "300", 0, INT_MAX_32, "bytes a second",
            "A connection that reads more slowly fails a test; 0: no such test."),
    [SETTING_LIMITS_OUTPUT_QUEUE] =
        INT_OURS("limits.output_queue", "1048576", 4 * KIB, INT64_C(1) << 40, "bytes",
                 "Output that may wait for one connection; past it the connection is closed."),
    [SETTING_LIMITS_PROXY_READ_RETRIES] =
        INT_UNUSED("limits.proxy_read_retries", "100", "reads",
                   "The timeout of a Proxy bounds the time instead."),
    [SETTING_LIMITS_PROXY_READ_RETRY_WARN] =
        INT_UNUSED("limits.proxy_read_retry_warn", "10", "reads",
                   "The timeout of a Proxy bounds the time instead."),
    [SETTING_LIMITS_TICK_TIMER] =
        INT("limits.tick_timer", "10", 1, 86400, "seconds",
            "How often connections are put to the tests min_ping, min_read_rate and "
            "min_write_rate."),
    [SETTING_LIMITS_URL_PATH] =
        INT("limits.url_path", "8192", 1, 16 * MIB, "bytes",
            "Longest path of a request, without its query; longer ones get 414."),
    [SETTING_LIMITS_WEBSOCKET_MESSAGE] =
        INT_OURS("limits.websocket_message", "1048576", 125, INT64_C(1) << 40, "bytes",
                 "Largest WebSocket message; larger ones close the connection with 1009."),
    [SETTING_NET_TCP_KEEPALIVE] =
        BOOL("net.tcp_keepalive", "0", "1: TCP keep-alive on client connections."),
    [SETTING_NO_CLOBBER_XFF] =
        BOOL("no_clobber_xff", "0",
             "1: the client's X-Forwarded-For is left as it is."),
    [SETTING_PROXY_CHECK_FALL] =
        INT_OURS("proxy.check_fall", "3", 1, 100, "checks",
                 "Failed health checks in a row after which an upstream is down."),
    [SETTING_PROXY_CHECK_INTERVAL] =
        INT_OURS("proxy.check_interval", "2", 1, 3600, "seconds",
                 "From one health check of an upstream to the next."),
    [SETTING_PROXY_CHECK_RISE] =
        INT_OURS("proxy.check_rise", "2", 1, 100, "checks",
                 "Passed health checks in a row after which an upstream is up again."),
    [SETTING_PROXY_CHECK_TIMEOUT] =
        INT_OURS("proxy.check_timeout", "2", 1, 3600, "seconds",
                 "Time for a health check: for the connection and the head of the answer."),
    [SETTING_PROXY_TUNNEL_TIMEOUT] =
        INT_OURS("proxy.tunnel_timeout", "3600", 1, 86400, "seconds",
                 "How long a WebSocket through a Proxy may be quiet in both directions."),
    [SETTING_REQUEST_RELAXED] =
        BOOL("request.relaxed", "0", "1: '{', '}' and '^' are accepted in request targets."),
    [SETTING_SERVER_DAEMONIZE] =
        BOOL("server.daemonize", "1", "0: the server stays in the foreground."),
    [SETTING_SSL_CA_CHAIN] =
        TEXT("ssl.ca_chain", "", "File of the certificates that client certificates are "
                                 "checked with."),
    [SETTING_SSL_VERIFY_OPTIONAL] =
        BOOL("ssl.verify_optional", "0", "1: clients are asked for a certificate."),
    [SETTING_SSL_VERIFY_REQUIRED] =
        BOOL("ssl.verify_required", "0", "1: clients must have a valid certificate."),
    [SETTING_SSL_CIPHERS] =
        TEXT("ssl_ciphers", "", "Names of TLS cipher suites, separated by spaces."),
    [SETTING_SUPERPOLL_HOT_DIVIDEND] =
        INT_UNUSED("superpoll.hot_dividend", "4", "", "The event loop has one set."),
    [SETTING_SUPERPOLL_MAX_FD] =
        INT("superpoll.max_fd", "10240", 64, 1 << 30, "descriptors",
            "Open files and connections of the process at most."),
    [SETTING_UPLOAD_STREAM] =
        BOOL("upload.stream", "0", "1: large bodies are streamed to the handler."),
    [SETTING_UPLOAD_TEMP_STORE] =
        TEXT("upload.temp_store", "",
             "File that large bodies are stored in, inside the chroot; ends in XXXXXX."),
    [SETTING_UPLOAD_TEMP_STORE_MODE] =
        {"upload.temp_store_mode", SETTING_IS_MODE, false, true, "0600", 1, 0777, NULL, "",
         "Permissions of the file of an upload."},
    [SETTING_WEBSOCKET_DEFLATE] =
        BOOL_OURS("websocket.deflate", "1",
                  "0: messages of WebSockets are not compressed (permessage-deflate)."),
    [SETTING_ZEROMQ_THREADS] =
        INT("zeromq.threads", "1", 1, 64, "threads", "ZeroMQ I/O threads."),
};
// clang-format on

static int compare_key(const void *key, const void *entry)
{
    const struct slice *k = key;
    struct slice own = slice_str(((const struct setting_info *)entry)->key);
    int order = memcmp(k->ptr, own.ptr, k->len < own.len ? k->len : own.len);
    return order != 0 ? order : (k->len > own.len) - (k->len < own.len);
}

int setting_of_key(struct slice key)
{
    const struct setting_info *found = bsearch(&key, setting_infos, SETTING_COUNT,
                                               sizeof *setting_infos, compare_key);
    return found != NULL ? (int)(found - setting_infos) : -1;
}

/* A whole number and nothing else; a mode also in C's octal. */
static bool parse_number(const struct setting_info *info, struct slice text, int64_t *out)
{
    char copy[32];
    if (text.len == 0 || text.len >= sizeof copy)
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    char *end;
    errno = 0;
    *out = strtoll(copy, &end, info->type == SETTING_IS_MODE ? 0 : 10);
    return errno == 0 && end == copy + text.len && copy[0] != ' ' && copy[0] != '+';
}

static bool is_word_of(struct slice word, const char *words)
{
    for (struct slice rest = slice_str(words); rest.len > 0;) {
        size_t end = slice_find(rest, ' ');
        if (slice_eq(slice_of(rest.ptr, end), word))
            return true;
        rest = slice_from(rest, end < rest.len ? end + 1 : end);
    }
    return false;
}

static int check_number(const struct setting_info *info, struct slice value, struct error *e)
{
    int64_t n;
    if (!parse_number(info, value, &n))
        return error_set_object(
            e, ERROR_INVALID, info->key, "\"%.*s\" is not a number; %s takes %s.", SLICE_ARG(value),
            info->key,
            info->type == SETTING_IS_MODE   ? "a file mode such as 0600"
            : info->type == SETTING_IS_BOOL ? "0 or 1"
                                            : "a whole number in decimal digits");
    if (n < info->min || n > info->max)
        return error_set_object(e, ERROR_INVALID, info->key,
                                info->type == SETTING_IS_MODE
                                    ? "%s is out of range: it may be from %#llo to %#llo."
                                    : "%s is out of range: it may be from %lld to %lld.",
                                info->key, (long long)info->min, (long long)info->max);
    return 0;
}

int setting_check(enum setting setting, struct slice value, struct error *e)
{
    const struct setting_info *info = &setting_infos[setting];
    switch (info->type) {
    case SETTING_IS_TEXT: return 0;
    case SETTING_IS_WORD:
        return is_word_of(value, info->words)
                   ? 0
                   : error_set_object(e, ERROR_INVALID, info->key,
                                      "\"%.*s\" is none of the words that %s takes: %s.",
                                      SLICE_ARG(value), info->key, info->words);
    default: return check_number(info, value, e);
    }
}

int64_t setting_int(const struct model *m, enum setting setting)
{
    const struct setting_info *info = &setting_infos[setting];
    const char *value = model_setting(m, info->key);
    int64_t n;
    if (value == NULL || !parse_number(info, slice_str(value), &n))
        parse_number(info, slice_str(info->default_text), &n);
    return n < info->min ? info->min : n > info->max ? info->max : n;
}

bool setting_bool(const struct model *m, enum setting setting)
{
    return setting_int(m, setting) != 0;
}

const char *setting_text(const struct model *m, enum setting setting)
{
    const struct setting_info *info = &setting_infos[setting];
    const char *value = model_setting(m, info->key);
    if (value == NULL || setting_check(setting, slice_str(value), NULL) < 0)
        return info->default_text;
    return value;
}
