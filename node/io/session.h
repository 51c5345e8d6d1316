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
#include <stdint.h>
#include <sys/types.h>

struct conn;

/* What a handler wants of a WebSocket whose frames the node makes (extended reply `ws`). */
enum push_kind {
    PUSH_PLAIN, /* bytes, to be sent as the protocol of the connection has it */
    PUSH_TEXT,
    PUSH_BINARY,
    PUSH_CLOSE, /* the bytes are the reason */
};

/* In which form a connection takes what is sent into a channel. */
enum push_form {
    FORM_NONE,    /* not at all, now */
    FORM_PLAIN,   /* as it is */
    FORM_FRAME,   /* as a whole WebSocket frame */
    FORM_MESSAGE, /* as PUSH_TEXT or PUSH_BINARY */
    FORM_CHUNK,   /* as a chunk of a chunked response */
};

enum push_utf8 { PUSH_UTF8_UNKNOWN, PUSH_UTF8, PUSH_NOT_UTF8 };

/* What a handler says to one or several connections, on its way to each. */
struct push {
    enum push_kind kind; /* others than PUSH_PLAIN only where session_ops.takes_kinds */
    uint16_t close_code;
    struct slice bytes;      /* empty: close after what is queued */
    struct payload *payload; /* holds the same bytes, to be shared; NULL: copy */
    /* How the handler that it comes from speaks with JSON and XML sockets. */
    bool raw_payload; /* as it is, not in base64 */
    bool nul;         /* base64 ends in NUL */
    /* Other forms of the same bytes, made by the first connection that needs one and shared by the
     * others; let go of by the sender of the push. */
    struct payload *base64;
    struct payload *ws_deflated[2]; /* compressed WebSocket frames: text, binary */
    bool ws_incompressible;         /* there are none */
    enum push_utf8 utf8;            /* once somebody has looked */
};

struct session_ops {
    const char *name;     /* "http1" … for logs */
    uint8_t control_type; /* the number that the control port shows; 0 stands for 1, HTTP */
    bool takes_kinds;     /* push may be of any kind */
    /* The connection has just been made: set its first deadline. Optional. */
    void (*opened)(struct conn *c);
    /* Bytes have arrived: all unconsumed input is in conn_input(). Consume with conn_consume. */
    void (*input)(struct conn *c);
    /* The peer has ended its direction. The default when NULL: the connection is closed. */
    void (*input_end)(struct conn *c);
    /* The output queue has fallen below the low-water mark. Optional. */
    void (*drained)(struct conn *c);
    /* A handler speaks to this connection, whatever it is doing. */
    void (*push)(struct conn *c, struct push *p);
    /* In which form it takes what a handler sends into a channel as a frame or as a chunk, if it
     * asks for that. Optional: plain. */
    enum push_form (*form)(const struct conn *c, bool frame, bool chunk);
    /* The handler allows `bytes` more of a streamed upload. Optional. */
    void (*credit)(struct conn *c, int64_t bytes);
    /* A plug-in sends `len` bytes of a file to this connection, likewise. Optional: else they are
     * simply written. */
    void (*push_file)(struct conn *c, struct file_ref *f, off_t from, uint64_t len);
    /* The conn's deadline has passed. */
    void (*timeout)(struct conn *c);
    /* The server drains: finish what runs, close when idle. */
    void (*drain)(struct conn *c);
    /* The connection is going: let go of everything now. Called exactly once. */
    void (*closed)(struct conn *c);
};

#endif
