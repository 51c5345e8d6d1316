/* One job at a time is with the side thread. What comes meanwhile is collected and becomes the next
 * job, so that the pieces grow with the time that a write takes, and a disk that keeps up costs a
 * client nothing. */

#include "node/exchange/upload_file.h"

#include "proto/base/buf.h"
#include "proto/base/failpoint.h"
#include "proto/base/log.h"
#include "proto/link/evwork.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COLLECT_MOST = 128 << 10 };

struct upload_file {
    struct evwork_job job;
    struct worker *worker;
    const struct upload_file_events *events;
    void *arg;
    struct buf collected; /* the loop's */
    bool busy;            /* the job is with the side thread, and so is all below */
    bool is_open;         /* `opened` was called */
    bool wants_room;      /* a write was the last for now */
    bool finishing;
    bool discarded;
    struct buf writing;
    unsigned mode;
    int fd;    /* -1: not open */
    int error; /* errno of what failed; the file is then removed */
    bool last; /* close behind this write */
    char path[];
};

/* --- on the side thread --- */

static void give_up(struct upload_file *f, int error)
{
    f->error = error;
    if (f->fd < 0)
        return;
    close(f->fd);
    f->fd = -1;
    unlink(f->path);
}

static void run_open(struct evwork_job *job)
{
    struct upload_file *f = container_of(job, struct upload_file, job);
    f->fd = mkostemp(f->path, O_CLOEXEC);
    if (f->fd < 0)
        f->error = errno;
    else if (fchmod(f->fd, f->mode) != 0)
        give_up(f, errno);
}

static ssize_t write_some(int fd, struct slice bytes)
{
    int error = FAILPOINT_ERROR("upload.write");
    if (error == 0)
        return write(fd, bytes.ptr, bytes.len);
    errno = error;
    return -1;
}

static void run_write(struct evwork_job *job)
{
    struct upload_file *f = container_of(job, struct upload_file, job);
    struct slice left = buf_slice(&f->writing);
    while (left.len > 0 && f->error == 0) {
        ssize_t done = write_some(f->fd, left);
        if (done >= 0)
            left = slice_from(left, (size_t)done);
        else if (errno != EINTR)
            f->error = errno;
    }
    if (f->error != 0) {
        give_up(f, f->error);
    } else if (f->last) { /* some file systems tell only now that there was no room */
        int fd = f->fd;
        f->fd = -1;
        if (close(fd) != 0 && errno != EINTR) {
            f->error = errno;
            unlink(f->path);
        }
    }
}

static void run_remove(struct evwork_job *job)
{
    struct upload_file *f = container_of(job, struct upload_file, job);
    if (f->fd >= 0)
        close(f->fd);
    unlink(f->path);
}

/* --- on the loop --- */

static void destroy(struct upload_file *f)
{
    buf_fini(&f->collected);
    buf_fini(&f->writing);
    free(f);
}

static void on_removed(struct evwork_job *job)
{
    destroy(container_of(job, struct upload_file, job));
}

static void submit(struct upload_file *f, void (*run)(struct evwork_job *),
                   void (*done)(struct evwork_job *))
{
    f->busy = true;
    f->job.run = run;
    f->job.done = done;
    evwork_submit(f->worker->uploads, &f->job);
}

static void remove_it(struct upload_file *f)
{
    if (f->error != 0) /* it is gone already */
        destroy(f);
    else
        submit(f, run_remove, on_removed);
}

static void report_failure(struct upload_file *f)
{
    static struct log_limit limit;
    bool is_full = f->error == ENOSPC || f->error == EDQUOT || f->error == EFBIG;
    f->worker->counters.upload_errors++;
    log_limited(&limit, LOG_ERROR_LEVEL, "upload", "cannot store an upload: %s path=%s",
                strerror(f->error), f->path);
    f->events->failed(f->arg, is_full ? 507 : 500);
}

static void on_written(struct evwork_job *job);

static void write_collected(struct upload_file *f)
{
    struct buf collected = f->collected;
    f->collected = f->writing;
    f->writing = collected;
    buf_clear(&f->collected);
    f->last = f->finishing;
    if (f->writing.failed)
        f->error = ENOMEM;
    submit(f, run_write, on_written);
}

static void on_written(struct evwork_job *job)
{
    struct upload_file *f = container_of(job, struct upload_file, job);
    f->busy = false;
    if (f->discarded) {
        remove_it(f);
    } else if (f->error != 0) {
        report_failure(f);
    } else if (f->last) {
        f->events->stored(f->arg);
    } else {
        bool had_no_room = f->wants_room;
        f->wants_room = false;
        if (f->collected.len > 0 || f->finishing)
            write_collected(f);
        if (had_no_room)
            f->events->room(f->arg);
    }
}

static void on_opened(struct evwork_job *job)
{
    struct upload_file *f = container_of(job, struct upload_file, job);
    f->busy = false;
    if (f->discarded) {
        remove_it(f);
    } else if (f->error != 0) {
        report_failure(f);
    } else {
        f->is_open = true;
        f->events->opened(f->arg);
    }
}

struct upload_file *upload_file_open(struct worker *w, const char *pattern, unsigned mode,
                                     const struct upload_file_events *events, void *arg)
{
    struct error e;
    size_t len = strlen(pattern) + 1;
    if (w->uploads == NULL && evwork_create(&w->uploads, w->loop.ev, &e) != 0)
        return NULL;
    struct upload_file *f = calloc(1, sizeof *f + len);
    if (f == NULL)
        return NULL;
    f->worker = w;
    f->events = events;
    f->arg = arg;
    f->mode = mode;
    f->fd = -1;
    memcpy(f->path, pattern, len);
    submit(f, run_open, on_opened);
    return f;
}

struct slice upload_file_path(const struct upload_file *f)
{
    return slice_str(f->path);
}

bool upload_file_write(struct upload_file *f, struct slice bytes)
{
    BUG_ON(!f->is_open || f->finishing);
    buf_append_slice(&f->collected, bytes);
    if (!f->busy)
        write_collected(f);
    f->wants_room = f->collected.len >= COLLECT_MOST || f->collected.failed;
    return !f->wants_room;
}

void upload_file_finish(struct upload_file *f)
{
    f->finishing = true;
    if (!f->busy)
        write_collected(f);
}

void upload_file_keep(struct upload_file *f)
{
    BUG_ON(f->busy || f->fd >= 0);
    destroy(f);
}

void upload_file_discard(struct upload_file *f)
{
    if (f == NULL)
        return;
    f->discarded = true;
    if (!f->busy)
        remove_it(f);
}
