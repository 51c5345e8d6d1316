/* The inside of a WebSocket session, shared by its files: websocket.c (beginning, messages to the
 * handler, end), websocket_input.c (frames from the client), websocket_raw.c and
 * websocket_messages.c (what is said to the client). */
#ifndef NODE_SESSION_WEBSOCKET_STATE_H
#define NODE_SESSION_WEBSOCKET_STATE_H

#include "node/backend/backend_post.h"
#include "node/conf/snapshot.h"
#include "node/exchange/exchange.h"
#include "node/session/websocket.h"
#include "proto/base/buf.h"
#include "proto/http/ws_deflate.h"
#include "proto/http/ws_frame.h"
#include "proto/http/ws_utf8.h"

struct websocket_handshake; /* raw mode: the request that waits for the handler's answer */

struct websocket {
    struct conn *conn;
    struct exchange *x; /* the handshake, until it is answered */
    struct websocket_handshake *handshake;
    struct backend_poster poster;
    size_t posted_bytes; /* since none of its messages waited */

    /* The message to the handler up to the length of its body; for each but the two digits of FLAGS
     * are the same. */
    char *head;
    uint32_t head_len, flags_at;

    /* The client's message that is being read: its payload behind room for the head. */
    struct buf message;
    uint64_t left; /* bytes of the frame's payload that are still to come */
    uint32_t mask; /* for them */
    uint8_t first; /* of its first frame, FIN set; 0: none is being read */
    bool in_frame; /* between a frame's header and its end */
    bool last_frame;
    struct ws_utf8 utf8; /* of its text so far */

    /* Mode messages. */
    bool messages;
    bool deflate; /* permessage-deflate has been agreed on: */
    struct ws_deflate_terms terms;
    bool closing; /* our close frame is out; only the client's is waited for */
    bool pinged;  /* since it was last heard of */
    uint8_t kind; /* of plain replies: WS_TEXT or WS_BINARY, as the client's last message */
    uint32_t closing_since_s;
};

extern const struct session_ops session_websocket_raw, session_websocket_messages;

enum { /* of the codes of RFC 6455 section 7.4.1, those that the node says itself */
       WS_CODE_NORMAL = 1000,
       WS_CODE_AWAY = 1001,
       WS_CODE_PROTOCOL = 1002,
       WS_CODE_NOT_TEXT = 1007,
       WS_CODE_TOO_LARGE = 1009,
       WS_CODE_SERVER_FAULT = 1011,
       WS_CODE_TRY_LATER = 1013,
};

static inline struct worker *websocket_worker(const struct websocket *ws)
{
    return ws->conn->set->owner;
}

static inline const struct settings *websocket_settings(const struct websocket *ws)
{
    return &websocket_worker(ws)->snapshot->settings;
}

static inline uint32_t websocket_now_s(const struct websocket *ws)
{
    return (uint32_t)(ws->conn->set->loop->now_us / 1000000u);
}

/* Nothing more is read or said: closing, or only flushing. */
static inline bool websocket_is_over(const struct websocket *ws)
{
    return conn_is_closing(ws->conn) || ws->conn->close_when_flushed;
}

/* Where the payload begins in ws->message, and in others that websocket_post_buf takes. */
size_t websocket_head_room(const struct websocket *ws);

/* Makes the handler's message of a whole payload: unmasks it into *message and gives where it lies.
 * NULL when out of memory. */
char *websocket_message(const struct websocket *ws, uint8_t first, struct slice payload,
                        uint32_t mask, zmq_msg_t *message);
/* Hands it to the backend. Takes *message. */
void websocket_post(struct websocket *ws, zmq_msg_t *message);
/* Makes the message of payload behind websocket_head_room bytes of `b`, whose memory it takes, and
 * hands it over. */
void websocket_post_buf(struct websocket *ws, uint8_t first, struct buf *b);

/* The client broke a rule, or the handler does not keep up: ends the connection, with a close frame
 * where the mode has one for it. `why` is for the log. */
void websocket_fail(struct websocket *ws, unsigned code, const char *why);

/* May another message of this client be taken? */
bool websocket_has_room(struct websocket *ws);
/* Goes on reading, when that had to wait and need not any more. */
void websocket_go_on(struct websocket *ws);

/* Session callbacks that both modes have. */
void websocket_input(struct conn *c);
void websocket_drained(struct conn *c);
void websocket_closed(struct conn *c);

/* -- the modes --------------------------------------------------------------------------------- */

/* Sends the handshake to the handler, to be answered. */
void websocket_raw_start(struct websocket *ws);
/* The handshake's request of this mode, made while its head is there; -1 when out of memory. */
int websocket_raw_prepare(struct websocket *ws, zmq_msg_t *message);
/* Lets go of the handshake's request, however far it is. */
void websocket_raw_settle(struct websocket *ws);

/* Answers the handshake. */
bool websocket_messages_answer(struct websocket *ws, const struct exchange *x);
/* A ping, a pong or a close frame of the client. */
void websocket_messages_control(struct websocket *ws, uint8_t first, struct slice payload);
/* Begins the closing handshake (RFC 6455 section 7.1.2). */
void websocket_close(struct websocket *ws, unsigned code, struct slice reason);
/* Sends a close frame. */
void websocket_send_close(struct conn *c, unsigned code, struct slice reason);

#endif
