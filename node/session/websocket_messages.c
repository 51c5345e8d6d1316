/* The node speaks the protocol: it answers the handshake at once, pings and closes itself, and
 * frames what the handler says. A message for many listeners is compressed once for all. */

#include "node/session/conn_life.h"
#include "node/session/websocket_state.h"
#include "proto/http/ws_handshake.h"

#include <string.h>

enum {
    CLOSE_WAIT_S = 5,  /* for the client's half of the closing handshake */
    ANSWER_ROOM = 512, /* bytes of the 101 without the protocol */
};

/* -- frames ------------------------------------------------------------------------------------ */

static void send_frame(struct conn *c, uint8_t first, struct slice payload)
{
    char head[WS_HEAD_ROOM];
    if (conn_write(c, slice_of(head, ws_frame_write(head, first, payload.len))))
        conn_write(c, payload);
}

void websocket_send_close(struct conn *c, unsigned code, struct slice reason)
{
    char payload[WS_CONTROL_LENGTH] = {(char)(code >> 8), (char)code};
    size_t room = sizeof payload - 2, len = reason.len < room ? reason.len : room;
    memcpy(payload + 2, reason.ptr, len);
    send_frame(c, WS_FIN | WS_CLOSE, slice_of(payload, 2 + len));
}

void websocket_close(struct websocket *ws, unsigned code, struct slice reason)
{
    if (ws->closing || websocket_is_over(ws))
        return;
    websocket_send_close(ws->conn, code, reason);
    ws->closing = true;
    ws->closing_since_s = websocket_now_s(ws);
    deadline_set(ws->conn->set->deadlines, &ws->conn->deadline, CLOSE_WAIT_S * 1000ull);
}

/* Code and reason as they came: 0 when the payload is empty, else the code to answer with. */
static unsigned read_close(struct slice payload, const char **fault)
{
    *fault = NULL;
    if (payload.len == 0)
        return 0;
    unsigned code = 0;
    if (payload.len >= 2)
        code = (unsigned)(unsigned char)payload.ptr[0] << 8 | (unsigned char)payload.ptr[1];
    if (!ws_close_code_is_valid(code)) {
        *fault = "a close frame without a valid code";
        return WS_CODE_PROTOCOL;
    }
    if (!ws_utf8_is_valid(slice_from(payload, 2))) {
        *fault = "a reason to close that is not UTF-8";
        return WS_CODE_NOT_TEXT;
    }
    return code;
}

/* RFC 6455 section 5.5.1: the code is sent back, and the server closes first (section 7.1.1). */
static void take_close(struct websocket *ws, struct slice payload)
{
    const char *fault;
    unsigned code = read_close(payload, &fault);
    if (fault != NULL) {
        websocket_fail(ws, code, fault);
        return;
    }
    if (!ws->closing && code == 0)
        send_frame(ws->conn, WS_FIN | WS_CLOSE, SLICE_EMPTY);
    else if (!ws->closing)
        websocket_send_close(ws->conn, code, SLICE_EMPTY);
    conn_close_after_flush(ws->conn);
}

void websocket_messages_control(struct websocket *ws, uint8_t first, struct slice payload)
{
    unsigned opcode = first & WS_OPCODE;
    if (opcode == WS_CLOSE)
        take_close(ws, payload);
    else if (opcode == WS_PING && !ws->closing)
        send_frame(ws->conn, WS_FIN | WS_PONG, payload);
}

/* -- the handshake ----------------------------------------------------------------------------- */

bool websocket_messages_answer(struct websocket *ws, const struct exchange *x)
{
    struct buf *b = &x->worker->scratch;
    buf_clear(b);
    if (buf_reserve(b, ANSWER_ROOM + x->head->len) != 0)
        return false;
    ws->deflate = websocket_settings(ws)->websocket_deflate &&
                  ws_deflate_negotiate(&x->head->fields, &ws->terms);
    size_t len = ws_handshake_answer(x->head, ws->deflate ? &ws->terms : NULL, b->data,
                                     ANSWER_ROOM + x->head->len);
    ws->x->status = 101;
    ws->x->reply_started = true;
    return len > 0 && conn_write(ws->conn, slice_of(b->data, len));
}

/* -- what the handler says --------------------------------------------------------------------- */

/* The frame of a compressed message, made for the first listener that can read it. NULL: the
 * message goes out as it is. */
static struct payload *deflated(struct websocket *ws, struct push *p, uint8_t kind)
{
    struct worker *w = websocket_worker(ws);
    struct payload **form = &p->ws_deflated[kind == WS_BINARY];
    if (*form != NULL || p->ws_incompressible)
        return *form;
    struct buf *b = &w->scratch;
    buf_clear(b);
    if (w->ws_deflate == NULL)
        w->ws_deflate = ws_deflate_create();
    if (w->ws_deflate != NULL && buf_reserve(b, WS_HEAD_ROOM) == 0) {
        b->len = WS_HEAD_ROOM;
        if (ws_deflate_message(w->ws_deflate, p->bytes, b)) {
            char head[WS_HEAD_ROOM];
            size_t len = ws_frame_write(head, WS_FIN | WS_RSV1 | kind, b->len - WS_HEAD_ROOM);
            memcpy(b->data + WS_HEAD_ROOM - len, head, len);
            *form = payload_copy(slice_from(buf_slice(b), WS_HEAD_ROOM - len));
        }
    }
    p->ws_incompressible = *form == NULL;
    return *form;
}

static void send_message(struct websocket *ws, struct push *p, uint8_t kind)
{
    struct conn *c = ws->conn;
    char head[WS_HEAD_ROOM];
    bool may_deflate = ws->deflate && p->bytes.len >= WS_DEFLATE_LEAST &&
                       ws_deflate_fits(&ws->terms, p->bytes.len);
    struct payload *frame = may_deflate ? deflated(ws, p, kind) : NULL;
    if (frame != NULL) {
        conn_write_payload(c, frame, 0, frame->len);
    } else if (p->payload == NULL) {
        send_frame(c, WS_FIN | kind, p->bytes);
    } else if (conn_write(c, slice_of(head, ws_frame_write(head, WS_FIN | kind, p->bytes.len)))) {
        conn_write_payload(c, p->payload, (size_t)(p->bytes.ptr - p->payload->bytes), p->bytes.len);
    }
}

static bool is_utf8(struct push *p)
{
    if (p->utf8 == PUSH_UTF8_UNKNOWN)
        p->utf8 = ws_utf8_is_valid(p->bytes) ? PUSH_UTF8 : PUSH_NOT_UTF8;
    return p->utf8 == PUSH_UTF8;
}

/* The handler ends it: it need not be told, and whatever it says now comes too late. */
static void close_for_handler(struct websocket *ws, const struct push *p)
{
    bool may = p->kind == PUSH_PLAIN ||
               (ws_close_code_is_valid(p->close_code) && ws_utf8_is_valid(p->bytes));
    ws->conn->handler_closed = true;
    if (p->kind == PUSH_PLAIN)
        websocket_close(ws, WS_CODE_NORMAL, SLICE_EMPTY);
    else
        websocket_close(ws, may ? p->close_code : WS_CODE_SERVER_FAULT,
                        may ? p->bytes : SLICE_EMPTY);
}

static void messages_push(struct conn *c, struct push *p)
{
    struct websocket *ws = c->session_state;
    if (ws->closing)
        return;
    switch (p->kind) {
    case PUSH_PLAIN:
        if (p->bytes.len == 0)
            close_for_handler(ws, p);
        else /* a client may be told only what it can read: what is no text is not sent as one */
            send_message(ws, p, ws->kind == WS_TEXT && !is_utf8(p) ? WS_BINARY : ws->kind);
        break;
    case PUSH_TEXT:
        if (is_utf8(p))
            send_message(ws, p, WS_TEXT);
        else
            websocket_fail(ws, WS_CODE_SERVER_FAULT, "the handler's text is not UTF-8");
        break;
    case PUSH_BINARY: send_message(ws, p, WS_BINARY); break;
    case PUSH_CLOSE: close_for_handler(ws, p); break;
    }
}

/* A plain one would be of the kind of the client's last message. */
static enum push_form messages_form(const struct conn *c, bool frame, bool chunk)
{
    (void)c, (void)chunk;
    return frame ? FORM_MESSAGE : FORM_PLAIN;
}

/* -- time -------------------------------------------------------------------------------------- */

/* A client that is not heard of is pinged once half of limits.min_ping has passed, and closed after
 * the whole; unless it is we who do not listen. */
static void watch_silence(struct websocket *ws, unsigned min_ping_s)
{
    struct conn *c = ws->conn;
    uint32_t silent_s = ws->poster.count > 0 ? 0 : websocket_now_s(ws) - c->last_read_s;
    unsigned half_s = (min_ping_s + 1) / 2;
    if (silent_s > min_ping_s) {
        websocket_worker(ws)->counters.timeouts++;
        conn_close(c, CONN_TIMEOUT);
        return;
    }
    if (silent_s >= half_s && !ws->pinged) {
        ws->pinged = true;
        send_frame(c, WS_FIN | WS_PING, SLICE_EMPTY);
    }
    unsigned until_s = silent_s < half_s ? half_s : min_ping_s + 1;
    deadline_set(c->set->deadlines, &c->deadline, (until_s - silent_s) * 1000ull);
}

static void messages_timeout(struct conn *c)
{
    struct websocket *ws = c->session_state;
    const struct settings *s = websocket_settings(ws);
    if (ws->closing) {
        uint32_t since_s = websocket_now_s(ws) - ws->closing_since_s;
        if (since_s >= CLOSE_WAIT_S)
            conn_close(c, CONN_TIMEOUT);
        else
            deadline_set(c->set->deadlines, &c->deadline, (CLOSE_WAIT_S - since_s) * 1000ull);
    } else if (s->min_ping_s > 0) {
        watch_silence(ws, s->min_ping_s);
    } else {
        deadline_set(c->set->deadlines, &c->deadline, s->tick_s * 1000ull);
    }
}

static void messages_drain(struct conn *c)
{
    websocket_close(c->session_state, WS_CODE_AWAY, SLICE_EMPTY);
}

const struct session_ops session_websocket_messages = {
    .name = "websocket",
    .control_type = 3,
    .takes_kinds = true,
    .input = websocket_input,
    .drained = websocket_drained,
    .push = messages_push,
    .form = messages_form,
    .timeout = messages_timeout,
    .drain = messages_drain,
    .closed = websocket_closed,
};
