/* libm2handler: handlers for Mongrel2 Cluster in C.
 *
 * A handler takes requests from nodes and answers them, or any other connection of those nodes,
 * with bytes of its own. It is attached in one of two ways, after which everything is the same:
 *
 *   classic  PULL and PUB sockets connected to the Handler of one or more servers, as with
 * Mongrel2; worker   a member of a pool: requests come only when there is room, none is lost in a
 * queue.
 *
 *     struct m2_handler *h;
 *     struct m2_error e;
 *     struct m2_worker_options options = {.pool = "hello", .coordinators = "tcp://127.0.0.1:6780"};
 *     if (m2_worker_create(&h, &options, &e) != 0)
 *         errx(1, "%s", e.text);
 *     struct m2_request *r;
 *     while (m2_recv(h, &r, -1, &e) >= 0) {
 *         if (r != NULL && !m2_request_is_disconnect(r))
 *             m2_reply_http(h, r, 200, "OK", NULL, 0, m2_text("hello"), &e);
 *         m2_request_done(&r);
 *     }
 *
 * Threads: a handler and its requests may be used by several threads; calls take a lock. A worker
 * has a small thread of its own that keeps its connections alive while the handler is busy (see
 * m2_worker_options.no_thread). Loops: m2_fd and m2_wait_ms fit any event loop.
 *
 * Ownership: a request belongs to the caller until m2_request_done or m2_request_give_back, and
 * must be given up before its handler is destroyed; slices of it live as long as it does. Functions
 * that can fail return -1 and fill *e (which may be NULL) with a sentence. Nothing is ever printed.
 *
 * The wire formats are described in docs/reference. */
#ifndef M2HANDLER_H
#define M2HANDLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define M2_HANDLER_VERSION 2

/* ---- bytes and errors --------------------------------------------------------------------- */

/* Borrowed bytes; no NUL behind them by promise. */
struct m2_slice {
    const char *ptr; /* NULL: there is none */
    size_t len;
};

static inline struct m2_slice m2_bytes(const void *ptr, size_t len)
{
    struct m2_slice s = {(const char *)ptr, len};
    return s;
}

/* Of a C string; NULL gives no bytes. */
static inline struct m2_slice m2_text(const char *s)
{
    return m2_bytes(s, s != NULL ? strlen(s) : 0);
}

static inline bool m2_equal(struct m2_slice a, const char *b)
{
    return a.ptr != NULL && a.len == strlen(b) && memcmp(a.ptr, b, a.len) == 0;
}

enum m2_error_code {
    M2_ERROR_NONE,
    M2_ERROR_USAGE,       /* an argument makes no sense */
    M2_ERROR_UNREACHABLE, /* the node is not there (any more), and its connections neither */
    M2_ERROR_FULL,        /* the node does not take replies as fast as they come: try later */
    M2_ERROR_CLOSED,      /* the worker has left its pool */
    M2_ERROR_IO,
    M2_ERROR_NO_MEMORY
};

struct m2_error {
    enum m2_error_code code;
    char text[512]; /* a sentence */
};

/* ---- handlers ----------------------------------------------------------------------------- */

struct m2_handler;
struct m2_request;

/* A handler that will be connected by m2_classic_connect. `ident` is the ZeroMQ identity of the PUB
 * socket and may be NULL. */
int m2_classic_create(struct m2_handler **out, const char *ident, struct m2_error *e);

/* Connects to a server: `requests` is its Handler's send_spec, `replies` its recv_spec. Any number
 * of servers. */
int m2_classic_connect(struct m2_handler *h, const char *requests, const char *replies,
                       struct m2_error *e);
int m2_classic_disconnect(struct m2_handler *h, const char *requests, const char *replies,
                          struct m2_error *e);

struct m2_worker_options {
    const char *pool;         /* its name; required */
    unsigned capacity;        /* requests at a time, over all nodes; 0: 1 */
    const char *coordinators; /* "tcp://a:6780,tcp://b:6780": who knows the nodes; may be NULL */
    const char *name;         /* for people; NULL: the pool's */
    const char *uuid;         /* NULL: a fresh one */
    bool no_thread;           /* the caller promises to call m2_recv whenever m2_wait_ms says so,
                                 also while it is working on a request; else nodes take the worker
                                 for dead after three heartbeats (750 ms) and give its requests to
                                 another */
    const char *keys;         /* CURVE keys: a directory with handler.cert and coordinator.cert, or
                                 a certificate in it (docs/reference/keys.md); NULL: none */
};

/* Joins the pool on all nodes that the coordinators name, and on those added by
 * m2_worker_add_node. */
int m2_worker_create(struct m2_handler **out, const struct m2_worker_options *options,
                     struct m2_error *e);

/* A node by the endpoint of its handler port. A node that is not there is tried again and again. */
int m2_worker_add_node(struct m2_handler *h, const char *endpoint, struct m2_error *e);
void m2_worker_remove_node(struct m2_handler *h, const char *endpoint);

/* How many nodes have accepted the worker. */
size_t m2_worker_joined(struct m2_handler *h);

/* No new requests from now on: those that are running are to be finished, then the handler
 * destroyed. Requests that were not received yet go back to their nodes. */
void m2_worker_leave(struct m2_handler *h);

/* Lets go of everything: a worker leaves its pool and hands back what it has not begun, what has
 * been replied is sent; each for at most a second. NULL is fine. */
void m2_handler_destroy(struct m2_handler **h);

/* Messages that were dropped because they were malformed. */
uint64_t m2_handler_malformed(struct m2_handler *h);

/* `line` is told what happens to the connection: nodes joined, lost, refusing. May be called by any
 * thread, with the lock held: it must not call back. */
void m2_handler_on_event(struct m2_handler *h, void (*line)(void *arg, const char *text),
                         void *arg);

/* ---- receiving ---------------------------------------------------------------------------- */

/* Waits up to `timeout_ms` (-1: for ever, 0: not at all) for a request. Returns 1 with a request;
 * 0 with *out NULL when there was none in time, when a signal came, or after m2_wake; -1 with
 * M2_ERROR_CLOSED when the worker has left and nothing can come any more. */
int m2_recv(struct m2_handler *h, struct m2_request **out, int timeout_ms, struct m2_error *e);

/* A descriptor that is readable when m2_recv(h, …, 0, …) has something to do, and the milliseconds
 * after which it is to be called in any case. Ask again after every use of the handler:
 *
 *     poll(m2_fd(h), m2_wait_ms(h)); while (m2_recv(h, &r, 0, &e) > 0) …
 */
int m2_fd(struct m2_handler *h);
int m2_wait_ms(struct m2_handler *h);

/* Makes a waiting m2_recv return. May be called by any thread and in a signal handler. */
void m2_wake(struct m2_handler *h);

/* The request is dealt with: frees it, and, in a worker, its place. Replies to its connection may
 * still be sent by m2_deliver. *r is set to NULL; NULL is fine. */
void m2_request_done(struct m2_request **r);

/* Hands back a request to which nothing was replied: another worker gets it. In a classic handler
 * the same as m2_request_done. */
void m2_request_give_back(struct m2_request **r);

/* ---- requests ----------------------------------------------------------------------------- */

struct m2_slice m2_request_sender(const struct m2_request *r); /* the node: where replies go */
uint32_t m2_request_conn_id(const struct m2_request *r);
struct m2_slice m2_request_path(const struct m2_request *r);
struct m2_slice m2_request_body(const struct m2_request *r);
struct m2_slice m2_request_message(const struct m2_request *r); /* all of it, as received */

/* The first value of a header; ptr NULL when absent. Names in upper case are the server's (METHOD,
 * URI, QUERY, PATTERN, REMOTE_ADDR …), names in lower case the client's. */
struct m2_slice m2_request_header(struct m2_request *r, const char *name);

/* All headers in order; a repeated one appears repeatedly. */
size_t m2_request_header_count(struct m2_request *r);
void m2_request_header_at(struct m2_request *r, size_t i, struct m2_slice *name,
                          struct m2_slice *value);

/* The HTTP method, or JSON, XML, WEBSOCKET_HANDSHAKE, WEBSOCKET; empty for the later pieces of a
 * streamed upload. */
struct m2_slice m2_request_method(struct m2_request *r);

bool m2_request_is_disconnect(
    struct m2_request *r); /* the connection is closed: forget it; a reply goes nowhere */
/* So many bytes of replies have been written to the client (download.flow_control). */
bool m2_request_is_credits(struct m2_request *r, uint64_t *credits);
/* Is the connection to be closed behind the response? (HTTP/1.0, Connection: close) */
bool m2_request_should_close(struct m2_request *r);

/* First byte of a WebSocket frame with FIN set (0x81 text, 0x82 binary, 0x88 close, 0x89 ping, 0x8a
 * pong); 0 for anything else. */
unsigned m2_request_flags(struct m2_request *r);

/* A large body is being stored in the file *path: answer now only to refuse it. */
bool m2_request_is_upload_start(struct m2_request *r, struct m2_slice *path);
/* It is complete in *path. False also when the two headers do not name one file. */
bool m2_request_is_upload_done(struct m2_request *r, struct m2_slice *path);
/* A piece of a streamed upload: the body, *offset bytes into it; *last: no more will come. */
bool m2_request_is_upload_piece(struct m2_request *r, uint64_t *offset, bool *last);

/* ---- replies ------------------------------------------------------------------------------ */

/* Ids in one message; m2_deliver splits longer lists. Nodes take limits.handler_targets, 128 unless
 * set otherwise. */
#define M2_TARGETS_MAX 100

/* Writes `payload` to the connection of the request: raw bytes, an HTTP response included. Empty
 * closes it, after what was sent before. Sending never waits. M2_ERROR_UNREACHABLE also when the
 * node was lost since it sent the request, and has given it to another worker. */
int m2_reply(struct m2_handler *h, struct m2_request *r, struct m2_slice payload,
             struct m2_error *e);
int m2_close(struct m2_handler *h, struct m2_request *r, struct m2_error *e);

/* The same for any number of connections of one node. */
int m2_deliver(struct m2_handler *h, struct m2_slice node, const uint32_t *ids, size_t count,
               struct m2_slice payload, struct m2_error *e);

/* What a reply message names; borrowed from it. */
struct m2_reply_head {
    struct m2_slice node; /* or the cluster */
    struct m2_slice ids;  /* for m2_reply_next_id */
};

/* Sends a whole reply message, plain or extended, as a classic handler writes it, to whom it names;
 * *head (which may be NULL) gets that also when it cannot be sent. For programs that stand between
 * handlers and nodes. M2_ERROR_USAGE: it is no reply message. */
int m2_forward(struct m2_handler *h, struct m2_slice message, struct m2_reply_head *head,
               struct m2_error *e);
/* Takes the next id off the head; false when there is none. */
bool m2_reply_next_id(struct m2_reply_head *head, uint32_t *id);

struct m2_header {
    const char *name;
    struct m2_slice value;
};

/* A whole response. Content-Length is added; the body is left out for HEAD, and must be empty for
 * 1xx, 204 and 304. M2_ERROR_USAGE for a line break in a header. */
int m2_reply_http(struct m2_handler *h, struct m2_request *r, int code, const char *reason,
                  const struct m2_header *headers, size_t header_count, struct m2_slice body,
                  struct m2_error *e);

/* A response whose length is not known: head, chunks, end. For HTTP/1.0 without chunks, until
 * close. */
int m2_reply_head(struct m2_handler *h, struct m2_request *r, int code, const char *reason,
                  const struct m2_header *headers, size_t header_count, struct m2_error *e);
int m2_reply_chunk(struct m2_handler *h, struct m2_request *r, struct m2_slice data,
                   struct m2_error *e);
int m2_reply_end(struct m2_handler *h, struct m2_request *r, struct m2_error *e);
/* One chunk to many. */
int m2_deliver_chunk(struct m2_handler *h, struct m2_slice node, const uint32_t *ids, size_t count,
                     struct m2_slice data, struct m2_error *e);

/* Accepts a WebSocket (METHOD WEBSOCKET_HANDSHAKE) and sends frames on it, of a Handler with
 * websocket="raw". With "messages" the node has accepted it: see m2_ws_send. */
int m2_reply_handshake(struct m2_handler *h, struct m2_request *r, struct m2_error *e);
/* One frame; `flags` as in m2_request_flags, e.g. 0x81. */
int m2_reply_frame(struct m2_handler *h, struct m2_request *r, unsigned flags,
                   struct m2_slice payload, struct m2_error *e);
int m2_deliver_frame(struct m2_handler *h, struct m2_slice node, const uint32_t *ids, size_t count,
                     unsigned flags, struct m2_slice payload, struct m2_error *e);

/* ---- extended replies --------------------------------------------------------------------- */

int m2_keep_alive(struct m2_handler *h, struct m2_slice node, const uint32_t *ids, size_t count,
                  struct m2_error *e);
/* Allows `bytes` more of a streamed upload. */
int m2_credits(struct m2_handler *h, struct m2_slice node, uint32_t id, int64_t bytes,
               struct m2_error *e);
/* Closes at once, without what is queued. */
int m2_cancel(struct m2_handler *h, struct m2_slice node, const uint32_t *ids, size_t count,
              struct m2_error *e);
/* The node sends this file of its own; the head is to be replied before. */
int m2_sendfile(struct m2_handler *h, struct m2_slice node, const uint32_t *ids, size_t count,
                const char *path, struct m2_error *e);

/* For handlers with websocket="messages", where the node makes the frames. */
int m2_ws_send(struct m2_handler *h, struct m2_slice node, const uint32_t *ids, size_t count,
               bool binary, struct m2_slice message, struct m2_error *e);
int m2_ws_close(struct m2_handler *h, struct m2_slice node, const uint32_t *ids, size_t count,
                unsigned code, const char *reason, struct m2_error *e);

/* Any key; `value` is one tnetstring. */
int m2_extended(struct m2_handler *h, struct m2_slice node, const uint32_t *ids, size_t count,
                const char *key, struct m2_slice value, struct m2_error *e);

/* ---- channels ----------------------------------------------------------------------------- */

int m2_channel_join(struct m2_handler *h, struct m2_slice node, const uint32_t *ids, size_t count,
                    const char *channel, struct m2_error *e);
int m2_channel_leave(struct m2_handler *h, struct m2_slice node, const uint32_t *ids, size_t count,
                     const char *channel, struct m2_error *e);

enum m2_channel_flag {
    M2_CHANNEL_TEXT = 1,   /* WebSocket members get a text frame */
    M2_CHANNEL_BINARY = 2, /* … a binary frame */
    M2_CHANNEL_CHUNK = 4   /* members with a chunked response get a chunk */
};

/* To every member on every node. `to` is the cluster's UUID, or a node's for its members only;
 * ptr NULL: the cluster that the worker is in, or every node it has joined. */
int m2_channel_send(struct m2_handler *h, struct m2_slice to, const char *channel,
                    struct m2_slice data, unsigned flags, struct m2_error *e);

#ifdef __cplusplus
}
#endif

#endif
