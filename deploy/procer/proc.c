/* The age of a process comes from the clock that counts from boot, the age of a file from the wall
 * clock: both ages are compared, so that time zones and the moment of boot do not matter. */

#include "deploy/procer/proc.h"

#include "proto/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { START_FIELD = 22, SLACK_MS = 2000 };

/* "PID (NAME) STATE …": fields are counted behind the last parenthesis, a name may hold any. */
static bool read_stat(pid_t pid, char *state, uint64_t *start)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t len = read(fd, text, sizeof text - 1);
    close(fd);
    if (len <= 0)
        return false;
    text[len] = '\0';
    char *at = strrchr(text, ')');
    if (at == NULL || at[1] != ' ')
        return false;
    *state = at[2];
    at += 2;
    for (int field = 3; field < START_FIELD && at != NULL; field++)
        at = strchr(at + 1, ' ');
    if (at == NULL)
        return false;
    *start = strtoull(at + 1, NULL, 10);
    return true;
}

bool proc_find(pid_t pid, struct proc *out)
{
    char state;
    *out = (struct proc){.pid = pid};
    if (pid <= 0 || (kill(pid, 0) != 0 && errno == ESRCH))
        return false;
    if (read_stat(pid, &state, &out->start))
        return state != 'Z' && state != 'X';
    return true;
}

bool proc_is_alive(const struct proc *p)
{
    struct proc now;
    return p->pid > 0 && proc_find(p->pid, &now) && now.start == p->start;
}

/* One number with white space around; 0 for anything else, and for what is no process of ours to
 * name. */
static pid_t parse_pid(const char *text)
{
    static const char space[] = " \t\r\n";
    char *end;
    text += strspn(text, space);
    if (*text < '0' || *text > '9')
        return 0;
    errno = 0;
    long n = strtol(text, &end, 10);
    end += strspn(end, space);
    return *end == '\0' && errno == 0 && n > 1 && n <= INT_MAX ? (pid_t)n : 0;
}

static int64_t age_ms(const struct proc *p)
{
    struct timespec boot;
    clock_gettime(CLOCK_BOOTTIME, &boot);
    int64_t now_ms = (int64_t)boot.tv_sec * 1000 + boot.tv_nsec / 1000000;
    return now_ms - (int64_t)(p->start * 1000 / (uint64_t)sysconf(_SC_CLK_TCK));
}

static bool is_younger(const struct proc *p, const struct stat *file)
{
    int64_t written_ms = (int64_t)file->st_mtim.tv_sec * 1000 + file->st_mtim.tv_nsec / 1000000;
    return p->start > 0 && age_ms(p) + SLACK_MS < clock_wall_ms() - written_ms;
}

enum proc_file proc_read_file(const char *path, struct proc *out)
{
    char text[64] = "";
    struct stat file;
    /* whoever owns the profile chooses the path: a FIFO must not hold us up */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? PROC_FILE_MISSING : PROC_FILE_GARBAGE;
    bool is_read = fstat(fd, &file) == 0 && S_ISREG(file.st_mode) && file.st_size < 64 &&
                   read(fd, text, sizeof text - 1) >= 0;
    close(fd);
    pid_t pid = is_read ? parse_pid(text) : 0;
    if (pid == 0)
        return PROC_FILE_GARBAGE;
    return proc_find(pid, out) && !is_younger(out, &file) ? PROC_FILE_LIVE : PROC_FILE_STALE;
}

int proc_watch(const struct proc *p)
{
#ifdef SYS_pidfd_open
    int fd = (int)syscall(SYS_pidfd_open, p->pid, 0);
    if (fd >= 0 && !proc_is_alive(p)) { /* taken over in between */
        close(fd);
        return -1;
    }
    return fd;
#else
    (void)p;
    return -1;
#endif
}
