/* Frames from the client. A frame that is whole in the input buffer, as nearly all are, goes from
 * there to the handler's message in one pass; the payload of others is collected piece by piece,
 * so that what a header claims costs nothing before it has come. */

#include "node/session/websocket_state.h"

#include <string.h>

/* -- what is allowed --------------------------------------------------------------------------- */

/* RFC 6455 sections 5.4 and 5.5; as much as Mongrel2 checks. */
static const char *fault_of_any(const struct websocket *ws, const struct ws_frame *f)
{
    bool fin = (f->first & WS_FIN) != 0;
    if (!f->masked)
        return "a frame without mask";
    if (f->len > INT64_MAX)
        return "a frame length with its top bit set";
    if (ws_is_control(f->first)) {
        if (!fin)
            return "a control frame in fragments";
        return f->len > WS_CONTROL_LENGTH ? "a control frame of more than 125 bytes" : NULL;
    }
    bool continues = (f->first & WS_OPCODE) == WS_CONTINUATION;
    if (continues && ws->first == 0)
        return "a continuation of nothing";
    return !continues && ws->first != 0 ? "a message within a message" : NULL;
}

/* Section 5.2: reserved bits and opcodes, lengths in their shortest form. RSV1 belongs to
 * compression, in the first frame of a message (RFC 7692 section 6). */
static const char *fault_of_message(const struct websocket *ws, const struct ws_frame *f)
{
    unsigned opcode = f->first & WS_OPCODE;
    bool begins = opcode == WS_TEXT || opcode == WS_BINARY;
    unsigned reserved = f->first & (ws->deflate && begins ? WS_RSV & ~WS_RSV1 : WS_RSV);
    if (reserved != 0)
        return "a reserved bit is set";
    if (opcode > WS_PONG || (opcode > WS_BINARY && opcode < WS_CLOSE))
        return "a frame with a reserved opcode";
    return f->is_shortest ? NULL : "a frame length that is not in its shortest form";
}

/* What a message is collected in may be larger than the message, by what deflate adds to bytes that
 * it cannot compress. */
static uint64_t most(const struct websocket *ws)
{
    uint64_t limit = websocket_settings(ws)->websocket_message;
    bool compressed = ws->messages && (ws->first & WS_RSV1) != 0;
    return compressed ? limit + limit / 1024 + 64 : limit;
}

static bool accept_frame(struct websocket *ws, const struct ws_frame *f)
{
    const char *fault = fault_of_any(ws, f);
    if (fault == NULL && ws->messages)
        fault = fault_of_message(ws, f);
    if (fault != NULL)
        websocket_fail(ws, WS_CODE_PROTOCOL, fault);
    return fault == NULL;
}

/* -- whole frames ------------------------------------------------------------------------------ */

static bool is_text(const struct websocket *ws, uint8_t first)
{
    return ws->messages && (first & WS_OPCODE) == WS_TEXT;
}

static void took(struct websocket *ws, uint8_t first)
{
    if (!ws_is_control(first))
        ws->kind = first & WS_OPCODE;
}

/* The payload of `f` is all there, and all of its message. */
static void take_whole(struct websocket *ws, const struct ws_frame *f, struct slice payload)
{
    zmq_msg_t message;
    if (ws->closing)
        return;
    char *plain = websocket_message(ws, f->first, payload, f->mask, &message);
    if (plain == NULL) {
        conn_close(ws->conn, CONN_NO_MEMORY);
    } else if (is_text(ws, f->first) && !ws_utf8_is_valid(slice_of(plain, payload.len))) {
        zmq_msg_close(&message);
        websocket_fail(ws, WS_CODE_NOT_TEXT, "a text that is not UTF-8");
    } else {
        took(ws, f->first);
        websocket_post(ws, &message);
    }
}

static void take_control(struct websocket *ws, const struct ws_frame *f, struct slice payload)
{
    char plain[WS_CONTROL_LENGTH];
    if (!ws->messages) {
        take_whole(ws, f, payload);
        return;
    }
    ws_unmask(plain, payload.ptr, payload.len, f->mask);
    websocket_messages_control(ws, f->first, slice_of(plain, payload.len));
}

/* -- messages in pieces ------------------------------------------------------------------------ */

/* Compressed text is looked at when it is whole. */
static bool is_checked_on_the_way(const struct websocket *ws)
{
    return is_text(ws, ws->first) && (ws->first & WS_RSV1) == 0;
}

static bool begin_message(struct websocket *ws, uint8_t first)
{
    ws->first = first | WS_FIN;
    ws->utf8 = WS_UTF8_INIT;
    if (buf_reserve(&ws->message, websocket_head_room(ws)) != 0) {
        conn_close(ws->conn, CONN_NO_MEMORY);
        return false;
    }
    ws->message.len = websocket_head_room(ws);
    return true;
}

static void begin_frame(struct websocket *ws, const struct ws_frame *f)
{
    ws->in_frame = true;
    ws->last_frame = (f->first & WS_FIN) != 0;
    ws->left = f->len;
    ws->mask = f->mask;
}

static void inflate(struct websocket *ws)
{
    struct worker *w = websocket_worker(ws);
    size_t room = websocket_head_room(ws);
    struct buf plain = BUF_INIT;
    enum ws_inflate result = WS_INFLATE_NO_MEMORY;
    if (w->ws_deflate == NULL)
        w->ws_deflate = ws_deflate_create();
    if (w->ws_deflate != NULL && buf_reserve(&plain, room) == 0) {
        plain.len = room;
        result = ws_inflate_message(w->ws_deflate, slice_from(buf_slice(&ws->message), room),
                                    websocket_settings(ws)->websocket_message, &plain);
    }
    buf_fini(&ws->message);
    ws->message = plain;
    ws->first &= (uint8_t)~WS_RSV1;
    if (result == WS_INFLATE_NO_MEMORY)
        conn_close(ws->conn, CONN_NO_MEMORY);
    else if (result == WS_INFLATE_TOO_LARGE)
        websocket_fail(ws, WS_CODE_TOO_LARGE, "a message over limits.websocket_message");
    else if (result == WS_INFLATE_BAD)
        websocket_fail(ws, WS_CODE_NOT_TEXT, "a compressed message that is none");
    else if (is_text(ws, ws->first) &&
             !ws_utf8_feed(&ws->utf8, slice_from(buf_slice(&ws->message), room)))
        websocket_fail(ws, WS_CODE_NOT_TEXT, "a text that is not UTF-8");
}

static void end_message(struct websocket *ws)
{
    if (ws->messages && (ws->first & WS_RSV1) != 0)
        inflate(ws);
    if (!websocket_is_over(ws) && is_text(ws, ws->first) && !ws_utf8_is_whole(&ws->utf8))
        websocket_fail(ws, WS_CODE_NOT_TEXT, "a text that is not UTF-8");
    if (!websocket_is_over(ws) && !ws->closing) {
        took(ws, ws->first);
        websocket_post_buf(ws, ws->first, &ws->message);
    }
    buf_fini(&ws->message);
    ws->first = 0;
}

static void end_frame(struct websocket *ws)
{
    ws->in_frame = false;
    if (ws->last_frame)
        end_message(ws);
}

/* As much of the frame's payload as has come; false when more is needed. */
static bool take_payload(struct websocket *ws)
{
    struct conn *c = ws->conn;
    struct slice in = conn_input(c);
    size_t len = in.len < ws->left ? in.len : (size_t)ws->left;
    if (buf_reserve(&ws->message, len) != 0) {
        conn_close(c, CONN_NO_MEMORY);
        return false;
    }
    char *to = ws->message.data + ws->message.len;
    if (len > 0)
        ws->mask = ws_unmask(to, in.ptr, len, ws->mask);
    ws->message.len += len;
    conn_consume(c, len);
    ws->left -= len;
    if (is_checked_on_the_way(ws) && !ws_utf8_feed(&ws->utf8, slice_of(to, len))) {
        websocket_fail(ws, WS_CODE_NOT_TEXT, "a text that is not UTF-8");
        return false;
    }
    if (ws->left > 0)
        return false;
    end_frame(ws);
    return true;
}

/* -- frames ------------------------------------------------------------------------------------ */

static void take_data(struct websocket *ws, const struct ws_frame *f, size_t head)
{
    bool is_first = ws->first == 0, fin = (f->first & WS_FIN) != 0;
    struct slice in = conn_input(ws->conn);
    bool compressed = ws->messages && (f->first & WS_RSV1) != 0;
    if (is_first && fin && !compressed && in.len - head >= f->len &&
        f->len <= websocket_settings(ws)->websocket_message) {
        take_whole(ws, f, slice_of(in.ptr + head, (size_t)f->len));
        conn_consume(ws->conn, head + (size_t)f->len);
        return;
    }
    if (is_first && !begin_message(ws, f->first))
        return;
    if (f->len > most(ws) || ws->message.len - websocket_head_room(ws) > most(ws) - f->len) {
        websocket_fail(ws, WS_CODE_TOO_LARGE, "a message over limits.websocket_message");
        return;
    }
    conn_consume(ws->conn, head);
    begin_frame(ws, f);
}

/* The next header, and what is short enough to wait for whole; false when more is needed. */
static bool take_frame(struct websocket *ws)
{
    struct ws_frame f;
    struct slice in = conn_input(ws->conn);
    size_t head = ws_frame_read(in, &f);
    if (head == 0 || !accept_frame(ws, &f))
        return false;
    if (!ws_is_control(f.first)) {
        take_data(ws, &f, head);
        return true;
    }
    if (in.len - head < f.len)
        return false;
    take_control(ws, &f, slice_of(in.ptr + head, (size_t)f.len));
    conn_consume(ws->conn, head + (size_t)f.len);
    return true;
}

void websocket_input(struct conn *c)
{
    struct websocket *ws = c->session_state;
    bool more = true;
    ws->pinged = false;
    while (more && !websocket_is_over(ws)) {
        if (!websocket_has_room(ws)) {
            conn_pause(c);
            return;
        }
        more = ws->in_frame ? take_payload(ws) : take_frame(ws);
    }
}
