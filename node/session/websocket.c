/* What a connection keeps is small: this state, and the head of its messages to the handler, which
 * is written once. Each message is one copy of that head, two digits, and the payload unmasked on
 * its way into the ZeroMQ message. */

#include "node/backend/handler_peer.h"
#include "node/exchange/filter.h"
#include "node/exchange/handler_message.h"
#include "node/exchange/reply.h"
#include "node/session/conn_life.h"
#include "node/session/websocket_state.h"
#include "proto/base/log.h"
#include "proto/http/ws_handshake.h"
#include "proto/wire/netstring.h"

#include <stdlib.h>
#include <string.h>

enum {
    WAITING_MOST = 64,         /* messages of one client that may wait for the handler */
    WAITING_BYTES = 256 << 10, /* … and their bytes, one message more */
    LENGTH_ROOM = 21,          /* a length and its colon */
};

/* -- messages to the handler ------------------------------------------------------------------- */

static void encode(const struct exchange *x, struct slice method, const char *flags,
                   size_t body_len, struct buf *out)
{
    struct handler_message m;
    handler_message_of_request(&m, x, x->target->peer);
    m.keys[HANDLER_KEY_METHOD] = method;
    if (flags != NULL)
        handler_message_add(&m, SLICE("FLAGS"), slice_str(flags));
    handler_message_encode(out, &m, body_len);
}

/* Written twice with other flags, so that the place where they stand need not be known here. */
static int make_head(struct websocket *ws, const struct exchange *x)
{
    struct buf other = BUF_INIT, *b = &websocket_worker(ws)->scratch;
    buf_clear(b);
    encode(x, SLICE("WEBSOCKET"), "0x00", 0, b);
    encode(x, SLICE("WEBSOCKET"), "0xFF", 0, &other);
    size_t at = 0;
    bool good = !b->failed && !other.failed && (ws->head = malloc(b->len)) != NULL;
    while (good && b->data[at] == other.data[at])
        at++;
    buf_fini(&other);
    if (!good)
        return -1;
    ws->flags_at = (uint32_t)at;
    ws->head_len = (uint32_t)b->len - 2; /* without the "0:" of an empty body */
    memcpy(ws->head, b->data, ws->head_len);
    return 0;
}

static void put_head(const struct websocket *ws, uint8_t first, char *at)
{
    static const char digits[] = "0123456789ABCDEF";
    memcpy(at, ws->head, ws->head_len);
    at[ws->flags_at] = digits[first >> 4];
    at[ws->flags_at + 1] = digits[first & 15];
}

/* `LENGTH:` at `at`. */
static size_t put_length(char *at, size_t len)
{
    size_t digits = netstring_digits(len);
    at[digits] = ':';
    for (char *p = at + digits; p > at; len /= 10)
        *--p = (char)('0' + len % 10);
    return digits + 1;
}

char *websocket_message(const struct websocket *ws, uint8_t first, struct slice payload,
                        uint32_t mask, zmq_msg_t *message)
{
    size_t before = ws->head_len + netstring_digits(payload.len) + 1;
    if (zmq_msg_init_size(message, before + payload.len + 1) != 0)
        return NULL;
    char *at = zmq_msg_data(message);
    put_head(ws, first, at);
    put_length(at + ws->head_len, payload.len);
    ws_unmask(at + before, payload.ptr, payload.len, mask);
    at[before + payload.len] = ',';
    return at + before;
}

void websocket_post(struct websocket *ws, zmq_msg_t *message)
{
    const struct handler_peer *peer = ws->conn->handler;
    ws->posted_bytes += zmq_msg_size(message);
    websocket_worker(ws)->counters.websocket_messages++;
    filter_conn_event(ws->conn, M2_REQ_SENT, NULL);
    if (backend_post(peer->backend, &ws->poster, ws->conn->id, message) != 0)
        conn_close(ws->conn, CONN_NO_MEMORY);
}

size_t websocket_head_room(const struct websocket *ws)
{
    return ws->head_len + LENGTH_ROOM;
}

static void free_message(void *data, void *hint)
{
    (void)data;
    free(hint);
}

/* The head is put right in front of the payload, and ZeroMQ takes the memory as it is. */
void websocket_post_buf(struct websocket *ws, uint8_t first, struct buf *b)
{
    size_t room = websocket_head_room(ws), len = b->len - room;
    size_t before = ws->head_len + netstring_digits(len) + 1, total = before + len + 1;
    zmq_msg_t message;
    buf_append_char(b, ',');
    char *memory = buf_take(b);
    if (memory == NULL) {
        conn_close(ws->conn, CONN_NO_MEMORY);
        return;
    }
    char *at = memory + room - before;
    put_head(ws, first, at);
    put_length(at + ws->head_len, len);
    if (zmq_msg_init_data(&message, at, total, free_message, memory) != 0) {
        free(memory);
        conn_close(ws->conn, CONN_NO_MEMORY);
        return;
    }
    websocket_post(ws, &message);
}

/* -- back-pressure ----------------------------------------------------------------------------- */

/* Where many wait, each client has one of them; then their number is bounded by the clients. */
static unsigned window(const struct websocket *ws)
{
    const struct handler_peer *peer = ws->conn->handler;
    return peer->backend->figures.queued_now > WAITING_MOST ? 1 : WAITING_MOST;
}

bool websocket_has_room(struct websocket *ws)
{
    if (ws->poster.count == 0)
        ws->posted_bytes = 0;
    return ws->poster.count < window(ws) && ws->posted_bytes < WAITING_BYTES &&
           !conn_is_full(ws->conn);
}

void websocket_go_on(struct websocket *ws)
{
    struct conn *c = ws->conn;
    if (!c->reading_paused || websocket_is_over(ws) || ws->poster.count > WAITING_MOST / 2 ||
        !websocket_has_room(ws))
        return;
    conn_resume(c);
    if (conn_input(c).len > 0)
        conn_wake(c);
}

static void on_settled(struct backend_poster *p, int status)
{
    struct websocket *ws = container_of(p, struct websocket, poster);
    if (status != 0)
        websocket_fail(ws, WS_CODE_TRY_LATER, "no handler took a message in time");
    else
        websocket_go_on(ws);
}

void websocket_drained(struct conn *c)
{
    websocket_go_on(c->session_state);
}

/* -- beginning and end ------------------------------------------------------------------------- */

static void destroy(struct websocket *ws)
{
    if (ws == NULL)
        return;
    backend_poster_fini(&ws->poster);
    buf_fini(&ws->message);
    free(ws->head);
    free(ws);
}

static void ended(struct conn *c, struct exchange *x, bool keep_alive)
{
    (void)x;
    struct websocket *ws = c->session_state;
    ws->x = NULL;
    websocket_raw_settle(ws);
    if (!keep_alive)
        conn_close_after_flush(c);
}

static void nothing(struct conn *c)
{
    (void)c;
}

/* The exchange is detached and reads no body: nothing else is asked of the session. */
static const struct exchange_sink sink = {
    .want_body = nothing,
    .pause_body = nothing,
    .resume_body = nothing,
    .head_released = nothing,
    .ended = ended,
};

static struct websocket *refuse(struct exchange *x, int status, struct websocket *ws)
{
    struct slice fields = status == 426
                              ? SLICE("Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n")
                          : status == 503 ? SLICE("Retry-After: 1\r\n")
                                          : SLICE_EMPTY;
    destroy(ws);
    x->keep_alive = false;
    reply_error(x, status, fields);
    return NULL;
}

/* What the client says behind a handshake with a body would be frames to one and body to another.
 */
static int fault_of(const struct exchange *x)
{
    if (x->worker->draining)
        return 503;
    if (x->target->peer->websocket_messages)
        return ws_handshake_status(x->head);
    return x->head->has_body ? 400 : 0;
}

/* METHOD WEBSOCKET_HANDSHAKE, the body is what Sec-WebSocket-Accept has to say. */
static int make_handshake(const struct exchange *x, zmq_msg_t *message)
{
    struct buf *b = &x->worker->scratch;
    char accept[WS_ACCEPT_LENGTH];
    ws_handshake_accept(field_list_value(&x->head->fields, FIELD_SEC_WEBSOCKET_KEY), accept);
    buf_clear(b);
    encode(x, SLICE("WEBSOCKET_HANDSHAKE"), NULL, WS_ACCEPT_LENGTH, b);
    buf_append(b, accept, sizeof accept);
    buf_append_char(b, ',');
    if (b->failed || zmq_msg_init_size(message, b->len) != 0)
        return -1;
    memcpy(zmq_msg_data(message), b->data, b->len);
    return 0;
}

/* What the first message of a connection alone says (DOWNLOAD_CREDITS) is in the handshake, which
 * is therefore written before the head of the others. */
static bool greet(struct websocket *ws, struct exchange *x)
{
    zmq_msg_t message;
    if (make_handshake(x, &message) != 0)
        return false;
    bool ready = make_head(ws, x) == 0;
    if (ready && !ws->messages)
        return websocket_raw_prepare(ws, &message) == 0;
    if (!ready || !websocket_messages_answer(ws, x)) {
        zmq_msg_close(&message);
        return false;
    }
    websocket_post(ws, &message);
    return true;
}

struct websocket *websocket_create(struct exchange *x)
{
    struct handler_peer *peer = x->target->peer;
    int status = fault_of(x);
    if (status != 0)
        return refuse(x, status, NULL);
    struct websocket *ws = calloc(1, sizeof *ws);
    if (ws == NULL || handler_enlist(x->conn, peer) != 0)
        return refuse(x, 503, ws);
    ws->conn = x->conn;
    ws->x = x;
    ws->messages = peer->websocket_messages;
    ws->kind = WS_TEXT;
    backend_poster_init(&ws->poster, on_settled);
    if (!greet(ws, x))
        return refuse(x, 503, ws);
    return ws;
}

void websocket_start(struct websocket *ws)
{
    struct conn *c = ws->conn;
    c->session_state = ws;
    c->session = ws->messages ? &session_websocket_messages : &session_websocket_raw;
    ws->x->sink = &sink;
    ws->x->keep_alive = true;
    websocket_worker(ws)->counters.websockets++;
    if (ws->messages)
        exchange_end(ws->x, EXCHANGE_DONE);
    else
        websocket_raw_start(ws);
    conn_resume(c);
    if (conn_input(c).len > 0 && !websocket_is_over(ws))
        conn_wake(c);
    if (!websocket_is_over(ws))
        c->session->timeout(c); /* sets the first deadline */
}

void websocket_fail(struct websocket *ws, unsigned code, const char *why)
{
    static struct log_limit limit;
    struct conn *c = ws->conn;
    char peer[46];
    if (websocket_is_over(ws))
        return;
    conn_peer_text(c, peer);
    log_limited(&limit, LOG_INFO_LEVEL, "websocket", "closed with %u: %s peer=%s id=%u", code, why,
                peer, c->id);
    websocket_worker(ws)->counters.websocket_faults++;
    bool framed = ws->messages || code == WS_CODE_TOO_LARGE || code == WS_CODE_TRY_LATER;
    if (!framed || ws->x != NULL) { /* as Mongrel2; or HTTP is still spoken */
        conn_close(c, CONN_PROTOCOL_ERROR);
        return;
    }
    if (!ws->closing)
        websocket_send_close(c, code, SLICE_EMPTY);
    conn_close_after_flush(c);
}

void websocket_closed(struct conn *c)
{
    struct websocket *ws = c->session_state;
    conn_life_count_closed(c);
    if (ws->x != NULL)
        exchange_end(ws->x, conn_life_exchange_end(c));
    c->session_state = NULL;
    destroy(ws);
}
