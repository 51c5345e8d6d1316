/* The known settings: type, default, range and meaning of each, in one table (settings.c).
 *
 * It feeds the checks, the node's typed access and the reference page. A configuration may hold
 * other keys; they have no effect and check_model warns of them. */
#ifndef PROTO_MODEL_SETTINGS_H
#define PROTO_MODEL_SETTINGS_H

#include "proto/base/error.h"
#include "proto/base/slice.h"
#include "proto/model/model.h"

#include <stdbool.h>
#include <stdint.h>

/* In the order of their keys. */
enum setting {
    SETTING_ACCESS_LOG_FORMAT, /* addition */
    SETTING_CERTDIR,
    SETTING_CONTROL_PORT,
    SETTING_DIR_SYMLINKS, /* addition */
    SETTING_DISABLE_ACCESS_LOGGING,
    SETTING_DOWNLOAD_FLOW_CONTROL,
    SETTING_HOST_MATCHING,       /* addition */
    SETTING_LIMITS_BODY_TIMEOUT, /* addition */
    SETTING_LIMITS_BUFFER_SIZE,
    SETTING_LIMITS_CLIENT_READ_RETRIES,
    SETTING_LIMITS_CONNECTION_STACK_SIZE,
    SETTING_LIMITS_CONTENT_LENGTH,
    SETTING_LIMITS_DIR_MAX_PATH,
    SETTING_LIMITS_DIR_SEND_BUFFER,
    SETTING_LIMITS_DRAIN_TIMEOUT, /* addition */
    SETTING_LIMITS_FDTASK_STACK,
    SETTING_LIMITS_HANDLER_STACK,
    SETTING_LIMITS_HANDLER_TARGETS,
    SETTING_LIMITS_HEADER_COUNT,
    SETTING_LIMITS_HEADER_TIMEOUT, /* addition */
    SETTING_LIMITS_HOST_NAME,
    SETTING_LIMITS_IDLE_TIMEOUT, /* addition */
    SETTING_LIMITS_KILL_LIMIT,
    SETTING_LIMITS_MIME_EXT_LEN,
    SETTING_LIMITS_MIN_PING,
    SETTING_LIMITS_MIN_READ_RATE,
    SETTING_LIMITS_MIN_WRITE_RATE,
    SETTING_LIMITS_OUTPUT_QUEUE, /* addition */
    SETTING_LIMITS_PROXY_READ_RETRIES,
    SETTING_LIMITS_PROXY_READ_RETRY_WARN,
    SETTING_LIMITS_TICK_TIMER,
    SETTING_LIMITS_URL_PATH,
    SETTING_LIMITS_WEBSOCKET_MESSAGE, /* addition */
    SETTING_NET_TCP_KEEPALIVE,
    SETTING_NO_CLOBBER_XFF,
    SETTING_PROXY_CHECK_FALL,     /* addition */
    SETTING_PROXY_CHECK_INTERVAL, /* addition */
    SETTING_PROXY_CHECK_RISE,     /* addition */
    SETTING_PROXY_CHECK_TIMEOUT,  /* addition */
    SETTING_PROXY_TUNNEL_TIMEOUT, /* addition */
    SETTING_REQUEST_RELAXED,
    SETTING_SERVER_DAEMONIZE,
    SETTING_SSL_CA_CHAIN,
    SETTING_SSL_VERIFY_OPTIONAL,
    SETTING_SSL_VERIFY_REQUIRED,
    SETTING_SSL_CIPHERS,
    SETTING_SUPERPOLL_HOT_DIVIDEND,
    SETTING_SUPERPOLL_MAX_FD,
    SETTING_UPLOAD_STREAM,
    SETTING_UPLOAD_TEMP_STORE,
    SETTING_UPLOAD_TEMP_STORE_MODE,
    SETTING_WEBSOCKET_DEFLATE, /* addition */
    SETTING_ZEROMQ_THREADS,
    SETTING_COUNT
};

enum setting_type {
    SETTING_IS_INT,
    SETTING_IS_BOOL,
    SETTING_IS_MODE, /* file mode, in C notation: 0600 */
    SETTING_IS_TEXT,
    SETTING_IS_WORD, /* one of `words` */
};

struct setting_info {
    const char *key;
    enum setting_type type;
    bool is_addition;         /* not a setting of upstream's */
    bool has_effect;          /* false: accepted, named once, does nothing here */
    const char *default_text; /* "" for a text without one */
    int64_t min, max;         /* of a number */
    const char *words;        /* SETTING_IS_WORD: "a b c" */
    const char *unit;         /* "bytes", "seconds" …; "" none */
    const char *help;         /* one sentence */
};

extern const struct setting_info setting_infos[SETTING_COUNT];

/* The setting of a key; -1 when it is unknown. */
int setting_of_key(struct slice key);

/* May this setting have this value? 0, or -1 with a sentence that names what is expected.
 * ERROR_INVALID. */
int setting_check(enum setting setting, struct slice value, struct error *e);

/* The value in effect: the configuration's, else the default. A number out of its range (which
 * check_model refuses) counts as the nearest bound, text that is no number as the default. */
int64_t setting_int(const struct model *m, enum setting setting);
bool setting_bool(const struct model *m, enum setting setting);
const char *setting_text(const struct model *m, enum setting setting);

#endif
