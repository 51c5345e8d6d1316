/* Heads are rendered straight into the output block, where the body follows when it is small: one
 * block, one write. The Date line is made once a second for all. */

#include "node/exchange/reply.h"

#include "proto/http/date.h"
#include "proto/http/head_writer.h"
#include "proto/http/status_code.h"

#include <stdio.h>
#include <string.h>

enum {
    HEAD_ROOM = 256, /* status line, Date, Server, Connection and framing together, at most */
    FIELDS_INLINED = 1024,
    REASON_MOST = 64, /* bytes; longer phrases of other servers are replaced */
};

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

/* 1xx, 204 and 304 never have a body, nor has the answer to HEAD (RFC 9112 section 6.3). */
static bool has_no_body(const struct exchange *x)
{
    return x->is_head || x->status == 204 || x->status == 304;
}

static void put_framing(struct exchange *x, struct head_writer *h, int64_t length)
{
    if (length >= 0) {
        if (x->status != 204) /* RFC 9110 section 8.6 forbids a length there */
            head_writer_number_field(h, SLICE("Content-Length"), (uint64_t)length);
    } else if (!has_no_body(x)) {
        x->reply_chunked = !x->http_1_0;
        x->keep_alive &= !x->http_1_0; /* then the end of the connection is the end of the body */
        if (x->reply_chunked)
            head_writer_put(h, SLICE("Transfer-Encoding: chunked\r\n"));
    }
}

static void put_connection(const struct exchange *x, struct head_writer *h)
{
    if (!x->keep_alive)
        head_writer_put(h, SLICE("Connection: close\r\n"));
    else if (x->http_1_0)
        head_writer_put(h, SLICE("Connection: keep-alive\r\n"));
}

static void put_status_line(struct head_writer *h, int status, struct slice reason)
{
    head_writer_put(h, SLICE("HTTP/1.1 "));
    head_writer_number(h, (uint64_t)status);
    head_writer_char(h, ' ');
    head_writer_put(h, reason.len <= REASON_MOST ? reason : status_code_reason(status));
    head_writer_put(h, SLICE("\r\n"));
}

/* The client is told in the answer what will happen to the connection. */
static void close_if_unread(struct exchange *x)
{
    if (x->closes_if_unread && !x->expects_body)
        x->keep_alive = false;
}

/* Whether the client can find the end of the body decides keep-alive, so framing is put before
 * Connection. `server`: our own line, or empty. */
static void begin(struct exchange *x, const struct reply_relayed *r, struct slice server)
{
    x->step = STEP_REPLY;
    x->status = r->status;
    x->reply_started = true;
    x->reply_length = r->length;
    close_if_unread(x);
    bool inlined = r->fields.len <= FIELDS_INLINED;
    size_t room = HEAD_ROOM + (inlined ? r->fields.len : 0);
    char *at = conn_write_room(x->conn, room);
    if (at == NULL)
        return;
    struct head_writer h = head_writer_on(at, room);
    put_status_line(&h, r->status, r->reason);
    if (!r->has_date)
        head_writer_put(&h, date_line(x->worker));
    if (inlined) {
        head_writer_put(&h, r->fields);
    } else {
        conn_write_filled(x->conn, head_writer_bytes(&h).len);
        conn_write(x->conn, r->fields);
        if ((at = conn_write_room(x->conn, HEAD_ROOM)) == NULL)
            return;
        h = head_writer_on(at, HEAD_ROOM);
    }
    put_framing(x, &h, r->length);
    head_writer_put(&h, server);
    put_connection(x, &h);
    head_writer_put(&h, SLICE("\r\n"));
    conn_write_filled(x->conn, head_writer_bytes(&h).len);
}

void reply_begin(struct exchange *x, int status, struct slice fields, int64_t length)
{
    struct reply_relayed own = {
        .status = status,
        .reason = status_code_reason(status),
        .fields = fields,
        .length = length,
    };
    begin(x, &own, server_line);
}

void reply_begin_relayed(struct exchange *x, const struct reply_relayed *r)
{
    begin(x, r, SLICE_EMPTY);
}

void reply_switch(struct exchange *x, struct slice reason, struct slice fields)
{
    x->step = STEP_REPLY;
    x->status = 101;
    x->reply_started = true;
    x->keep_alive = false;
    char line[HEAD_ROOM];
    struct head_writer h = head_writer_on(line, sizeof line);
    put_status_line(&h, 101, reason);
    head_writer_put(&h, SLICE("Connection: upgrade\r\n"));
    conn_write(x->conn, head_writer_bytes(&h));
    conn_write(x->conn, fields);
    conn_write(x->conn, SLICE("\r\n"));
}

static bool begin_piece(struct exchange *x, uint64_t len)
{
    if (has_no_body(x) || len == 0)
        return false;
    x->sent += len;
    if (x->reply_chunked) {
        char size[24];
        struct head_writer h = head_writer_on(size, sizeof size);
        head_writer_chunk_size(&h, len);
        conn_write(x->conn, head_writer_bytes(&h));
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

size_t reply_render_error(struct worker *w, int status, struct slice fields, bool close,
                          bool no_body, char *out)
{
    struct slice body = error_body(status);
    struct head_writer h = head_writer_on(out, REPLY_ERROR_ROOM + fields.len);
    if (status == 413)
        head_writer_put(&h, SLICE("HTTP/1.1 413 Request Entity Too Large\r\n"));
    else
        head_writer_status_line(&h, status);
    head_writer_put(&h, SLICE("Content-Type: text/plain\r\n"));
    if (close)
        head_writer_put(&h, SLICE("Connection: close\r\n"));
    head_writer_number_field(&h, SLICE("Content-Length"), body.len);
    head_writer_put(&h, server_line);
    head_writer_put(&h, date_line(w));
    head_writer_put(&h, fields);
    head_writer_put(&h, SLICE("\r\n"));
    if (!no_body)
        head_writer_put(&h, body);
    return head_writer_bytes(&h).len;
}

void reply_error(struct exchange *x, int status, struct slice fields)
{
    x->step = STEP_REPLY;
    x->status = status;
    x->reply_started = true;
    x->keep_alive = x->keep_alive && !x->http_1_0; /* such answers never say keep-alive */
    close_if_unread(x);
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
