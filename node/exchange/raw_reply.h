/* Answers of handlers: bytes that go out as they are, but are watched on their way, so that the
 * access log has the true status and size, and the session knows when the answer is whole and the
 * next pipelined request may be served (proto/http/reply_watch.h tells what it sees). */
#ifndef NODE_EXCHANGE_RAW_REPLY_H
#define NODE_EXCHANGE_RAW_REPLY_H

#include "node/exchange/exchange.h"
#include "node/io/payload.h"

/* The request has been handed to a handler: from now on its bytes are this exchange's answer. */
void raw_reply_expect(struct exchange *x);
/* The handler did not get it after all: the answer is ours again. */
void raw_reply_withdraw(struct exchange *x);

/* Bytes for the client; `payload` shares them, or NULL: copied. Ends the exchange when the answer
 * is whole: do not touch x afterwards. */
void raw_reply_push(struct exchange *x, struct slice bytes, struct payload *payload);

/* A body that was held (x->body_held) has been handed to the handler. Ends the exchange when the
 * answer is already whole: do not touch x afterwards. */
void raw_reply_body_done(struct exchange *x);

/* The same with `len` bytes of a file, which is not read to find an end in it: it may be content of
 * an announced length, of one chunk, or of an answer that ends with the connection; in any other
 * place the answer lasts until the connection closes. */
void raw_reply_push_file(struct exchange *x, struct file_ref *f, off_t from, uint64_t len);

/* The handler closes the connection: the answer ends here, whole or not. Ends the exchange. */
void raw_reply_close(struct exchange *x);

#endif
