/* The lock is flock(2) on a file of its own, so that it ends with the process, however that ends.
 */

#include "node/cluster/state_dir.h"

#include "proto/base/buf.h"
#include "proto/base/uuid.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

void state_dir_file(const struct state_dir *d, const char *name, char out[STATE_PATH_MAX])
{
    snprintf(out, STATE_PATH_MAX, "%s/%s", d->path, name);
}

static int write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t done = write(fd, bytes, len);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return -1;
        bytes += done;
        len -= (size_t)done;
    }
    return fsync(fd);
}

static int sync_directory(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int result = fsync(fd);
    close(fd);
    return result;
}

int state_dir_write(const struct state_dir *d, const char *name, const void *bytes, size_t len,
                    struct error *e)
{
    char path[STATE_PATH_MAX], temporary[STATE_PATH_MAX + 8];
    state_dir_file(d, name, path);
    snprintf(temporary, sizeof temporary, "%s.new", path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set_errno(e, "Can't write %s", temporary);
    int result = write_all(fd, bytes, len);
    if (result != 0)
        error_set_errno(e, "Can't write %s", temporary);
    close(fd);
    if (result == 0 && (rename(temporary, path) != 0 || sync_directory(d->path) != 0))
        result = error_set_errno(e, "Can't put %s in place", path);
    if (result != 0)
        unlink(temporary);
    return result;
}

static int lock(struct state_dir *d, struct error *e)
{
    char path[STATE_PATH_MAX];
    state_dir_file(d, "lock", path);
    d->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (d->lock_fd < 0)
        return error_set_errno(e, "Can't open %s", path);
    if (flock(d->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? error_set(e, ERROR_EXISTS,
                                                "Another node uses the state directory %s; give "
                                                "this one a -state of its own.",
                                                d->path)
                                    : error_set_errno(e, "Can't lock %s", path);
    return 0;
}

int state_dir_read_uuid(const struct state_dir *d, const char *name, char out[37])
{
    char path[STATE_PATH_MAX];
    state_dir_file(d, name, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, out, UUID_LEN) : -1;
    if (fd >= 0)
        close(fd);
    out[got == UUID_LEN ? UUID_LEN : 0] = '\0';
    if (uuid_is_valid(slice_str(out)))
        return 0;
    out[0] = '\0';
    return -1;
}

static int settle_uuid(struct state_dir *d, const char *uuid, struct error *e)
{
    bool kept = state_dir_read_uuid(d, "uuid", d->uuid) == 0;
    if (uuid != NULL && !uuid_is_valid(slice_str(uuid)))
        return error_set(e, ERROR_USAGE, "\"%s\" is no UUID.", uuid);
    if (uuid == NULL && kept)
        return 0;
    if (uuid != NULL && kept && strcmp(uuid, d->uuid) == 0)
        return 0;
    if (uuid != NULL)
        snprintf(d->uuid, sizeof d->uuid, "%s", uuid);
    else if (uuid_generate(d->uuid, e) != 0)
        return -1;
    return state_dir_write(d, "uuid", d->uuid, UUID_LEN, e);
}

int state_dir_open(struct state_dir *d, const char *path, const char *uuid, struct error *e)
{
    *d = (struct state_dir){.lock_fd = -1};
    if (snprintf(d->path, sizeof d->path, "%s", path) >= (int)sizeof d->path)
        return error_set(e, ERROR_USAGE, "The state directory's path is too long.");
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return error_set_errno(e, "Can't make the state directory %s", path);
    if (lock(d, e) != 0 || settle_uuid(d, uuid, e) != 0) {
        state_dir_close(d);
        return -1;
    }
    return 0;
}

void state_dir_close(struct state_dir *d)
{
    if (d->lock_fd >= 0)
        close(d->lock_fd);
    d->lock_fd = -1;
}

int state_dir_read(const struct state_dir *d, const char *name, size_t most, struct buf *out,
                   struct error *e)
{
    char path[STATE_PATH_MAX], block[4096];
    size_t n;
    state_dir_file(d, name, path);
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return errno == ENOENT ? 0 : error_set_errno(e, "Cannot read %s", path);
    while ((n = fread(block, 1, sizeof block, f)) > 0 && out->len <= most)
        buf_append(out, block, n);
    int result = ferror(f) ? error_set_errno(e, "Cannot read %s", path) : 0;
    fclose(f);
    if (result == 0 && out->failed)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    if (result == 0 && out->len > most)
        return error_set(e, ERROR_TOO_LARGE, "%s has more than %zu bytes.", path, most);
    return result;
}
