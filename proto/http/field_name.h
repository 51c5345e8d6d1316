/* The header fields that this program knows by name (RFC 9110, RFC 9112, RFC 6455 and the usual
 * X-Forwarded-*). Everything else is FIELD_OTHER and compared by its bytes where needed. */
#ifndef PROTO_HTTP_FIELD_NAME_H
#define PROTO_HTTP_FIELD_NAME_H

#include "proto/base/slice.h"

#include <stdbool.h>

enum field_id {
    FIELD_OTHER,
    FIELD_ACCEPT,
    FIELD_ACCEPT_ENCODING,
    FIELD_ACCEPT_LANGUAGE,
    FIELD_ACCEPT_RANGES,
    FIELD_AUTHORIZATION,
    FIELD_CACHE_CONTROL,
    FIELD_CONNECTION,
    FIELD_CONTENT_ENCODING,
    FIELD_CONTENT_LENGTH,
    FIELD_CONTENT_RANGE,
    FIELD_CONTENT_TYPE,
    FIELD_COOKIE,
    FIELD_DATE,
    FIELD_ETAG,
    FIELD_EXPECT,
    FIELD_EXPIRES,
    FIELD_FORWARDED,
    FIELD_HOST,
    FIELD_IF_MATCH,
    FIELD_IF_MODIFIED_SINCE,
    FIELD_IF_NONE_MATCH,
    FIELD_IF_RANGE,
    FIELD_IF_UNMODIFIED_SINCE,
    FIELD_KEEP_ALIVE,
    FIELD_LAST_MODIFIED,
    FIELD_LOCATION,
    FIELD_ORIGIN,
    FIELD_PROXY_AUTHENTICATE,
    FIELD_PROXY_AUTHORIZATION,
    FIELD_PROXY_CONNECTION,
    FIELD_RANGE,
    FIELD_REFERER,
    FIELD_SEC_WEBSOCKET_ACCEPT,
    FIELD_SEC_WEBSOCKET_EXTENSIONS,
    FIELD_SEC_WEBSOCKET_KEY,
    FIELD_SEC_WEBSOCKET_PROTOCOL,
    FIELD_SEC_WEBSOCKET_VERSION,
    FIELD_SERVER,
    FIELD_SET_COOKIE,
    FIELD_TE,
    FIELD_TRAILER,
    FIELD_TRANSFER_ENCODING,
    FIELD_UPGRADE,
    FIELD_USER_AGENT,
    FIELD_VARY,
    FIELD_VIA,
    FIELD_X_FORWARDED_FOR,
    FIELD_X_FORWARDED_HOST,
    FIELD_X_FORWARDED_PROTO,
    FIELD_ID_COUNT /* at most 64: sets of ids are uint64_t */
};

#define FIELD_BIT(id) (UINT64_C(1) << (id))

/* The id of a name in any case; FIELD_OTHER when unknown. One switch, one comparison. */
enum field_id field_name_id(struct slice name);

/* The name in lower case ("content-length"), the form handlers get; empty for FIELD_OTHER. */
struct slice field_name_lower(enum field_id id);

/* True for a valid field name or method: RFC 9110 section 5.6.2, one or more tchar. */
bool field_name_is_token(struct slice s);

#endif
