/* HTTP status codes and their reason phrases (RFC 9110 section 15). */
#ifndef PROTO_HTTP_STATUS_CODE_H
#define PROTO_HTTP_STATUS_CODE_H

#include "proto/base/slice.h"

/* "Not Found" for 404; the empty slice for a code without a registered phrase. */
struct slice status_code_reason(int code);

#endif
