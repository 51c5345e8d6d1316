/* How a target answers: head, body, end. Adds Date, Server, Connection and the framing; leaves out
 * the body for HEAD, 204 and 304; counts for the log. Bytes go to the connection's output queue and
 * leave at the end of the turn. */
#ifndef NODE_EXCHANGE_REPLY_H
#define NODE_EXCHANGE_REPLY_H

#include "node/exchange/exchange.h"
#include "node/io/payload.h"
#include "proto/base/slice.h"

#include <stdbool.h>
#include <stdint.h>

#define REPLY_LENGTH_UNKNOWN (-1)

/* Begins the answer. `fields` holds complete lines, each with CRLF, without Date, Server,
 * Connection, Content-Length and Transfer-Encoding; a few kilobytes at most. `length`: bytes of
 * body to come (for HEAD and 304: that a GET would have), or REPLY_LENGTH_UNKNOWN: chunked in
 * HTTP/1.1, until close in 1.0. At most 8 KiB of fields. */
void reply_begin(struct exchange *x, int status, struct slice fields, int64_t length);

/* The head of an answer that another server made. */
struct reply_relayed {
    int status;
    struct slice reason; /* may be empty */
    struct slice fields; /* as for reply_begin, with the other server's own Date and Server */
    bool has_date;       /* there is a Date among them: else it is added */
    int64_t length;
};

/* As reply_begin. */
void reply_begin_relayed(struct exchange *x, const struct reply_relayed *r);

/* 101: what follows by reply_body are bytes of the other protocol, which ends with the connection.
 * `fields` as above, Upgrade among them. */
void reply_switch(struct exchange *x, struct slice reason, struct slice fields);

/* The next bytes of the body; silently left out where the answer has none. After these the exchange
 * may have been cancelled by a full queue: check nothing, reply_end is safe. */
void reply_body(struct exchange *x, struct slice bytes); /* copies */
void reply_body_payload(struct exchange *x, struct payload *p, size_t from,
                        size_t len); /* shares */
void reply_body_file(struct exchange *x, struct file_ref *f, off_t from, uint64_t len);

/* The answer is whole: ends the exchange. Do not touch x afterwards. */
void reply_end(struct exchange *x);

/* begin, body, end in one: the fast path for short answers. */
void reply_whole(struct exchange *x, int status, struct slice fields, struct slice body);

/* The fixed short answer of a status (404 "Not Found" …); `fields` may add complete lines (Allow,
 * Retry-After), together at most 512 bytes. Says Connection: close when x->keep_alive is false.
 * Ends the exchange. */
void reply_error(struct exchange *x, int status, struct slice fields);

/* The bytes of such an answer, for sessions that refuse a request before there is an exchange.
 * `out` has REPLY_ERROR_ROOM + fields.len bytes. Returns how many were used. */
#define REPLY_ERROR_ROOM 512
size_t reply_render_error(struct worker *w, int status, struct slice fields, bool close,
                          bool no_body, char *out);

/* The answer cannot be completed: closes the connection so that the client sees it is cut. When
 * nothing was sent yet, answers `status` instead. Ends the exchange. */
void reply_abort(struct exchange *x, int status);

/* More than the high-water mark waits: stop until target->more. */
bool reply_is_full(const struct exchange *x);

/* Interim answers (100, 103) on the way: raw bytes before reply_begin. */
void reply_interim(struct exchange *x, struct slice bytes);

#endif
