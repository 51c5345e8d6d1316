/* Writing happens once per turn, for all that was queued in it; only a queue that passes its limit
 * in the middle of a turn is written at once. The write watcher is started only when the socket is
 * full, so steady traffic makes no epoll_ctl call. */

#include "node/io/conn_output.h"

#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    WRITE_VECTORS = 64,
    FILE_CHUNK = 2 << 20, /* bytes of one sendfile call: fairness between connections */
    WRITES_PER_TURN = 4,
    HIGH_WATER = 256 << 10, /* producers with a source of their own wait above this */
};

static ssize_t write_file_piece(struct conn *c, int fd, off_t from, uint64_t len)
{
    size_t chunk = len < FILE_CHUNK ? (size_t)len : FILE_CHUNK;
    if (c->transport->sendfile != NULL) {
        ssize_t sent = c->transport->sendfile(c, fd, &from, chunk);
        if (sent == 0) { /* the file is shorter than announced: the answer cannot be completed */
            errno = EIO;
            return -1;
        }
        return sent;
    }
    char bytes[16384];
    ssize_t got = pread(fd, bytes, chunk < sizeof bytes ? chunk : sizeof bytes, from);
    if (got <= 0) {
        errno = got == 0 ? EIO : errno;
        return -1;
    }
    struct iovec vector = {bytes, (size_t)got};
    return c->transport->write(c, &vector, 1);
}

/* Writes the next pieces; bytes, or -1 with errno. *offered: how many it tried. */
static ssize_t write_some(struct conn *c, uint64_t *offered)
{
    int fd;
    off_t from;
    uint64_t len;
    if (outq_head_file(&c->out, &fd, &from, &len)) {
        *offered = len < FILE_CHUNK ? len : FILE_CHUNK;
        return write_file_piece(c, fd, from, len);
    }
    struct iovec vectors[WRITE_VECTORS];
    int count = outq_gather(&c->out, vectors, WRITE_VECTORS);
    *offered = 0;
    for (int i = 0; i < count; i++)
        *offered += vectors[i].iov_len;
    return c->transport->write(c, vectors, count);
}

static void written(struct conn *c, uint64_t len)
{
    outq_written(&c->out, &c->set->out_memory, len);
    c->bytes_written += len;
    c->last_write_s = c->last_ping_s = (uint32_t)(c->set->loop->now_us / 1000000u);
}

/* Above it producers wait; they go on below a quarter of it. */
uint64_t conn_high_water(const struct conn *c)
{
    uint64_t half = c->set->output_limit / 2;
    return half < HIGH_WATER ? half : HIGH_WATER;
}

/* Hands the kernel what it takes, and calls nobody back: safe at any depth. */
void conn_write_out(struct conn *c)
{
    bool blocked = false;
    for (int i = 0; i < WRITES_PER_TURN && !outq_is_empty(&c->out) && !blocked; i++) {
        uint64_t offered;
        ssize_t sent = write_some(c, &offered);
        if (sent > 0)
            written(c, (uint64_t)sent);
        if (sent < 0 && errno != EAGAIN && errno != EINTR) {
            conn_close(c, errno == EIO ? CONN_INTERNAL : CONN_CLIENT_RESET);
            return;
        }
        blocked = sent < 0 ? errno == EAGAIN : (uint64_t)sent < offered;
    }
    bool wants_write = !outq_is_empty(&c->out);
    if (wants_write != c->wants_write) {
        c->wants_write = wants_write;
        conn_update_interest(c);
    }
}

static bool queued(struct conn *c, int result)
{
    if (result != 0) {
        conn_close(c, CONN_NO_MEMORY);
        return false;
    }
    if (outq_memory_held(&c->out) > c->set->output_limit) {
        /* A reader that is merely behind gets one chance to take what the socket has room for. */
        conn_write_out(c);
        if (outq_memory_held(&c->out) > c->set->output_limit)
            conn_close(c, CONN_OUTPUT_LIMIT);
        if (conn_is_closing(c))
            return false;
    }
    if (!c->wants_write || c->was_full)
        loop_at_turn_end(c->set->loop, &c->flush);
    return true;
}

static bool can_write(const struct conn *c)
{
    return !conn_is_closing(c) && !c->close_when_flushed;
}

bool conn_write(struct conn *c, struct slice bytes)
{
    return can_write(c) && queued(c, outq_copy(&c->out, &c->set->out_memory, bytes));
}

bool conn_write_payload(struct conn *c, struct payload *p, size_t from, size_t len)
{
    return can_write(c) && queued(c, outq_share(&c->out, &c->set->out_memory, p, from, len));
}

/* A file costs no memory however long it is: it does not count against the limit. */
bool conn_write_file(struct conn *c, struct file_ref *f, off_t from, uint64_t len)
{
    if (!can_write(c))
        return false;
    if (outq_file(&c->out, &c->set->out_memory, f, from, len) != 0) {
        conn_close(c, CONN_NO_MEMORY);
        return false;
    }
    if (!c->wants_write)
        loop_at_turn_end(c->set->loop, &c->flush);
    return true;
}

void conn_write_mark(struct conn *c, uint64_t number)
{
    if (can_write(c) && outq_mark(&c->out, &c->set->out_memory, number) != 0)
        conn_close(c, CONN_NO_MEMORY);
}

char *conn_write_room(struct conn *c, size_t len)
{
    if (!can_write(c))
        return NULL;
    char *room = outq_room(&c->out, &c->set->out_memory, len);
    if (room == NULL)
        conn_close(c, CONN_NO_MEMORY);
    return room;
}

bool conn_write_filled(struct conn *c, size_t len)
{
    outq_filled(&c->out, &c->set->out_memory, len);
    return queued(c, 0);
}

bool conn_is_full(const struct conn *c)
{
    if (c->out.bytes <= conn_high_water(c))
        return false;
    ((struct conn *)(uintptr_t)c)->was_full = true; /* remembers that someone waits */
    return true;
}
