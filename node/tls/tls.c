/* What the library wants to read it gets from a buffer that is filled with one read(2) for as many
 * records as have come, and given back when it is empty: header and body of a record would be two.
 * What it says in a handshake is collected and leaves as one, instead of a packet per message.
 *
 * A record that the socket did not take whole stays in the library; `waiting` is how many bytes of
 * the caller's are in it. They count as written only when it has gone, so that a connection is not
 * closed over them. The caller offers the same bytes again until then. */

#include "node/tls/tls.h"

#include "proto/base/log.h"

#include <errno.h>
#include <mbedtls/md.h>
#include <mbedtls/net_sockets.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    RECORD = MBEDTLS_SSL_OUT_CONTENT_LEN,
    TURN_BYTES = 128 << 10, /* sealed in one go: half a millisecond, then others have their turn */
    FIRST_BYTE = 22,        /* of a TLS connection: a handshake record */
};

enum step { STEP_HANDSHAKE, STEP_OPEN, STEP_ENDED, STEP_BROKEN };

struct tls {
    mbedtls_ssl_context ssl;
    struct conn *conn;
    struct tls_context *context;
    struct tls_config *config;
    struct certificate *certificate; /* for the server name */
    char *input;                     /* read ahead; NULL when empty */
    uint32_t input_from, input_end;
    struct buf flight; /* of the handshake, on its way */
    size_t waiting;
    struct tls_peer *peer;
    enum step step;
    bool has_begun; /* something has come */
    bool is_plain;  /* what has come is no TLS */
    bool is_resumed;
    bool was_open;
    bool is_stuck; /* what the library said last has not gone whole */
};

static struct tls *tls_of(const struct conn *c)
{
    return c->transport_state;
}

/* --- below the library: the socket --- */

static int socket_error(int again)
{
    return errno == EAGAIN || errno == EINTR ? again : MBEDTLS_ERR_NET_CONN_RESET;
}

static int on_send(void *arg, const unsigned char *bytes, size_t len)
{
    struct tls *t = arg;
    if (t->step == STEP_HANDSHAKE) {
        buf_append(&t->flight, bytes, len);
        return t->flight.failed ? MBEDTLS_ERR_SSL_ALLOC_FAILED : (int)len;
    }
    ssize_t sent = send(t->conn->io.fd, bytes, len, MSG_NOSIGNAL);
    t->is_stuck = sent != (ssize_t)len;
    return sent >= 0 ? (int)sent : socket_error(MBEDTLS_ERR_SSL_WANT_WRITE);
}

static int take_input(struct tls *t, unsigned char *into, size_t len)
{
    size_t have = t->input_end - t->input_from, taken = have < len ? have : len;
    memcpy(into, t->input + t->input_from, taken);
    t->input_from += (uint32_t)taken;
    return (int)taken;
}

/* What comes first tells TLS from anything else; nothing is said to a client that speaks HTTP. */
static int looked_at(struct tls *t, const char *bytes)
{
    if (!t->has_begun && bytes[0] != FIRST_BYTE) {
        t->is_plain = true;
        return MBEDTLS_ERR_NET_CONN_RESET;
    }
    t->has_begun = true;
    return 0;
}

static int on_recv(void *arg, unsigned char *into, size_t room)
{
    struct tls *t = arg;
    if (t->input_from < t->input_end)
        return take_input(t, into, room);
    bool is_large = room >= TLS_INPUT_BYTES; /* the rest of a long record: no copy for that */
    if (!is_large && t->input == NULL)
        t->input = freelist_take(&t->context->shared->input_memory);
    if (!is_large && t->input == NULL)
        return MBEDTLS_ERR_SSL_ALLOC_FAILED;
    ssize_t got = is_large ? recv(t->conn->io.fd, into, room, 0)
                           : recv(t->conn->io.fd, t->input, TLS_INPUT_BYTES, 0);
    if (got < 0)
        return socket_error(MBEDTLS_ERR_SSL_WANT_READ);
    if (got == 0 || is_large)
        return (int)got;
    int problem = looked_at(t, t->input);
    if (problem != 0)
        return problem;
    t->input_from = 0;
    t->input_end = (uint32_t)got;
    return take_input(t, into, room);
}

static void release_input(struct tls *t)
{
    if (t->input == NULL || t->input_from < t->input_end)
        return;
    freelist_give(&t->context->shared->input_memory, t->input);
    t->input = NULL;
    t->input_from = t->input_end = 0;
}

/* --- the handshake --- */

int tls_on_server_name(void *context, mbedtls_ssl_context *ssl, const unsigned char *name,
                       size_t len)
{
    struct tls_context *x = context;
    struct tls *t = container_of(ssl, struct tls, ssl);
    certificate_unref(t->certificate);
    t->certificate = cert_dir_find(x->dir, slice_of(name, len));
    if (t->certificate == NULL)
        return 0; /* the default certificate: the client decides whether it will do */
    return mbedtls_ssl_set_hs_own_cert(ssl, &t->certificate->chain, &t->certificate->key);
}

static int tls_open(struct conn *c)
{
    struct tls_context *x = c->set->transport_config;
    struct tls *t = calloc(1, sizeof *t);
    if (t == NULL)
        return -1;
    c->transport_state = t;
    t->conn = c;
    t->context = tls_context_ref(x);
    t->config = tls_context_take_config(x);
    mbedtls_ssl_init(&t->ssl);
    if (mbedtls_ssl_setup(&t->ssl, &t->config->settings) != 0)
        return -1;
    mbedtls_ssl_set_bio(&t->ssl, t, on_send, on_recv, NULL);
    return 0;
}

/* False when the socket takes no more of it for now, or nothing ever. */
static bool send_flight(struct tls *t)
{
    while (t->flight.len > 0) {
        ssize_t sent = send(t->conn->io.fd, t->flight.data, t->flight.len, MSG_NOSIGNAL);
        if (sent < 0)
            return false;
        buf_consume(&t->flight, (size_t)sent);
    }
    return true;
}

static int again(struct conn *c, bool wants_write)
{
    c->read_wants_write = wants_write;
    errno = EAGAIN;
    return -1;
}

static int handshake_failed(struct tls *t, int code)
{
    static struct log_limit limit;
    char peer[46], text[160];
    t->step = STEP_BROKEN;
    send_flight(t); /* the alert, if it can go at once */
    conn_peer_text(t->conn, peer);
    if (t->has_begun || t->is_plain)
        log_limited(&limit, LOG_INFO_LEVEL, "tls", "handshake failed: %s peer=%s",
                    t->is_plain ? "what came is no TLS" : library_error_text(code, text), peer);
    errno = code == MBEDTLS_ERR_SSL_CONN_EOF || (code == MBEDTLS_ERR_NET_CONN_RESET && !t->is_plain)
                ? ECONNRESET
                : EPROTO;
    return -1;
}

static void handshake_done(struct tls *t)
{
    struct counters *n = t->context->shared->counters;
    buf_fini(&t->flight);
    t->step = STEP_OPEN;
    t->was_open = true;
    n->tls_handshakes++;
    n->tls_resumed += t->is_resumed;
}

/* 0 when the connection is open. */
static int handshake(struct tls *t)
{
    struct tls_shared *shared = t->context->shared;
    if (!send_flight(t))
        return errno == EAGAIN ? again(t->conn, true)
                               : handshake_failed(t, MBEDTLS_ERR_NET_CONN_RESET);
    shared->found_session = false;
    int code = mbedtls_ssl_handshake(&t->ssl);
    t->is_resumed |= shared->found_session;
    if (code != 0 && code != MBEDTLS_ERR_SSL_WANT_READ)
        return handshake_failed(t, code);
    if (!send_flight(t))
        return errno == EAGAIN ? again(t->conn, true)
                               : handshake_failed(t, MBEDTLS_ERR_NET_CONN_RESET);
    if (code != 0)
        return again(t->conn, false);
    handshake_done(t);
    return 0;
}

static bool tls_is_open(const struct conn *c)
{
    return tls_of(c)->step != STEP_HANDSHAKE;
}

/* --- reading --- */

static bool tls_has_pending(const struct conn *c)
{
    const struct tls *t = tls_of(c);
    return t->input_from < t->input_end || mbedtls_ssl_get_bytes_avail(&t->ssl) > 0;
}

/* An end that the peer has not announced may be anybody's doing: it is no end but a failure. */
static ssize_t read_result(struct tls *t, int code)
{
    if (code > 0)
        return code;
    if (code == MBEDTLS_ERR_SSL_WANT_READ || code == MBEDTLS_ERR_SSL_WANT_WRITE)
        return again(t->conn, code == MBEDTLS_ERR_SSL_WANT_WRITE);
    if (code == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
        return 0;
    t->step = STEP_BROKEN;
    errno = code == 0 || code == MBEDTLS_ERR_SSL_CONN_EOF || code == MBEDTLS_ERR_NET_CONN_RESET
                ? ECONNRESET
                : EPROTO;
    return -1;
}

static ssize_t tls_read(struct conn *c, void *into, size_t room)
{
    struct tls *t = tls_of(c);
    if (t->step == STEP_BROKEN) {
        errno = ECONNRESET;
        return -1;
    }
    ssize_t got = -1;
    if (t->step != STEP_HANDSHAKE || handshake(t) == 0)
        got = read_result(t, mbedtls_ssl_read(&t->ssl, into, room));
    release_input(t);
    return got;
}

/* --- writing --- */

static int write_failed(struct tls *t, int code)
{
    if (code == MBEDTLS_ERR_SSL_WANT_WRITE)
        return 0;
    t->step = STEP_BROKEN;
    errno = ECONNRESET;
    return -1;
}

/* Bytes of the caller's that have gone; 0: the socket is full; -1 with errno. */
static int write_record(struct tls *t, const void *bytes, size_t len)
{
    if (t->waiting == 0 && t->is_stuck) { /* an alert: the library uses the call to send that */
        int code = mbedtls_ssl_write(&t->ssl, bytes, len);
        if (code <= 0)
            return write_failed(t, code);
    }
    if (t->waiting == 0)
        t->waiting = len;
    int sent = mbedtls_ssl_write(&t->ssl, bytes, t->waiting);
    if (sent <= 0)
        return write_failed(t, sent);
    t->waiting = 0;
    return sent;
}

static bool can_write(const struct tls *t)
{
    if (t->step == STEP_OPEN)
        return true;
    errno = ECONNABORTED; /* nothing is said before we know to whom, nor after the end */
    return false;
}

static ssize_t written(size_t total, int last)
{
    if (total > 0)
        return (ssize_t)total;
    if (last == 0)
        errno = EAGAIN;
    return -1;
}

/* The next record's bytes of the vectors from `skip` on: where they are when they are in one,
 * otherwise copied together. */
static const char *gather(const struct iovec *vectors, int count, size_t skip, char copy[RECORD],
                          size_t *len)
{
    while (count > 0 && skip >= vectors->iov_len) {
        skip -= vectors->iov_len;
        vectors++, count--;
    }
    *len = 0;
    if (count == 0)
        return NULL;
    if (count == 1 || vectors->iov_len - skip >= RECORD) {
        *len = vectors->iov_len - skip < RECORD ? vectors->iov_len - skip : RECORD;
        return (const char *)vectors->iov_base + skip;
    }
    for (; count > 0 && *len < RECORD; vectors++, count--, skip = 0) {
        size_t have = vectors->iov_len - skip, room = RECORD - *len;
        size_t part = have < room ? have : room;
        memcpy(copy + *len, (const char *)vectors->iov_base + skip, part);
        *len += part;
    }
    return copy;
}

static ssize_t tls_write(struct conn *c, const struct iovec *vectors, int count)
{
    struct tls *t = tls_of(c);
    char copy[RECORD];
    size_t total = 0, len;
    int sent = 1;
    if (!can_write(t))
        return -1;
    while (sent > 0 && total < TURN_BYTES) {
        const char *bytes = gather(vectors, count, total, copy, &len);
        if (len == 0)
            break;
        sent = write_record(t, bytes, len);
        total += sent > 0 ? (size_t)sent : 0;
    }
    return written(total, sent);
}

static ssize_t tls_sendfile(struct conn *c, int fd, off_t *from, size_t len)
{
    struct tls *t = tls_of(c);
    char bytes[RECORD];
    size_t total = 0;
    int sent = 1;
    if (!can_write(t))
        return -1;
    while (sent > 0 && total < len && total < TURN_BYTES) {
        size_t room = len - total < t->context->file_piece ? len - total : t->context->file_piece;
        ssize_t got = t->waiting > 0 ? (ssize_t)t->waiting : pread(fd, bytes, room, *from);
        if (got <= 0)
            return total > 0 ? (ssize_t)total : got;
        sent = write_record(t, bytes, (size_t)got);
        if (sent > 0) {
            total += (size_t)sent;
            *from += sent;
        }
    }
    return written(total, sent);
}

/* --- the end --- */

static int tls_end(struct conn *c)
{
    struct tls *t = tls_of(c);
    if (t->step != STEP_OPEN)
        return 0;
    if (mbedtls_ssl_close_notify(&t->ssl) == MBEDTLS_ERR_SSL_WANT_WRITE) {
        errno = EAGAIN;
        return -1;
    }
    t->step = STEP_ENDED;
    return 0;
}

static void tls_close(struct conn *c)
{
    struct tls *t = tls_of(c);
    if (t == NULL)
        return;
    if (!t->was_open && (t->has_begun || t->is_plain))
        t->context->shared->counters->tls_failures++;
    if (t->step == STEP_OPEN && c->reason != CONN_CLIENT_RESET)
        mbedtls_ssl_close_notify(&t->ssl); /* if there is room for it: nobody waits here */
    t->input_from = t->input_end;
    release_input(t);
    buf_fini(&t->flight);
    mbedtls_ssl_free(&t->ssl);
    certificate_unref(t->certificate);
    tls_config_unref(t->config);
    tls_context_unref(t->context);
    free(t->peer);
    free(t);
    c->transport_state = NULL;
}

/* --- who the client is --- */

static void put_hex(char *out, mbedtls_md_type_t type, const mbedtls_x509_buf *der)
{
    static const char digits[] = "0123456789ABCDEF";
    unsigned char sum[MBEDTLS_MD_MAX_SIZE] = {0};
    const mbedtls_md_info_t *md = mbedtls_md_info_from_type(type);
    size_t len = mbedtls_md_get_size(md);
    mbedtls_md(md, der->p, der->len, sum);
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[sum[i] >> 4];
        out[2 * i + 1] = digits[sum[i] & 15];
    }
    out[2 * len] = '\0';
}

const struct tls_peer *tls_peer(const struct conn *c)
{
    struct tls *t = c->transport == &transport_tls ? tls_of(c) : NULL;
    if (t == NULL || t->step == STEP_HANDSHAKE || t->peer != NULL)
        return t != NULL ? t->peer : NULL;
    const mbedtls_x509_crt *shown = mbedtls_ssl_get_peer_cert(&t->ssl);
    struct tls_peer *p = shown != NULL ? calloc(1, sizeof *p) : NULL;
    if (p == NULL)
        return NULL;
    put_hex(p->sha1, MBEDTLS_MD_SHA1, &shown->raw);
    strcat(p->sha1, "00");
    put_hex(p->sha256, MBEDTLS_MD_SHA256, &shown->raw);
    p->is_verified = mbedtls_ssl_get_verify_result(&t->ssl) == 0;
    if (mbedtls_x509_dn_gets(p->subject, sizeof p->subject, &shown->subject) < 0)
        p->subject[0] = '\0';
    t->peer = p;
    return p;
}

const struct transport_ops transport_tls = {
    .name = "tls",
    .is_secure = true,
    .open = tls_open,
    .is_open = tls_is_open,
    .read = tls_read,
    .has_pending = tls_has_pending,
    .write = tls_write,
    .sendfile = tls_sendfile,
    .end = tls_end,
    .close = tls_close,
};
