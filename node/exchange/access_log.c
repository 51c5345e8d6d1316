/* Line format of upstream: a tnetstring list of nine elements and LF. The length of the list is
 * known only at its end, so the elements are built first, behind room for the length. */

#include "node/exchange/access_log.h"

#include "node/io/loop.h"
#include "proto/base/buf.h"
#include "proto/base/log.h"
#include "proto/wire/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BATCH = 32 << 10, MOST = 1 << 20 };
static const double flush_s = 1.0;

struct access_log {
    struct loop *loop;
    struct ev_timer timer;
    struct buf lines;
    struct buf line; /* the one being built */
    struct log_limit complaint;
    int fd;
    bool json;
    char path[];
};

static void append_string(struct buf *b, struct slice s)
{
    buf_append_uint(b, s.len);
    buf_append_char(b, ':');
    buf_append_slice(b, s);
    buf_append_char(b, ',');
}

static void append_number(struct buf *b, int64_t n)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%lld", (long long)n);
    buf_append_uint(b, (uint64_t)len);
    buf_append_char(b, ':');
    buf_append(b, digits, (size_t)len);
    buf_append_char(b, '#');
}

static void append_tnetstring(struct access_log *log, const struct access_entry *a)
{
    struct buf *b = &log->line;
    buf_clear(b);
    append_string(b, a->host);
    append_string(b, a->peer);
    append_number(b, a->peer_port);
    append_number(b, log->loop->wall_s);
    append_string(b, a->method);
    append_string(b, a->path);
    append_string(b, a->version);
    append_number(b, a->status);
    append_number(b, a->size);
    buf_append_uint(&log->lines, b->len);
    buf_append_char(&log->lines, ':');
    buf_append_slice(&log->lines, buf_slice(b));
    buf_append_str(&log->lines, "]\n");
}

static void append_json_field(struct buf *b, const char *name, struct slice value)
{
    buf_printf(b, ",\"%s\":", name);
    json_put_string(b, value);
}

static void append_json(struct access_log *log, const struct access_entry *a)
{
    struct buf *b = &log->lines;
    buf_printf(b, "{\"time\":%lld", (long long)log->loop->wall_s);
    append_json_field(b, "host", a->host);
    append_json_field(b, "peer", a->peer);
    buf_printf(b, ",\"port\":%u", a->peer_port);
    append_json_field(b, "method", a->method);
    append_json_field(b, "path", a->path);
    append_json_field(b, "version", a->version);
    buf_printf(b, ",\"status\":%d,\"size\":%lld,\"duration_us\":%llu}\n", a->status,
               (long long)a->size, (unsigned long long)a->duration_us);
}

void access_log_write(struct access_log *log, const struct access_entry *entry)
{
    if (log == NULL)
        return;
    if (log->json)
        append_json(log, entry);
    else
        append_tnetstring(log, entry);
    if (log->lines.len >= BATCH)
        access_log_flush(log);
    else if (!ev_is_active(&log->timer))
        ev_timer_start(log->loop->ev, &log->timer);
}

void access_log_flush(struct access_log *log)
{
    if (log == NULL || (log->lines.len == 0 && !log->lines.failed))
        return;
    ssize_t done = write(log->fd, log->lines.data, log->lines.len);
    if (done < 0 || log->lines.failed)
        log_limited(&log->complaint, LOG_WARN_LEVEL, "access_log",
                    "can't write %s: %s; lines are lost", log->path,
                    log->lines.failed ? "out of memory" : strerror(errno));
    if (done > 0 && (size_t)done < log->lines.len)
        buf_consume(&log->lines, (size_t)done); /* a full disk took a part: try the rest later */
    else
        buf_clear(&log->lines);
}

static void on_timer(struct ev_loop *ev, struct ev_timer *t, int events)
{
    (void)events;
    struct access_log *log = container_of(t, struct access_log, timer);
    ev_timer_stop(ev, t);
    ev_timer_set(t, flush_s, 0);
    access_log_flush(log);
}

static int open_file(const char *path, struct error *e)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    return fd >= 0 ? fd : error_set_errno(e, "Can't open the access log %s", path);
}

struct access_log *access_log_open(struct loop *loop, const char *path, bool json, struct error *e)
{
    int fd = open_file(path, e);
    if (fd < 0)
        return NULL;
    struct access_log *log = calloc(1, sizeof *log + strlen(path) + 1);
    if (log == NULL) {
        close(fd);
        error_set(e, ERROR_NO_MEMORY, "Out of memory.");
        return NULL;
    }
    log->loop = loop;
    log->fd = fd;
    log->json = json;
    log->lines.max = MOST;
    strcpy(log->path, path);
    ev_timer_init(&log->timer, on_timer, flush_s, 0);
    return log;
}

void access_log_close(struct access_log *log)
{
    if (log == NULL)
        return;
    access_log_flush(log);
    ev_timer_stop(log->loop->ev, &log->timer);
    close(log->fd);
    buf_fini(&log->lines);
    buf_fini(&log->line);
    free(log);
}

int access_log_reopen(struct access_log *log, struct error *e)
{
    access_log_flush(log);
    int fd = open_file(log->path, e);
    if (fd < 0)
        return -1;
    close(log->fd);
    log->fd = fd;
    return 0;
}

const char *access_log_path(const struct access_log *log)
{
    return log->path;
}
