/* One client socket: reading into a pooled buffer, a bounded output queue, one deadline. Never
 * learns what HTTP is: the session (session.h) does.
 *
 * Lifetime: created by the listener; conn_close() marks it and frees it at the end of the turn
 * after session->closed(). An idle connection holds no buffer: this struct is all it costs. */
#ifndef NODE_IO_CONN_H
#define NODE_IO_CONN_H

#include "node/io/deadline.h"
#include "node/io/hangup.h"
#include "node/io/loop.h"
#include "node/io/outq.h"
#include "node/io/session.h"
#include "node/io/transport.h"
#include "proto/base/list.h"
#include "proto/base/slice.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct conns;
struct membership;

enum conn_reason { /* why a connection ended; text in conn_reason_text */
                   CONN_OPEN,
                   CONN_CLIENT_CLOSED,
                   CONN_CLIENT_RESET,
                   CONN_DONE,           /* the protocol said so: Connection: close, HTTP/1.0 */
                   CONN_HANDLER_CLOSED, /* empty reply */
                   CONN_PROTOCOL_ERROR,
                   CONN_TIMEOUT,
                   CONN_OUTPUT_LIMIT,
                   CONN_KILLED, /* control port */
                   CONN_DRAINED,
                   CONN_FILTERED, /* a filter said so */
                   CONN_NO_MEMORY,
                   CONN_INTERNAL,
                   CONN_REASON_COUNT
};
const char *conn_reason_text(enum conn_reason reason);

union conn_address {
    struct sockaddr sa;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

struct conn_buffer; /* pooled input buffer */

struct conn {
    struct ev_io io;
    struct conns *set;
    const struct session_ops *session;
    void *session_state;
    const struct transport_ops *transport;
    void *transport_state;
    struct conn_buffer *in; /* NULL while nothing is buffered */
    struct outq out;
    struct loop_task flush;
    struct deadline deadline;
    struct list link; /* in set->all */
    union conn_address peer;
    uint32_t id; /* given by deliver/registry; 0 = none yet */
    uint32_t last_read_s, last_write_s, last_ping_s,
        opened_s; /* loop seconds, for the control port */
    uint64_t bytes_read, bytes_written;
    struct membership *channels; /* that it is in: deliver/channels.h */
    void *handler;  /* the backend last used: who gets the disconnect notice. Owned by deliver/ */
    uint8_t reason; /* enum conn_reason; CONN_OPEN while alive */
    bool reading_paused;
    bool input_ended;
    bool input_pinned;   /* slices into the buffer are in use: it must not move or be released */
    bool input_wake;     /* session->input is to be called at the end of the turn */
    bool handler_closed; /* a handler ended it: it need not be told */
    bool close_when_flushed;
    bool end_when_flushed; /* our direction alone */
    bool wants_write;
    bool read_wants_write; /* the transport goes on reading when it can write */
    bool was_full;
    bool end_watched; /* in set->hangups */
    bool flow_told;   /* the handler knows of download.flow_control: by this id */
};

/* All connections of one loop and what they share. */
struct conns {
    struct loop *loop;
    struct deadlines *deadlines;
    struct list all;
    size_t count;
    struct freelist conn_memory;
    struct freelist buffer_memory;
    struct outq_memory out_memory;
    struct hangups hangups; /* of connections that are paused for long */
    size_t buffer_size;     /* bytes of input that may be buffered */
    uint64_t output_limit;  /* bytes that may wait for one connection: limits.output_queue */
    uint64_t total_opened;
    const struct transport_ops *transport; /* of new connections */
    void *transport_config;                /* what it needs to begin with; the transport's own */
    unsigned open_timeout_ms;              /* within which a transport must be open; 0: no limit */
    bool proxy_protocol;                   /* which begin with a PROXY protocol header */
    uint64_t *accept_errors;     /* where the listeners count failures of accept; NULL: nowhere */
    uint64_t *bad_proxy_headers; /* likewise, connections without */
    uint64_t *timeouts;          /* likewise, transports that did not open in time */
    void *owner;                 /* struct worker; the session's way up */
    /* Called when a connection has been made; may close it. May be NULL. */
    void (*on_opened)(struct conns *set, struct conn *c);
    /* Called when a connection has ended, before it is freed. May be NULL. */
    void (*on_closed)(struct conns *set, struct conn *c);
};

void conns_init(struct conns *set, struct loop *loop, struct deadlines *deadlines,
                size_t buffer_size);
void conns_fini(struct conns *set); /* closes all at once */

/* Takes the non-blocking descriptor `fd` (closed also on failure). NULL when out of memory. */
struct conn *conn_create(struct conns *set, int fd, const union conn_address *peer,
                         const struct session_ops *session);

/* Unconsumed input; valid until the next conn_consume, conn_release_input or return to the loop. */
struct slice conn_input(const struct conn *c);
char *conn_input_mutable(struct conn *c);
void conn_consume(struct conn *c, size_t len);
/* True when no more can be buffered before something is consumed. */
bool conn_input_is_full(const struct conn *c);
/* Whether bytes have arrived that were not read yet. */
bool conn_has_unread(const struct conn *c);
/* Stops and restarts reading from the socket; what is already buffered stays. */
void conn_pause(struct conn *c);
void conn_resume(struct conn *c);
/* For a pause that may be long: session->input_end is called as soon as the peer has shut its
 * direction, though bytes before it are unread. Until conn_resume. */
void conn_watch_end(struct conn *c);
/* Keeps the input buffer where it is (a parsed head borrows from it); reading goes on behind it
 * while there is room. conn_unpin allows it to move again and reading to go on. */
void conn_pin(struct conn *c);
void conn_unpin(struct conn *c);
/* Has session->input called once more at the end of this turn: there is buffered input to go on
 * with. */
void conn_wake(struct conn *c);

/* Output: queued now, written at the end of the turn. False when the connection is closing or was
 * closed because of it (limit, memory). */
bool conn_write(struct conn *c, struct slice bytes); /* copies */
bool conn_write_payload(struct conn *c, struct payload *p, size_t from, size_t len);
bool conn_write_file(struct conn *c, struct file_ref *f, off_t from, uint64_t len);
/* Has set->out_memory.passed called when all that was written before has gone out. */
void conn_write_mark(struct conn *c, uint64_t number);
/* Bytes of output so far, written or waiting. */
static inline uint64_t conn_output_total(const struct conn *c)
{
    return c->bytes_written + c->out.bytes;
}
char *conn_write_room(struct conn *c, size_t len); /* see outq_room */
bool conn_write_filled(struct conn *c, size_t len);
/* Above the high-water mark: producers wait for session->drained. */
bool conn_is_full(const struct conn *c);

/* Ends the connection: nothing more is read or written; freed at the end of the turn. */
void conn_close(struct conn *c, enum conn_reason reason);
/* Ends it when all that is queued has been written (bounded in time; then lingers for the peer's
 * end). Nothing more can be queued, input is discarded. */
void conn_close_after_flush(struct conn *c);
/* Tells the peer, when all that is queued has been written, that there will be no more; reading
 * goes on. For connections without TLS. */
void conn_end_output(struct conn *c);
static inline bool conn_is_closing(const struct conn *c)
{
    return c->reason != CONN_OPEN;
}

/* Encrypted: what is asked for on it has the scheme https. */
static inline bool conn_is_secure(const struct conn *c)
{
    return c->transport->is_secure;
}

/* Something useful happened: restarts the idle clock. */
static inline void conn_touch(struct conn *c)
{
    c->last_ping_s = (uint32_t)(c->set->loop->now_us / 1000000u);
}

/* The peer's address as text without port, "unix" for unix sockets; out holds 46 bytes
 * (INET6_ADDRSTRLEN). Returns the length. Port: 0 for unix sockets. */
size_t conn_peer_text(const struct conn *c, char out[46]);
unsigned conn_peer_port(const struct conn *c);

#endif
