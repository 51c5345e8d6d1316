/* Bytes to connections: the message around them, HTTP responses and WebSocket frames in them. */

#include "proto/handler/handler.h"

#include "proto/wire/handler_reply.h"

#include <stdio.h>
#include <string.h>

/* ---- messages ----------------------------------------------------------------------------- */

/* One message; the lock is held. */
static int send_part(struct m2_handler *h, struct slice node, const uint32_t *ids, size_t count,
                     bool extended, struct slice payload, struct m2_error *e)
{
    zmq_msg_t message;
    buf_clear(&h->head);
    handler_reply_encode_head(&h->head, node, ids, count, extended);
    if (h->head.failed || zmq_msg_init_size(&message, h->head.len + payload.len) != 0)
        return handler_fail(e, M2_ERROR_NO_MEMORY, "Out of memory.");
    char *to = zmq_msg_data(&message);
    memcpy(to, h->head.data, h->head.len);
    if (payload.len > 0)
        memcpy(to + h->head.len, payload.ptr, payload.len);
    return h->ops->send(h, node, &message, e);
}

static bool is_node_word(struct slice node)
{
    for (size_t i = 0; i < node.len; i++) {
        char c = node.ptr[i], folded = (char)(c | 0x20);
        if (!(c >= '0' && c <= '9') && !(folded >= 'a' && folded <= 'z') && c != '-')
            return false;
    }
    return node.len > 0;
}

static int send_parts(struct m2_handler *h, struct slice node, const uint32_t *ids, size_t count,
                      bool extended, struct slice payload, struct m2_error *e)
{
    if (!is_node_word(node))
        return handler_fail(e, M2_ERROR_USAGE,
                            "A node is named by letters, digits and dashes, not \"%.*s\".",
                            (int)(node.len < 100 ? node.len : 100), node.ptr);
    if (count == 0 && extended)
        return send_part(h, node, NULL, 0, true, payload, e);
    int rc = 0;
    for (size_t at = 0; at < count && rc == 0; at += M2_TARGETS_MAX) {
        size_t part = count - at < M2_TARGETS_MAX ? count - at : M2_TARGETS_MAX;
        rc = send_part(h, node, ids + at, part, extended, payload, e);
    }
    return rc;
}

int handler_reply(struct m2_handler *h, struct slice node, const uint32_t *ids, size_t count,
                  bool extended, struct slice payload, struct m2_error *e)
{
    pthread_mutex_lock(&h->lock);
    int rc = send_parts(h, node, ids, count, extended, payload, e);
    pthread_mutex_unlock(&h->lock);
    return rc;
}

/* To one or more connections. `request` is what is answered, or NULL. */
struct target {
    struct slice node;
    const uint32_t *ids;
    size_t count;
    struct m2_request *request;
};

static struct target target_of(struct m2_request *r)
{
    return (struct target){r->parts.sender, &r->parts.conn_id, 1, r};
}

/* The lock is held. An answer to the notice that a connection is gone has nobody to go to, and
 * would only bring the next notice. A request whose node was lost in between has been settled
 * otherwise, by another worker or a 502: a second answer would ruin the first. */
static int send_to(struct m2_handler *h, const struct target *t, struct slice payload,
                   struct m2_error *e)
{
    if (t->request != NULL && m2_request_is_disconnect(t->request))
        return 0;
    if (t->request != NULL && !h->ops->is_current(h, t->request))
        return handler_fail(e, M2_ERROR_UNREACHABLE,
                            "Node %.*s was lost meanwhile and has settled the request.",
                            SLICE_ARG(t->node));
    return send_parts(h, t->node, t->ids, t->count, false, payload, e);
}

/* With a payload that the caller has made in h->body; the lock is held. */
static int send_body(struct m2_handler *h, const struct target *t, struct m2_error *e)
{
    if (h->body.failed)
        return handler_fail(e, M2_ERROR_NO_MEMORY, "Out of memory.");
    return send_to(h, t, buf_slice(&h->body), e);
}

int m2_forward(struct m2_handler *h, struct m2_slice message, struct m2_reply_head *head,
               struct m2_error *e)
{
    struct handler_reply reply;
    zmq_msg_t copy;
    enum handler_reply_status status = handler_reply_parse(slice_in(message), SIZE_MAX, &reply);
    if (head != NULL)
        *head = (struct m2_reply_head){{NULL, 0}, {NULL, 0}};
    if (status != HANDLER_REPLY_OK)
        return handler_fail(e, M2_ERROR_USAGE, "This is no reply message: %s",
                            handler_reply_status_text(status));
    if (head != NULL)
        *head = (struct m2_reply_head){slice_out(reply.sender), slice_out(reply.ids)};
    if (zmq_msg_init_size(&copy, message.len) != 0)
        return handler_fail(e, M2_ERROR_NO_MEMORY, "Out of memory.");
    memcpy(zmq_msg_data(&copy), message.ptr, message.len);
    pthread_mutex_lock(&h->lock);
    int rc = h->ops->send(h, reply.sender, &copy, e);
    pthread_mutex_unlock(&h->lock);
    return rc;
}

bool m2_reply_next_id(struct m2_reply_head *head, uint32_t *id)
{
    struct slice ids = slice_in(head->ids);
    bool found = handler_reply_next(&ids, id);
    head->ids = slice_out(ids);
    return found;
}

int m2_deliver(struct m2_handler *h, struct m2_slice node, const uint32_t *ids, size_t count,
               struct m2_slice payload, struct m2_error *e)
{
    return handler_reply(h, slice_in(node), ids, count, false, slice_in(payload), e);
}

int m2_reply(struct m2_handler *h, struct m2_request *r, struct m2_slice payload,
             struct m2_error *e)
{
    struct target t = target_of(r);
    pthread_mutex_lock(&h->lock);
    int rc = send_to(h, &t, slice_in(payload), e);
    pthread_mutex_unlock(&h->lock);
    return rc;
}

int m2_close(struct m2_handler *h, struct m2_request *r, struct m2_error *e)
{
    return m2_reply(h, r, m2_bytes("", 0), e);
}

/* ---- HTTP --------------------------------------------------------------------------------- */

static bool has_line_break(struct slice s)
{
    return slice_find(s, '\r') < s.len || slice_find(s, '\n') < s.len;
}

/* Status line and headers, without the empty line that ends them. */
static int put_head(struct buf *out, int code, const char *reason, const struct m2_header *headers,
                    size_t header_count, struct m2_error *e)
{
    if (code < 100 || code > 999)
        return handler_fail(e, M2_ERROR_USAGE, "A status code has three digits, not %d.", code);
    if (reason == NULL)
        reason = "";
    if (has_line_break(slice_str(reason)))
        return handler_fail(e, M2_ERROR_USAGE, "The reason must be one line.");
    buf_clear(out);
    buf_printf(out, "HTTP/1.1 %d %s\r\n", code, reason);
    for (size_t i = 0; i < header_count; i++) {
        struct slice name = slice_str(headers[i].name), value = slice_in(headers[i].value);
        if (name.len == 0 || has_line_break(name) || has_line_break(value) ||
            slice_find(name, ':') < name.len)
            return handler_fail(e, M2_ERROR_USAGE, "The header \"%s\" is not one line.",
                                headers[i].name != NULL ? headers[i].name : "");
        buf_append_slice(out, name);
        buf_append_str(out, ": ");
        buf_append_slice(out, value);
        buf_append_str(out, "\r\n");
    }
    return 0;
}

/* RFC 9110 section 6.4.1: these have no content. */
static bool is_bodiless(int code)
{
    return code < 200 || code == 204 || code == 304;
}

/* Methods are looked at before the lock, because the headers may have to be read for it. */
static bool is_method(struct m2_request *r, const char *method)
{
    return m2_equal(m2_request_method(r), method);
}

static int reply_http(struct m2_handler *h, struct m2_request *r, int code, const char *reason,
                      const struct m2_header *headers, size_t header_count, struct slice body,
                      bool is_head, struct m2_error *e)
{
    struct target t = target_of(r);
    if (put_head(&h->body, code, reason, headers, header_count, e) != 0)
        return -1;
    if (!is_bodiless(code))
        buf_printf(&h->body, "Content-Length: %zu\r\n", body.len);
    buf_append_str(&h->body, "\r\n");
    if (!is_head)
        buf_append_slice(&h->body, body);
    return send_body(h, &t, e);
}

int m2_reply_http(struct m2_handler *h, struct m2_request *r, int code, const char *reason,
                  const struct m2_header *headers, size_t header_count, struct m2_slice body,
                  struct m2_error *e)
{
    if (is_bodiless(code) && body.len > 0)
        return handler_fail(e, M2_ERROR_USAGE, "A response with status %d has no body.", code);
    bool is_head = is_method(r, "HEAD");
    pthread_mutex_lock(&h->lock);
    int rc = reply_http(h, r, code, reason, headers, header_count, slice_in(body), is_head, e);
    pthread_mutex_unlock(&h->lock);
    return rc;
}

static bool is_http_1_0(struct m2_request *r)
{
    return m2_equal(m2_request_header(r, "VERSION"), "HTTP/1.0");
}

int m2_reply_head(struct m2_handler *h, struct m2_request *r, int code, const char *reason,
                  const struct m2_header *headers, size_t header_count, struct m2_error *e)
{
    struct target t = target_of(r);
    bool chunked = !is_http_1_0(r) && !is_bodiless(code);
    pthread_mutex_lock(&h->lock);
    int rc = put_head(&h->body, code, reason, headers, header_count, e);
    if (rc == 0) {
        buf_append_str(&h->body, chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n");
        rc = send_body(h, &t, e);
    }
    pthread_mutex_unlock(&h->lock);
    return rc;
}

static int deliver_chunk(struct m2_handler *h, const struct target *t, struct slice data,
                         struct m2_error *e)
{
    if (data.len == 0)
        return 0; /* an empty chunk would end the body */
    pthread_mutex_lock(&h->lock);
    buf_clear(&h->body);
    buf_printf(&h->body, "%zx\r\n", data.len);
    buf_append_slice(&h->body, data);
    buf_append_str(&h->body, "\r\n");
    int rc = send_body(h, t, e);
    pthread_mutex_unlock(&h->lock);
    return rc;
}

int m2_reply_chunk(struct m2_handler *h, struct m2_request *r, struct m2_slice data,
                   struct m2_error *e)
{
    struct target t = target_of(r);
    if (data.len == 0 || is_method(r, "HEAD"))
        return 0; /* an empty payload would close the connection */
    return is_http_1_0(r) ? m2_reply(h, r, data, e) : deliver_chunk(h, &t, slice_in(data), e);
}

int m2_reply_end(struct m2_handler *h, struct m2_request *r, struct m2_error *e)
{
    if (is_http_1_0(r))
        return m2_close(h, r, e);
    return is_method(r, "HEAD") ? 0 : m2_reply(h, r, m2_text("0\r\n\r\n"), e);
}

int m2_deliver_chunk(struct m2_handler *h, struct m2_slice node, const uint32_t *ids, size_t count,
                     struct m2_slice data, struct m2_error *e)
{
    struct target t = {slice_in(node), ids, count, NULL};
    return deliver_chunk(h, &t, slice_in(data), e);
}

/* ---- WebSocket ---------------------------------------------------------------------------- */

int m2_reply_handshake(struct m2_handler *h, struct m2_request *r, struct m2_error *e)
{
    const struct m2_header headers[] = {
        {"Upgrade", m2_text("websocket")},
        {"Connection", m2_text("Upgrade")},
        {"Sec-WebSocket-Accept", m2_request_body(r)}, /* made by the node */
    };
    struct target t = target_of(r);
    pthread_mutex_lock(&h->lock);
    int rc = put_head(&h->body, 101, "Switching Protocols", headers, 3, e);
    if (rc == 0) {
        buf_append_str(&h->body, "\r\n");
        rc = send_body(h, &t, e);
    }
    pthread_mutex_unlock(&h->lock);
    return rc;
}

/* RFC 6455 section 5.2, unmasked. */
static void put_frame(struct buf *out, unsigned flags, struct slice payload)
{
    unsigned char head[10] = {(unsigned char)flags};
    size_t bytes = payload.len < 126 ? 0 : payload.len <= UINT16_MAX ? 2 : 8;
    head[1] = bytes == 0 ? (unsigned char)payload.len : bytes == 2 ? 126 : 127;
    for (size_t i = 0; i < bytes; i++)
        head[2 + i] = (unsigned char)((uint64_t)payload.len >> (8 * (bytes - 1 - i)));
    buf_clear(out);
    buf_append(out, head, 2 + bytes);
    buf_append_slice(out, payload);
}

static int deliver_frame(struct m2_handler *h, const struct target *t, unsigned flags,
                         struct slice payload, struct m2_error *e)
{
    if (flags > 0xff || ((flags & 8) != 0 && payload.len > 125))
        return handler_fail(e, M2_ERROR_USAGE,
                            "A control frame has at most 125 bytes, and flags are one byte.");
    pthread_mutex_lock(&h->lock);
    put_frame(&h->body, flags, payload);
    int rc = send_body(h, t, e);
    pthread_mutex_unlock(&h->lock);
    return rc;
}

int m2_reply_frame(struct m2_handler *h, struct m2_request *r, unsigned flags,
                   struct m2_slice payload, struct m2_error *e)
{
    struct target t = target_of(r);
    return deliver_frame(h, &t, flags, slice_in(payload), e);
}

int m2_deliver_frame(struct m2_handler *h, struct m2_slice node, const uint32_t *ids, size_t count,
                     unsigned flags, struct m2_slice payload, struct m2_error *e)
{
    struct target t = {slice_in(node), ids, count, NULL};
    return deliver_frame(h, &t, flags, slice_in(payload), e);
}
