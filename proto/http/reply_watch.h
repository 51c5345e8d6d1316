/* Watches the raw bytes that a handler sends as an answer, in whatever pieces it sends them, and
 * tells what an HTTP client will make of them: status, where the response ends, whether the
 * connection goes on. Changes nothing and holds nothing back; a head that comes in one piece is
 * read in place, of a split one a line at most is kept.
 *
 * A handler is trusted to frame its answers but may answer anything: what is not HTTP (ICY), not
 * framed, or framed in a way that could be read differently lasts until the connection closes. */
#ifndef PROTO_HTTP_REPLY_WATCH_H
#define PROTO_HTTP_REPLY_WATCH_H

#include "proto/base/slice.h"
#include "proto/http/body.h"
#include "proto/http/request_head.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPLY_WATCH_LINE 96 /* of a field line that is split over pieces */

enum reply_part {
    REPLY_STATUS_LINE, /* nothing or part of it has been seen; also behind an interim response */
    REPLY_FIELDS,
    REPLY_BODY,
    REPLY_UNTIL_CLOSE, /* whatever comes belongs to this response */
    REPLY_DONE,
};

struct reply_watch {
    enum reply_part part;
    int status;       /* 0: none yet, or not HTTP */
    bool is_http;     /* there was a status line */
    bool close;       /* the connection cannot go on behind this response */
    bool upgraded;    /* 101: from here on the bytes are another protocol's */
    struct body body; /* body.received: bytes of content */
    int64_t length;   /* announced; -1: chunked, until close or not known */
    enum method_id method;

    /* Private: what the fields said so far, and a split line. */
    bool chunked, coded, unsure, keep_alive;
    uint8_t minor;
    uint8_t line_len;
    bool line_cut;
    char line[REPLY_WATCH_LINE];
};

/* Begins with the answer to a request of `method` (it decides whether there is a body). */
void reply_watch_init(struct reply_watch *w, enum method_id method);

/* Takes the next bytes: how many of them belong to this response. Fewer than bytes.len only when
 * the part is REPLY_DONE. */
size_t reply_watch_feed(struct reply_watch *w, struct slice bytes);

/* Takes `len` bytes of content that nobody looks at. Where none is due, or less, the response lasts
 * until the connection closes. */
void reply_watch_content(struct reply_watch *w, uint64_t len);

#endif
