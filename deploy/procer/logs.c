/* A log that a profile's user may write to must not be a way to write somewhere else with procer's
 * rights: no links are followed, and a file with a second name is refused. */

#include "deploy/procer/logs.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FLAGS = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY };

int logs_open_own(const char *path, struct error *e)
{
    int fd = open(path, FLAGS & ~O_NOFOLLOW, 0644);
    if (fd < 0)
        return error_set_errno(e, "Can't open the log %s", path);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    close(fd);
    return 0;
}

/* One log for all is the business of who set the variable; one of our own is its owner's. */
static int hand_over(int fd, const struct profile *p, const char *path, struct error *e)
{
    struct stat file;
    if (fstat(fd, &file) != 0 || !S_ISREG(file.st_mode) || file.st_nlink != 1)
        return error_set(e, ERROR_DENIED, "The log %s is no file with one name only.", path);
    if (geteuid() == 0 && file.st_uid != p->uid && fchown(fd, p->uid, p->gid) != 0)
        return error_set_errno(e, "Can't give the log %s to its owner", path);
    return 0;
}

int logs_open_profile(const struct profile *p, struct error *e)
{
    char own[300];
    const char *path = getenv("PROCER_RUN_LOG");
    bool is_shared = path != NULL && path[0] != '\0';
    snprintf(own, sizeof own, "%.255s.log", p->name);
    if (!is_shared)
        path = own;
    int fd = open(path, is_shared ? FLAGS & ~O_NOFOLLOW : FLAGS, 0644);
    if (fd < 0)
        return error_set_errno(e, "Can't open the log %s", path);
    if (is_shared || hand_over(fd, p, path, e) == 0)
        return fd;
    close(fd);
    return -1;
}
