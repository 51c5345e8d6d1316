/* Heads are rendered straight into the output block, where the body follows when it is small: one
 * block, one write. The Date line is made once a second for all. */

#include "node/exchange/reply.h"

#include "node/http/date.h"
#include "node/http/status_code.h"

#include <stdio.h>
#include <string.h>

enum { HEAD_ROOM = 256 }; /* status line, Date, Server, Connection and framing together, at most */

static const struct slice server_line = SLICE("Server: Mongrel2/" M2_VERSION "\r\n");

static struct slice date_line(struct worker *w)
{
    if (w->date_s != w->loop.wall_s || w->date_len == 0) {
        w->date_s = w->loop.wall_s;
        char text[DATE_LEN + 1];
        date_format(w->loop.wall_s, text);
        w->date_len = (size_t)snprintf(w->date, sizeof w->date, "Date: %s\r\n", text);
    }
    return slice_of(w->date, w->date_len);
}

static char *put(char *at, struct slice s)
{
    memcpy(at, s.ptr, s.len);
    return at + s.len;
}

static char *put_number(char *at, uint64_t n)
{
    char digits[20];
    size_t from = sizeof digits;
    do {
        digits[--from] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    return put(at, slice_of(digits + from, sizeof digits - from));
}

/* 1xx, 204 and 304 never have a body, nor has the answer to HEAD (RFC 9112 section 6.3). */
static bool has_no_body(const struct exchange *x)
{
    return x->is_head || x->status == 204 || x->status == 304;
}

static char *put_framing(struct exchange *x, char *at, int64_t length)
{
    if (length >= 0) {
        if (x->status == 204) /* RFC 9110 section 8.6 forbids a length here */
            return at;
        at = put(at, SLICE("Content-Length: "));
        at = put_number(at, (uint64_t)length);
        return put(at, SLICE("\r\n"));
    }
    if (has_no_body(x))
        return at;
    if (x->http_1_0) {
        x->keep_alive = false; /* the end of the connection is the end of the body */
        return at;
    }
    x->reply_chunked = true;
    return put(at, SLICE("Transfer-Encoding: chunked\r\n"));
}

static char *put_status_line(char *at, int status)
{
    at = put(at, SLICE("HTTP/1.1 "));
    at = put_number(at, (uint64_t)status);
    *at++ = ' ';
    at = put(at, status_code_reason(status));
    return put(at, SLICE("\r\n"));
}

static char *put_connection(const struct exchange *x, char *at)
{
    if (!x->keep_alive)
        return put(at, SLICE("Connection: close\r\n"));
    return x->http_1_0 ? put(at, SLICE("Connection: keep-alive\r\n")) : at;
}

/* Whether the client can find the end of the body without the connection closing decides
 * keep-alive, so the framing is put before Connection; order has no meaning otherwise. */
void reply_begin(struct exchange *x, int status, struct slice fields, int64_t length)
{
    x->step = STEP_REPLY;
    x->status = status;
    x->reply_started = true;
    x->reply_length = length;
    size_t need = HEAD_ROOM + (fields.len <= 1024 ? fields.len : 0);
    char *room = conn_write_room(x->conn, need);
    if (room == NULL)
        return;
    char *at = put_status_line(room, status);
    at = put(at, date_line(x->worker));
    if (fields.len <= 1024) {
        at = put(at, fields);
    } else {
        conn_write_filled(x->conn, (size_t)(at - room));
        conn_write(x->conn, fields);
        if ((at = room = conn_write_room(x->conn, HEAD_ROOM)) == NULL)
            return;
    }
    at = put_framing(x, at, length);
    at = put(at, server_line);
    at = put_connection(x, at);
    at = put(at, SLICE("\r\n"));
    conn_write_filled(x->conn, (size_t)(at - room));
}

static bool begin_piece(struct exchange *x, uint64_t len)
{
    if (has_no_body(x) || len == 0)
        return false;
    x->sent += len;
    if (x->reply_chunked) {
        char size[24];
        int digits = snprintf(size, sizeof size, "%llx\r\n", (unsigned long long)len);
        conn_write(x->conn, slice_of(size, (size_t)digits));
    }
    return true;
}

static void end_piece(struct exchange *x)
{
    if (x->reply_chunked)
        conn_write(x->conn, SLICE("\r\n"));
}

void reply_body(struct exchange *x, struct slice bytes)
{
    if (!begin_piece(x, bytes.len))
        return;
    conn_write(x->conn, bytes);
    end_piece(x);
}

void reply_body_payload(struct exchange *x, struct payload *p, size_t from, size_t len)
{
    if (!begin_piece(x, len))
        return;
    conn_write_payload(x->conn, p, from, len);
    end_piece(x);
}

void reply_body_file(struct exchange *x, struct file_ref *f, off_t from, uint64_t len)
{
    if (!begin_piece(x, len))
        return;
    conn_write_file(x->conn, f, from, len);
    end_piece(x);
}

void reply_end(struct exchange *x)
{
    if (x->reply_chunked && !has_no_body(x))
        conn_write(x->conn, SLICE("0\r\n\r\n"));
    exchange_end(x, EXCHANGE_DONE);
}

void reply_whole(struct exchange *x, int status, struct slice fields, struct slice body)
{
    reply_begin(x, status, fields, (int64_t)body.len);
    reply_body(x, body);
    reply_end(x);
}

/* Upstream's bodies, where it has the status; the reason phrase otherwise. */
static struct slice error_body(int status)
{
    return status == 413 ? SLICE("Entity Too Large") : status_code_reason(status);
}

static struct slice error_status_line(int status)
{
    return status == 413 ? SLICE("HTTP/1.1 413 Request Entity Too Large\r\n") : SLICE_EMPTY;
}

size_t reply_render_error(struct worker *w, int status, struct slice fields, bool close,
                          bool no_body, char *out)
{
    struct slice line = error_status_line(status), body = error_body(status);
    char *at = line.len > 0 ? put(out, line) : put_status_line(out, status);
    at = put(at, SLICE("Content-Type: text/plain\r\n"));
    if (close)
        at = put(at, SLICE("Connection: close\r\n"));
    at = put(at, SLICE("Content-Length: "));
    at = put_number(at, body.len);
    at = put(at, SLICE("\r\n"));
    at = put(at, server_line);
    at = put(at, date_line(w));
    at = put(at, fields);
    at = put(at, SLICE("\r\n"));
    if (!no_body)
        at = put(at, body);
    return (size_t)(at - out);
}

void reply_error(struct exchange *x, int status, struct slice fields)
{
    x->step = STEP_REPLY;
    x->status = status;
    x->reply_started = true;
    char *room = conn_write_room(x->conn, REPLY_ERROR_ROOM + fields.len);
    if (room != NULL) {
        size_t len = reply_render_error(x->worker, status, fields, !x->keep_alive, x->is_head,
                                        room);
        conn_write_filled(x->conn, len);
    }
    x->sent = x->is_head ? 0 : error_body(status).len;
    exchange_end(x, EXCHANGE_DONE);
}

void reply_abort(struct exchange *x, int status)
{
    if (!x->reply_started) {
        reply_error(x, status, SLICE_EMPTY);
        return;
    }
    x->keep_alive = false;
    exchange_end(x, EXCHANGE_REPLY_CUT);
}

bool reply_is_full(const struct exchange *x)
{
    return conn_is_full(x->conn);
}

void reply_interim(struct exchange *x, struct slice bytes)
{
    if (!x->reply_started && !x->http_1_0)
        conn_write(x->conn, bytes);
}
