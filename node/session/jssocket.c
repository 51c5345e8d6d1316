/* A connection has state here only while a message arrives or waits at a backend: an idle socket is
 * a struct conn and nothing else. */

#include "node/session/jssocket.h"

#include "node/backend/backend_post.h"
#include "node/exchange/access_log.h"
#include "node/exchange/filter.h"
#include "node/exchange/handler_message.h"
#include "node/exchange/reply.h"
#include "node/session/conn_life.h"
#include "node/session/identify.h"
#include "proto/base/base64.h"
#include "proto/base/log.h"
#include "proto/http/socket_message.h"
#include "proto/http/status_code.h"

#include <string.h>

enum {
    SPARE_STATES = 256,
    WAITING_MOST = 16, /* messages of one client that may wait for the handler */
    COPY_MOST = 2048,  /* longer texts are shared by their readers */
};

static const char policy[] =
    "<?xml version=\"1.0\"?><!DOCTYPE cross-domain-policy SYSTEM "
    "\"http://www.macromedia.com/xml/dtds/cross-domain-policy.dtd\"><cross-domain-policy> "
    "<allow-access-from domain=\"*\" to-ports=\"*\" /></cross-domain-policy>";

struct jssocket {
    struct conn *conn;
    struct socket_message message;
    struct backend_poster poster;
    uint32_t since_s; /* when the first byte of the message came */
    bool posting;     /* what is settled meanwhile needs no wake */
};

void jssocket_pool_init(struct freelist *pool)
{
    freelist_init(pool, sizeof(struct jssocket), SPARE_STATES);
}

static struct worker *worker_of(const struct conn *c)
{
    return c->set->owner;
}

static uint32_t now_s(const struct conn *c)
{
    return (uint32_t)(c->set->loop->now_us / 1000000u);
}

static bool is_over(const struct conn *c)
{
    return conn_is_closing(c) || c->close_when_flushed;
}

/* Nothing of a message has been looked at. */
static bool is_between_messages(const struct jssocket *j)
{
    return j == NULL || j->message.scanned == 0;
}

/* --- what is said without a handler --- */

static struct slice method_of(const struct conn *c)
{
    return socket_message_is_xml(conn_input(c)) ? SLICE("XML") : SLICE("JSON");
}

static void write_access_log(const struct conn *c, int status, size_t size)
{
    const struct worker *w = worker_of(c);
    const struct jssocket *j = c->session_state;
    char peer[46];
    if (w->access_log == NULL)
        return;
    struct access_entry entry = {
        .host = w->snapshot->default_host->name,
        .peer = slice_of(peer, conn_peer_text(c, peer)),
        .peer_port = conn_peer_port(c),
        .method = method_of(c),
        .path = socket_message_path(&j->message, conn_input(c)),
        .status = status,
        .size = (int64_t)size,
    };
    access_log_write(w->access_log, &entry);
}

/* In the words of HTTP, as Mongrel2 does. */
static void refuse(struct conn *c, int status, const char *why)
{
    struct worker *w = worker_of(c);
    static struct log_limit limit;
    char peer[46], answer[REPLY_ERROR_ROOM];
    conn_peer_text(c, peer);
    log_limited(&limit, LOG_INFO_LEVEL, "jssocket", "refused with %d: %s peer=%s", status, why,
                peer);
    w->counters.requests_bad += status != 404;
    counters_response(&w->counters, status);
    size_t len = reply_render_error(w, status, SLICE_EMPTY, true, false, answer);
    write_access_log(c, status, status_code_reason(status).len);
    conn_write(c, slice_of(answer, len));
    conn_close_after_flush(c);
}

static void give_up(struct conn *c)
{
    static struct log_limit limit;
    char peer[46];
    if (is_over(c))
        return;
    conn_peer_text(c, peer);
    log_limited(&limit, LOG_WARN_LEVEL, "jssocket",
                "closed: no handler took a message in time peer=%s id=%u", peer, c->id);
    worker_of(c)->counters.socket_closes++;
    conn_close_after_flush(c);
}

/* --- messages to handlers --- */

static void on_settled(struct backend_poster *p, int status)
{
    struct jssocket *j = container_of(p, struct jssocket, poster);
    if (status != 0)
        give_up(j->conn);
    else if (!j->posting && !is_over(j->conn) && (p->count == 0 || j->conn->reading_paused))
        conn_wake(j->conn);
}

static struct jssocket *state_create(struct conn *c)
{
    struct jssocket *j = freelist_take(&worker_of(c)->jssockets);
    if (j == NULL)
        return NULL;
    memset(j, 0, sizeof *j);
    j->conn = c;
    backend_poster_init(&j->poster, on_settled);
    c->session_state = j;
    return j;
}

static void state_destroy(struct conn *c)
{
    struct jssocket *j = c->session_state;
    if (j == NULL)
        return;
    backend_poster_fini(&j->poster);
    freelist_give(&worker_of(c)->jssockets, j);
    c->session_state = NULL;
}

/* Where many wait, each client has one of them; then their number is bounded by the clients. */
static bool has_room(const struct jssocket *j)
{
    const struct handler_peer *peer = j->conn->handler;
    bool crowded = peer != NULL && peer->backend->figures.queued_now > WAITING_MOST;
    return j->poster.count < (crowded ? 1u : WAITING_MOST) && !conn_is_full(j->conn);
}

/* False when out of memory. */
static bool make_message(const struct conn *c, const struct conf_route *route, struct slice path,
                         struct slice body, zmq_msg_t *message)
{
    struct worker *w = worker_of(c);
    struct buf *head = &w->scratch;
    struct handler_message m;
    handler_message_init(&m, route->target->peer, c, &w->snapshot->settings, path, route->pattern);
    m.keys[HANDLER_KEY_METHOD] = method_of(c);
    buf_clear(head);
    handler_message_encode(head, &m, body.len);
    if (head->failed || zmq_msg_init_size(message, head->len + body.len + 1) != 0)
        return false;
    char *at = zmq_msg_data(message);
    memcpy(at, head->data, head->len);
    memcpy(at + head->len, body.ptr, body.len);
    at[head->len + body.len] = ',';
    return true;
}

static void post(struct conn *c, const struct conf_route *route)
{
    struct jssocket *j = c->session_state;
    struct handler_peer *peer = route->target->peer;
    struct slice in = conn_input(c), body = socket_message_body(&j->message, in);
    zmq_msg_t message;
    if (handler_enlist(c, peer) != 0 ||
        !make_message(c, route, socket_message_path(&j->message, in), body, &message)) {
        conn_close(c, CONN_NO_MEMORY);
        return;
    }
    worker_of(c)->counters.socket_messages++;
    filter_conn_event(c, M2_REQ_SENT, NULL);
    write_access_log(c, 0, body.len);
    j->posting = true;
    if (backend_post(peer->backend, &j->poster, c->id, &message) != 0)
        conn_close(c, CONN_NO_MEMORY);
    j->posting = false;
}

/* A message is whole: the one place where it is known what it is and where it leads. */
static void serve(struct conn *c, const struct jssocket *j)
{
    struct slice in = conn_input(c);
    struct route_hit hit;
    conn_touch(c);
    bool asks_policy = socket_message_asks_policy(&j->message, in);
    const struct filter_subject about = {
        .method = method_of(c),
        .path = asks_policy ? SLICE_EMPTY : socket_message_path(&j->message, in),
    };
    if (!filter_conn_event(c, M2_REQ_RECV, &about) ||
        !filter_conn_event(c, asks_policy ? M2_SOCKET_REQ : M2_MSG_REQ, &about))
        return;
    if (asks_policy) {
        write_access_log(c, 0, sizeof policy);
        conn_write(c, slice_of(policy, sizeof policy));
        conn_close_after_flush(c);
        return;
    }
    const struct conf_host *host = worker_of(c)->snapshot->default_host;
    if (!route_table_find(host->routes, socket_message_path(&j->message, in), &hit)) {
        refuse(c, 404, "no route");
        return;
    }
    const struct conf_route *route = hit.target;
    if (route->target->peer == NULL)
        conn_close_after_flush(c); /* only a handler can speak on a socket */
    else if (!socket_message_is_ping(&j->message, in) && filter_conn_event(c, M2_HANDLER, &about))
        post(c, route);
}

/* --- input --- */

static void arm(struct conn *c)
{
    const struct settings *s = &worker_of(c)->snapshot->settings;
    const struct jssocket *j = c->session_state;
    unsigned wait_s = conn_life_sweep_in_s(c, s);
    if (!is_between_messages(j))
        wait_s = conn_life_left_s(j->since_s, s->header_timeout_s, now_s(c));
    else if (c->id == 0)
        wait_s = conn_life_left_s(c->last_ping_s, s->idle_timeout_s, now_s(c));
    deadline_set(c->set->deadlines, &c->deadline, wait_s * 1000ull);
}

static void close_quietly(struct conn *c, enum conn_reason reason)
{
    if (outq_is_empty(&c->out))
        conn_close(c, reason);
    else
        conn_close_after_flush(c);
}

/* Takes the next message from the input; false when it must wait for more, or for room. */
static bool take_message(struct conn *c, struct jssocket *j)
{
    const struct settings *s = &worker_of(c)->snapshot->settings;
    size_t most = s->head_bytes < c->set->buffer_size ? s->head_bytes : c->set->buffer_size;
    if (is_between_messages(j))
        j->since_s = now_s(c);
    enum parse_result result = socket_message_parse(&j->message, conn_input(c), most);
    if (result == PARSE_MORE)
        return false;
    if (result == PARSE_BAD)
        refuse(c, parse_fault_status(j->message.fault), parse_fault_text(j->message.fault));
    else
        serve(c, j);
    conn_consume(c, j->message.len);
    j->message = (struct socket_message){0};
    return true;
}

/* All that has come is taken, but for the beginning of a message perhaps. */
static void rest(struct conn *c)
{
    const struct jssocket *j = c->session_state;
    bool settled = j == NULL || (j->poster.count == 0 && is_between_messages(j));
    if (settled)
        state_destroy(c);
    if (c->input_ended) {
        close_quietly(c, CONN_CLIENT_CLOSED);
        return;
    }
    if (settled && worker_of(c)->draining) {
        close_quietly(c, CONN_DRAINED);
        return;
    }
    conn_resume(c);
    arm(c);
}

static void jssocket_input(struct conn *c)
{
    for (bool more = true; more && !is_over(c) && conn_input(c).len > 0;) {
        struct jssocket *j = c->session_state;
        bool is_mine = socket_message_begins(conn_input(c).ptr[0]);
        if (j != NULL && (!has_room(j) || (!is_mine && j->poster.count > 0))) {
            conn_pause(c);
            arm(c);
            return;
        }
        if (!is_mine) {
            state_destroy(c);
            conn_resume(c);
            identify(c);
            return;
        }
        if (j == NULL && (j = state_create(c)) == NULL) {
            conn_close(c, CONN_NO_MEMORY);
            return;
        }
        more = take_message(c, j);
    }
    if (!is_over(c))
        rest(c);
}

/* What was sent ahead and has no room yet is still taken. */
static void jssocket_input_end(struct conn *c)
{
    if (!c->reading_paused)
        close_quietly(c, CONN_CLIENT_CLOSED);
}

static void jssocket_drained(struct conn *c)
{
    if (c->reading_paused)
        conn_wake(c);
}

static void jssocket_timeout(struct conn *c)
{
    struct worker *w = worker_of(c);
    const struct settings *s = &w->snapshot->settings;
    const struct jssocket *j = c->session_state;
    uint32_t now = now_s(c);
    if (!is_between_messages(j) && now - j->since_s >= s->header_timeout_s) {
        w->counters.timeouts++;
        refuse(c, 408, "the message took too long");
    } else if (c->id == 0 && now - c->last_ping_s >= s->idle_timeout_s) {
        conn_close(c, CONN_TIMEOUT);
    } else if (conn_life_is_idle_too_long(c, s)) {
        w->counters.timeouts++;
        conn_close(c, CONN_TIMEOUT);
    } else {
        arm(c);
    }
}

/* --- output --- */

static void write_shared(struct conn *c, struct payload *p, struct slice bytes)
{
    if (p != NULL && bytes.len > COPY_MOST)
        conn_write_payload(c, p, (size_t)(bytes.ptr - p->bytes), bytes.len);
    else if (bytes.len > 0)
        conn_write(c, bytes);
}

/* A NUL that the handler has put behind its text is taken for the end of the message, and goes out
 * as that: behind the base64. */
static struct payload *encode(const struct push *p)
{
    struct slice bytes = p->bytes;
    if (bytes.ptr[bytes.len - 1] == '\0')
        bytes.len--;
    char *to;
    struct payload *text = payload_create(base64_len(bytes.len) + p->nul, &to);
    if (text == NULL)
        return NULL;
    size_t len = base64_encode(bytes, to);
    if (p->nul)
        to[len] = '\0';
    return text;
}

static void jssocket_push(struct conn *c, struct push *p)
{
    if (p->bytes.len == 0) {
        c->handler_closed = true;
        conn_close_after_flush(c);
        return;
    }
    if (p->raw_payload) {
        write_shared(c, p->payload, p->bytes);
        return;
    }
    if (p->base64 == NULL && (p->base64 = encode(p)) == NULL) {
        conn_close(c, CONN_NO_MEMORY);
        return;
    }
    write_shared(c, p->base64, slice_of(p->base64->bytes, p->base64->len));
}

/* --- the end --- */

static void jssocket_drain(struct conn *c)
{
    if (c->session_state == NULL && !conn_has_unread(c))
        close_quietly(c, CONN_DRAINED);
}

static void jssocket_closed(struct conn *c)
{
    conn_life_count_closed(c);
    state_destroy(c);
}

const struct session_ops session_jssocket = {
    .name = "jssocket",
    .control_type = 2,
    .input = jssocket_input,
    .input_end = jssocket_input_end,
    .drained = jssocket_drained,
    .push = jssocket_push,
    .timeout = jssocket_timeout,
    .drain = jssocket_drain,
    .closed = jssocket_closed,
};
