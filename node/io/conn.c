/* Level-triggered reading, one read(2) per turn: what is left in the socket wakes the loop again,
 * and no connection can starve the others. How output leaves is in conn_output.c. */

#include "node/io/conn.h"

#include "node/io/conn_output.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct conn_buffer {
    uint32_t from; /* first unconsumed byte */
    uint32_t end;
    char data[];
};

enum {
    SPARE_CONNS = 1024,
    SPARE_BUFFERS = 256,
    FLUSH_MS = 30000, /* pause in which the peer may take none of the last bytes */
    LINGER_MS = 2000, /* time for the peer to read the end before a reset could hit it */
};

static const char *const reason_texts[CONN_REASON_COUNT] = {
    [CONN_OPEN] = "open",
    [CONN_CLIENT_CLOSED] = "client closed",
    [CONN_CLIENT_RESET] = "client reset",
    [CONN_DONE] = "done",
    [CONN_HANDLER_CLOSED] = "handler closed",
    [CONN_PROTOCOL_ERROR] = "protocol error",
    [CONN_TIMEOUT] = "timed out",
    [CONN_OUTPUT_LIMIT] = "unread output over limit",
    [CONN_KILLED] = "killed",
    [CONN_DRAINED] = "drained",
    [CONN_FILTERED] = "closed by a filter",
    [CONN_NO_MEMORY] = "out of memory",
    [CONN_INTERNAL] = "internal error",
};

const char *conn_reason_text(enum conn_reason reason)
{
    return (unsigned)reason < CONN_REASON_COUNT ? reason_texts[reason] : "unknown";
}

static uint32_t loop_seconds(const struct loop *l)
{
    return (uint32_t)(l->now_us / 1000000u);
}

/* The watcher's interest follows the state; libev tells the kernel once per turn at most. */
void conn_update_interest(struct conn *c)
{
    if (conn_is_closing(c))
        return;
    int want = (c->reading_paused || c->input_ended ? 0 : EV_READ) |
               (c->wants_write || (c->read_wants_write && !c->reading_paused) ? EV_WRITE : 0);
    if (want == (c->io.events & (EV_READ | EV_WRITE)) && ev_is_active(&c->io) == (want != 0))
        return;
    struct ev_loop *ev = c->set->loop->ev;
    ev_io_stop(ev, &c->io);
    ev_io_set(&c->io, c->io.fd, want);
    if (want != 0)
        ev_io_start(ev, &c->io);
}

static void release_buffer(struct conn *c)
{
    freelist_give(&c->set->buffer_memory, c->in);
    c->in = NULL;
}

static void conn_free(struct conn *c)
{
    struct conns *set = c->set;
    list_remove(&c->link);
    deadline_clear(&c->deadline); /* closed() may have set it once more */
    set->count--;
    if (set->on_closed != NULL)
        set->on_closed(set, c);
    if (c->transport->close != NULL)
        c->transport->close(c);
    close(c->io.fd);
    if (c->in != NULL)
        release_buffer(c);
    freelist_give(&set->conn_memory, c);
}

/* The flush task doubles as the way out: a closing connection is freed by its last task, when no
 * callback or other task can still hold it. */
static void conn_finish(struct conn *c)
{
    const struct session_ops *session = c->session;
    c->session = NULL;
    if (session != NULL && session->closed != NULL)
        session->closed(c);
    conn_free(c);
}

static void stop_watching_end(struct conn *c)
{
    if (!c->end_watched)
        return;
    c->end_watched = false;
    hangups_remove(&c->set->hangups, c->io.fd);
}

void conn_close(struct conn *c, enum conn_reason reason)
{
    if (conn_is_closing(c))
        return;
    stop_watching_end(c);
    c->reason = (uint8_t)reason;
    ev_io_stop(c->set->loop->ev, &c->io);
    deadline_clear(&c->deadline);
    outq_clear(&c->out, &c->set->out_memory);
    loop_at_turn_end(c->set->loop, &c->flush);
}

/* All is written: shut our direction down and give the peer a moment to read it, since closing a
 * socket with unread input sends a reset that can destroy what was just sent (RFC 9112
 * section 9.6). */
static void begin_linger(struct conn *c)
{
    if (c->input_ended) {
        conn_close(c, CONN_DONE);
        return;
    }
    if (c->transport->end != NULL && c->transport->end(c) != 0) { /* in vain for now */
        c->wants_write = true;
        conn_update_interest(c);
        return;
    }
    shutdown(c->io.fd, SHUT_WR);
    c->reading_paused = false;
    conn_update_interest(c);
    deadline_set(c->set->deadlines, &c->deadline, LINGER_MS);
}

void conn_close_after_flush(struct conn *c)
{
    if (conn_is_closing(c) || c->close_when_flushed)
        return;
    c->close_when_flushed = true;
    c->input_wake = false;
    stop_watching_end(c);
    deadline_set(c->set->deadlines, &c->deadline, FLUSH_MS);
    loop_at_turn_end(c->set->loop, &c->flush);
}

void conn_end_output(struct conn *c)
{
    if (conn_is_closing(c) || c->close_when_flushed)
        return;
    c->end_when_flushed = true;
    loop_at_turn_end(c->set->loop, &c->flush);
}

static void flush(struct conn *c)
{
    conn_write_out(c);
    if (conn_is_closing(c))
        return;
    if (outq_is_empty(&c->out) && c->close_when_flushed) {
        begin_linger(c);
        return;
    }
    if (outq_is_empty(&c->out) && c->end_when_flushed) {
        c->end_when_flushed = false;
        shutdown(c->io.fd, SHUT_WR);
    }
    if (c->was_full && c->out.bytes <= conn_high_water(c) / 4) {
        c->was_full = false;
        if (c->session->drained != NULL)
            c->session->drained(c);
        if (c->input_wake)
            loop_at_turn_end(c->set->loop, &c->flush);
    }
}

/* Pipelined requests are served here one after the other, so that their answers leave together. */
static void serve_buffered_input(struct conn *c)
{
    while (c->input_wake && !conn_is_closing(c) && !c->close_when_flushed && !conn_is_full(c)) {
        c->input_wake = false;
        c->session->input(c);
    }
}

static void release_empty_buffer(struct conn *c)
{
    if (c->in != NULL && !c->input_pinned && (c->in->from == c->in->end || c->close_when_flushed))
        release_buffer(c);
}

/* --- reading --- */

static ssize_t read_some(struct conn *c, void *into, size_t room)
{
    bool wanted_write = c->read_wants_write;
    c->read_wants_write = false;
    ssize_t got = c->transport->read(c, into, room);
    if (c->read_wants_write != wanted_write)
        conn_update_interest(c);
    return got;
}

static bool has_pending(const struct conn *c)
{
    return c->transport->has_pending != NULL && c->transport->has_pending(c);
}

/* The peer's end while it still takes our last bytes is no reason to keep them from it. */
static void discard_input(struct conn *c)
{
    char sink[4096];
    ssize_t got = read_some(c, sink, sizeof sink);
    if (got == 0 && !outq_is_empty(&c->out)) {
        c->input_ended = true;
        conn_update_interest(c);
    } else if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
        conn_close(c, CONN_DONE);
    }
}

static bool ensure_buffer(struct conn *c)
{
    struct conn_buffer *b = c->in;
    if (b == NULL) {
        b = freelist_take(&c->set->buffer_memory);
        if (b == NULL)
            return false;
        b->from = b->end = 0;
        c->in = b;
    } else if (b->from > 0 && b->end == c->set->buffer_size && !c->input_pinned) {
        memmove(b->data, b->data + b->from, b->end - b->from);
        b->end -= b->from;
        b->from = 0;
    }
    return true;
}

static void input_ended(struct conn *c)
{
    c->input_ended = true;
    conn_update_interest(c);
    if (c->session->input_end != NULL)
        c->session->input_end(c);
    else
        conn_close(c, CONN_CLIENT_CLOSED);
}

static void receive(struct conn *c)
{
    if (!ensure_buffer(c)) {
        conn_close(c, CONN_NO_MEMORY);
        return;
    }
    struct conn_buffer *b = c->in;
    size_t room = c->set->buffer_size - b->end;
    if (room == 0) { /* nobody consumes: stop until someone does */
        conn_pause(c);
        return;
    }
    ssize_t got = read_some(c, b->data + b->end, room);
    if (got > 0) {
        b->end += (uint32_t)got;
        c->bytes_read += (uint64_t)got;
        c->last_read_s = c->last_ping_s = loop_seconds(c->set->loop);
        c->session->input(c);
    } else if (got == 0) {
        input_ended(c);
    } else if (errno != EAGAIN && errno != EINTR) {
        conn_close(c, errno == EPROTO   ? CONN_PROTOCOL_ERROR
                      : errno == ENOMEM ? CONN_NO_MEMORY
                                        : CONN_CLIENT_RESET);
    }
    if (!conn_is_closing(c))
        release_empty_buffer(c);
}

static bool may_read(const struct conn *c)
{
    return !conn_is_closing(c) && !c->reading_paused && !c->input_ended;
}

static void read_once(struct conn *c)
{
    if (c->close_when_flushed)
        discard_input(c);
    else
        receive(c);
    if (may_read(c) && has_pending(c))
        loop_at_turn_end(c->set->loop, &c->flush);
}

static void on_event(struct ev_loop *ev, struct ev_io *io, int events)
{
    (void)ev;
    struct conn *c = container_of(io, struct conn, io);
    bool readable = (events & EV_READ) || ((events & EV_WRITE) && c->read_wants_write);
    if (events & EV_WRITE)
        loop_at_turn_end(c->set->loop, &c->flush);
    if (readable && may_read(c))
        read_once(c);
}

/* What the transport has ready is read here, for no event tells of it; there is an end to it, since
 * a transport has no more ready than fits its buffers. */
static void on_flush(struct loop_task *task)
{
    struct conn *c = container_of(task, struct conn, flush);
    if (may_read(c) && has_pending(c))
        read_once(c);
    serve_buffered_input(c);
    if (!conn_is_closing(c))
        flush(c);
    if (!conn_is_closing(c))
        release_empty_buffer(c);
    if (conn_is_closing(c)) {
        loop_task_cancel(&c->flush);
        conn_finish(c);
    }
}

/* As long as the peer takes something it may take as long as it needs. */
static bool flush_goes_on(struct conn *c)
{
    uint64_t since_ms = 1000u * (uint64_t)(loop_seconds(c->set->loop) - c->last_write_s);
    if (outq_is_empty(&c->out) || since_ms >= FLUSH_MS)
        return false;
    deadline_set(c->set->deadlines, &c->deadline, FLUSH_MS - since_ms);
    return true;
}

static bool is_open(const struct conn *c)
{
    return c->transport->is_open == NULL || c->transport->is_open(c);
}

/* A transport that has opened in time leaves its deadline to the session, which finds that it comes
 * early and sets its own. */
static void on_deadline(struct deadline *d)
{
    struct conn *c = container_of(d, struct conn, deadline);
    if (!is_open(c)) {
        if (c->set->timeouts != NULL)
            (*c->set->timeouts)++;
        conn_close(c, CONN_TIMEOUT);
        return;
    }
    if (c->close_when_flushed && flush_goes_on(c))
        return;
    if (c->close_when_flushed || c->session->timeout == NULL)
        conn_close(c, c->close_when_flushed ? CONN_DONE : CONN_TIMEOUT);
    else
        c->session->timeout(c);
}

struct slice conn_input(const struct conn *c)
{
    return c->in != NULL ? slice_of(c->in->data + c->in->from, c->in->end - c->in->from)
                         : SLICE_EMPTY;
}

char *conn_input_mutable(struct conn *c)
{
    return c->in->data + c->in->from;
}

void conn_consume(struct conn *c, size_t len)
{
    if (c->in != NULL)
        c->in->from += (uint32_t)len;
}

bool conn_input_is_full(const struct conn *c)
{
    return c->in != NULL && c->in->end - c->in->from == c->set->buffer_size;
}

bool conn_has_unread(const struct conn *c)
{
    int count = 0;
    return has_pending(c) || (ioctl(c->io.fd, FIONREAD, &count) == 0 && count > 0);
}

void conn_pause(struct conn *c)
{
    if (c->reading_paused)
        return;
    c->reading_paused = true;
    conn_update_interest(c);
}

void conn_resume(struct conn *c)
{
    if (!c->reading_paused || conn_is_closing(c))
        return;
    stop_watching_end(c);
    c->reading_paused = false;
    conn_update_interest(c);
    if (has_pending(c))
        loop_at_turn_end(c->set->loop, &c->flush);
}

void conn_watch_end(struct conn *c)
{
    if (c->end_watched || !c->reading_paused || c->close_when_flushed || conn_is_closing(c))
        return;
    c->end_watched = hangups_add(&c->set->hangups, c->io.fd, c) == 0;
}

static void on_peer_gone(void *owner, bool broken)
{
    struct conn *c = owner;
    stop_watching_end(c);
    if (conn_is_closing(c))
        return;
    if (broken)
        conn_close(c, CONN_CLIENT_RESET);
    else
        input_ended(c);
}

void conn_pin(struct conn *c)
{
    c->input_pinned = true;
}

void conn_unpin(struct conn *c)
{
    c->input_pinned = false;
    if (c->reading_paused)
        conn_resume(c);
}

void conn_wake(struct conn *c)
{
    c->input_wake = true;
    loop_at_turn_end(c->set->loop, &c->flush);
}

/* --- the set --- */

void conns_init(struct conns *set, struct loop *loop, struct deadlines *deadlines,
                size_t buffer_size)
{
    *set = (struct conns){.loop = loop, .deadlines = deadlines};
    set->buffer_size = buffer_size;
    set->output_limit = 1u << 20;
    set->transport = &transport_plain;
    list_init(&set->all);
    freelist_init(&set->conn_memory, sizeof(struct conn), SPARE_CONNS);
    freelist_init(&set->buffer_memory, sizeof(struct conn_buffer) + buffer_size, SPARE_BUFFERS);
    outq_memory_init(&set->out_memory);
    hangups_init(&set->hangups, loop->ev, on_peer_gone);
}

void conns_fini(struct conns *set)
{
    list_for_each_safe (it, &set->all) {
        struct conn *c = container_of(it, struct conn, link);
        conn_close(c, CONN_DRAINED);
        loop_task_cancel(&c->flush);
        conn_finish(c);
    }
    hangups_fini(&set->hangups);
    freelist_fini(&set->conn_memory);
    freelist_fini(&set->buffer_memory);
    outq_memory_fini(&set->out_memory);
}

struct conn *conn_create(struct conns *set, int fd, const union conn_address *peer,
                         const struct session_ops *session)
{
    struct conn *c = freelist_take(&set->conn_memory);
    if (c == NULL) {
        close(fd);
        return NULL;
    }
    memset(c, 0, sizeof *c);
    c->set = set;
    c->session = session;
    c->transport = set->proxy_protocol ? &transport_proxied : set->transport;
    c->peer = *peer;
    c->opened_s = c->last_ping_s = loop_seconds(set->loop);
    loop_task_init(&c->flush, on_flush);
    deadline_init(&c->deadline, on_deadline);
    list_push_back(&set->all, &c->link);
    set->count++;
    set->total_opened++;
    ev_io_init(&c->io, on_event, fd, EV_READ);
    ev_io_start(set->loop->ev, &c->io);
    if (c->transport->open != NULL && c->transport->open(c) != 0)
        conn_close(c, CONN_NO_MEMORY);
    if (session->opened != NULL)
        session->opened(c);
    if (!conn_is_closing(c) && set->open_timeout_ms > 0 && !is_open(c))
        deadline_set(set->deadlines, &c->deadline, set->open_timeout_ms);
    if (set->on_opened != NULL)
        set->on_opened(set, c);
    return c;
}

size_t conn_peer_text(const struct conn *c, char out[46])
{
    const void *address = c->peer.sa.sa_family == AF_INET    ? (const void *)&c->peer.in.sin_addr
                          : c->peer.sa.sa_family == AF_INET6 ? (const void *)&c->peer.in6.sin6_addr
                                                             : NULL;
    if (address == NULL || inet_ntop(c->peer.sa.sa_family, address, out, 46) == NULL)
        strcpy(out, "unix");
    return strlen(out);
}

unsigned conn_peer_port(const struct conn *c)
{
    if (c->peer.sa.sa_family == AF_INET)
        return ntohs(c->peer.in.sin_port);
    return c->peer.sa.sa_family == AF_INET6 ? ntohs(c->peer.in6.sin6_port) : 0;
}
