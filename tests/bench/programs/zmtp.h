/* Just enough of ZMTP 3.0 (rfc.zeromq.org/spec/23), mechanism NULL, to stand in for a PUSH or a SUB
 * socket towards an ordinary libzmq peer: what to say first, how to frame a message, how to take
 * messages out of what arrives. No sockets in it, no multipart messages, no other mechanism. */
#ifndef TESTS_BENCH_PROGRAMS_ZMTP_H
#define TESTS_BENCH_PROGRAMS_ZMTP_H

#include "proto/base/buf.h"
#include "proto/base/slice.h"

#include <stdbool.h>

/* Appends greeting and READY for a socket of that type ("PUSH", "SUB"). */
void zmtp_open(struct buf *out, const char *socket_type);

/* Appends the subscription to everything, for SUB. Only when the peer is `ready`: libzmq gives up a
 * connection on which a message comes before the handshake is complete. */
void zmtp_subscribe(struct buf *out);

/* Appends the header of a message of `len` bytes, which the caller appends next. */
void zmtp_frame(struct buf *out, size_t len);

/* What arrives. Zero-initialise; release with buf_fini(&in). */
struct zmtp_reader {
    struct buf in; /* append received bytes here */
    size_t at;     /* consumed so far */
    bool greeted;  /* the greeting is behind us */
    bool ready;    /* the peer's READY has come: messages may be sent */
};

/* The next message, borrowed until the next append to `in`: 1; 0 when none is complete; -1 when the
 * bytes are no ZMTP 3. Commands are skipped; the first of them is READY. */
int zmtp_next(struct zmtp_reader *r, struct slice *message);

#endif
