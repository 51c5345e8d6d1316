/* What a connection needs of the protocol that runs on it. Declared by the caller (conn.c);
 * implemented in node/session/. A protocol upgrade replaces conn->session; nothing else moves.
 *
 * All calls come from conn.c, never from inside one another's. A session may call conn_write_*,
 * conn_pause, conn_close at any time; conn_close only marks, the connection lives until the turn
 * ends. */
#ifndef NODE_IO_SESSION_H
#define NODE_IO_SESSION_H

#include "node/io/payload.h"
#include "proto/base/slice.h"

#include <stdbool.h>

struct conn;

struct session_ops {
    const char *name; /* "http1" … for logs and the control port */
    /* The connection has just been made: set its first deadline. Optional. */
    void (*opened)(struct conn *c);
    /* Bytes have arrived: all unconsumed input is in conn_input(). Consume with conn_consume. */
    void (*input)(struct conn *c);
    /* The peer has ended its direction. The default when NULL: the connection is closed. */
    void (*input_end)(struct conn *c);
    /* The output queue has fallen below the low-water mark. Optional. */
    void (*drained)(struct conn *c);
    /* Bytes from a handler for this connection, whatever it is doing: `payload` holds the same
     * bytes to be shared, or is NULL (then copy). Empty: close after what is queued. */
    void (*push)(struct conn *c, struct slice bytes, struct payload *payload);
    /* The conn's deadline has passed. */
    void (*timeout)(struct conn *c);
    /* The server drains: finish what runs, close when idle. */
    void (*drain)(struct conn *c);
    /* The connection is going: let go of everything now. Called exactly once. */
    void (*closed)(struct conn *c);
};

#endif
