/* The head of one HTTP request (RFC 9112): request line, header fields and what follows from them
 * for framing and connection. Strict: whatever two servers could read differently is refused.
 *
 * Nothing is copied: slices borrow the caller's bytes, the fields lie in the caller's array, no
 * memory is allocated. Bytes may arrive in any pieces; each line is parsed once, when it is whole,
 * so that the work is linear in the bytes however slowly they come. The buffer may move between
 * calls; after PARSE_DONE use request_head_rebase when it moves.
 *
 * Usage: init; whenever bytes arrive, parse all bytes from the start of the request;
 * PARSE_MORE: read on; PARSE_FULL: field_list_move to a larger array, parse again with the same
 * bytes; PARSE_DONE: h->len bytes are the head; PARSE_BAD: answer parse_fault_status(h->fault) and
 * close. Not here: routing, decoding of the path, bodies (body.h), WebSocket frames. */
#ifndef PROTO_HTTP_REQUEST_HEAD_H
#define PROTO_HTTP_REQUEST_HEAD_H

#include "proto/base/slice.h"
#include "proto/http/field_lines.h"
#include "proto/http/parse.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum method_id {
    METHOD_OTHER, /* any other token: goes through to handlers and upstreams */
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,
    METHOD_DELETE,
    METHOD_OPTIONS,
    METHOD_PATCH,
    METHOD_TRACE,
    METHOD_CONNECT,
};

enum target_form {                   /* RFC 9112 section 3.2 */
                   TARGET_ORIGIN,    /* /path?query */
                   TARGET_ABSOLUTE,  /* http://host/path?query: its authority replaces Host */
                   TARGET_ASTERISK,  /* OPTIONS * */
                   TARGET_AUTHORITY, /* CONNECT host:port: path, uri and query are empty */
};

struct request_limits {
    size_t head_bytes; /* request line and fields together; above: 431, 414 in the request line */
    size_t url_path;   /* bytes of the path without the query; above: 414; 0: no limit */
    size_t fields;     /* field lines; above: 431 */
    bool relaxed;      /* { } ^ are accepted in the target */
};

#define REQUEST_METHOD_MAX 32 /* bytes; longer: 501 (RFC 9112 section 3) */

struct request_head {
    /* The request line. */
    struct slice method;
    struct slice target;   /* as sent */
    struct slice path;     /* not decoded, not normalised: "/a%20b", "*" */
    struct slice uri;      /* path and "?query": what an upstream is asked for */
    struct slice query;    /* after the first "?", before "#"; see has_query */
    struct slice fragment; /* after "#"; see has_fragment */
    enum method_id method_id;
    enum target_form form;
    uint8_t version_minor; /* 0 or 1; HTTP/1.2 and up count as 1 (RFC 9110 section 2.5) */
    bool has_query;        /* there was a "?", even with nothing behind it */
    bool has_fragment;

    /* What the fields mean. */
    bool keep_alive;        /* by version and Connection: the client would like to go on */
    bool expect_continue;   /* Expect: 100-continue, in HTTP/1.1 only */
    bool expect_unknown;    /* some other expectation: 417 */
    bool chunked;           /* the body is chunked */
    bool has_body;          /* chunked, or content_length > 0 */
    bool is_websocket;      /* asks for a WebSocket, rightly or not: ws_handshake_is_asked */
    bool upgrade_websocket; /* … by a valid opening handshake (RFC 6455 section 4.2.1) */
    int32_t port;           /* of the authority; -1 when it has none */
    int64_t content_length; /* -1 when there is none */
    struct slice authority; /* host[:port] as sent: of the absolute target, else of Host */
    struct slice host;      /* without port and without brackets; case as sent; may be empty */

    struct field_list fields;

    size_t len;             /* bytes of the head, leading empty lines included; after PARSE_DONE */
    enum parse_fault fault; /* after PARSE_BAD */
    size_t offset;          /* of the offending byte, after PARSE_BAD */

    /* Private: where to go on. */
    const char *base;    /* what the slices borrow */
    size_t parsed;       /* lines before this offset have been taken */
    size_t seen;         /* bytes looked at for an end of line */
    size_t start;        /* of the request line */
    uint8_t empty_lines; /* before it */
    bool has_line;       /* the request line has been taken */
};

/* Makes `h` ready for one request whose fields go to `fields` (borrowed until the head is no longer
 * used; FIELDS_USUAL is a good capacity). */
void request_head_init(struct request_head *h, struct http_field *fields, size_t capacity);

/* Parses all `len` bytes from the start of the request on; on each call the bytes of the calls
 * before must be there unchanged. `bytes` must be writable: an absolute target without a path gets
 * its "/" in place. Never returns PARSE_PIECE. */
enum parse_result request_head_parse(struct request_head *h, char *bytes, size_t len,
                                     const struct request_limits *limits);

/* The bytes are now at `bytes` (same content): makes all slices borrow from there. */
void request_head_rebase(struct request_head *h, const char *bytes);

/* May the request be sent again when the connection broke before an answer (RFC 9110 section
 * 9.2.2)? False for unknown methods. */
bool request_method_is_idempotent(enum method_id method);

#endif
