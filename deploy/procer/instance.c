/* The lock is on the open file, not on the name: whoever gets it must look whether the name still
 * leads to that file, or has been removed by the one before. */

#include "deploy/procer/instance.h"

#include "deploy/procer/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_same_file(int fd, const char *path)
{
    struct stat opened, named;
    return fstat(fd, &opened) == 0 && stat(path, &named) == 0 && opened.st_ino == named.st_ino &&
           opened.st_dev == named.st_dev;
}

static int open_locked(const char *path, struct error *e)
{
    for (;;) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0644);
        if (fd < 0)
            return error_set_errno(e, "Can't open the pid file %s", path);
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            close(fd);
            return error_set(e, ERROR_EXISTS, "procer is already running: %s is locked.", path);
        }
        if (is_same_file(fd, path))
            return fd;
        close(fd);
    }
}

/* A procer that knows no lock may have written it: Mongrel2's own. */
static int check_living(const char *path, struct error *e)
{
    struct proc other;
    if (proc_read_file(path, &other) != PROC_FILE_LIVE || other.pid == getpid())
        return 0;
    return error_set(e, ERROR_EXISTS, "Process %d is still running, shut it down first (%s).",
                     (int)other.pid, path);
}

int instance_open(struct instance *i, const char *path, struct error *e)
{
    *i = (struct instance){.fd = open_locked(path, e), .path = path};
    if (i->fd < 0)
        return -1;
    int result = check_living(path, e);
    if (result == 0 && ftruncate(i->fd, 0) != 0)
        result = error_set_errno(e, "Can't write the pid file %s", path);
    if (result != 0)
        close(i->fd);
    return result;
}

int instance_write(struct instance *i, struct error *e)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%d\n", (int)getpid());
    return pwrite(i->fd, text, (size_t)len, 0) == len
               ? 0
               : error_set_errno(e, "Can't write the pid file %s", i->path);
}

void instance_close(struct instance *i)
{
    if (is_same_file(i->fd, i->path))
        unlink(i->path);
    close(i->fd);
}
