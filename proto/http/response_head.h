/* The head of one HTTP response from an upstream (RFC 9112 section 4): status line, fields, and
 * where the body ends (section 6.3). As strict in framing as for requests; a reason phrase may be
 * missing, with or without the space before it.
 *
 * Borrowing, incremental use and PARSE_FULL are as in request_head.h. Interim responses (1xx) are
 * heads of their own without body: parse the next one behind them. */
#ifndef PROTO_HTTP_RESPONSE_HEAD_H
#define PROTO_HTTP_RESPONSE_HEAD_H

#include "proto/base/slice.h"
#include "proto/http/field_lines.h"
#include "proto/http/parse.h"
#include "proto/http/request_head.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct response_limits {
    size_t head_bytes;
    size_t fields;
};

struct response_head {
    int status;            /* 100 … 999 */
    uint8_t version_minor; /* 0 or 1 */
    struct slice reason;
    bool keep_alive;        /* the upstream would go on after this; never with until_close */
    bool no_body;           /* 1xx, 204, 304, or the answer to HEAD: nothing follows */
    bool chunked;           /* … also where no_body is set: what is said, not what follows */
    bool until_close;       /* the body ends with the connection */
    int64_t content_length; /* -1 when there is none */
    struct field_list fields;
    size_t len;             /* bytes of the head; after PARSE_DONE */
    enum parse_fault fault; /* after PARSE_BAD */
    size_t offset;          /* of the offending byte */

    /* Private. */
    size_t parsed, seen;
    const char *base;
    bool has_line;
};

void response_head_init(struct response_head *h, struct http_field *fields, size_t capacity);

/* Parses all `len` bytes from the start of the response on. `method` is that of the request: it
 * decides whether there is a body. Never returns PARSE_PIECE. */
enum parse_result response_head_parse(struct response_head *h, const char *bytes, size_t len,
                                      enum method_id method, const struct response_limits *limits);

/* The bytes are now at `bytes` (same content). */
void response_head_rebase(struct response_head *h, const char *bytes);

/* The status of "HTTP/1.x NNN…" at the start of `line`, its minor version through *minor; -1 when
 * it is not a status line; 0 when too few bytes are there to tell. */
int response_status_line(struct slice line, uint8_t *minor);

#endif
