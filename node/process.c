/* Steps of start-up that change the whole process, each callable once, in the order of the header.
 */

#include "node/process.h"

#include "proto/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

static bool may_chroot(void)
{
    return geteuid() == 0;
}

void process_plan_resolve(struct process_plan *p)
{
    bool wants_chroot = p->chroot[0] != '\0';
    p->ready_fd = -1;
    p->test_mode = wants_chroot && !may_chroot();
    if (p->test_mode)
        p->daemonize = false;
    snprintf(p->base, sizeof p->base, "%s", p->test_mode ? p->chroot : "");
    snprintf(p->pid_path, sizeof p->pid_path, "%s%s", p->chroot, p->pid_file);
    snprintf(p->error_log_path, sizeof p->error_log_path, "%s", p->test_mode ? "" : p->error_log);
}

static long read_pid(const char *path)
{
    char text[32] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t len = read(fd, text, sizeof text - 1);
    close(fd);
    char *end;
    long pid = len > 0 ? strtol(text, &end, 10) : 0;
    return len > 0 && (*end == '\0' || *end == '\n') && pid > 1 ? pid : 0;
}

int process_check_pid_file(const struct process_plan *p, struct error *e)
{
    long pid = read_pid(p->pid_path);
    if (pid > 0 && pid != getpid() && (kill((pid_t)pid, 0) == 0 || errno == EPERM))
        return error_set(e, ERROR_EXISTS, "Process %ld is still running (%s), shut it down first.",
                         pid, p->pid_path);
    return 0;
}

/* The parent's whole remaining life. */
static void wait_until_ready(int fd)
{
    char byte = 0;
    ssize_t got;
    do {
        got = read(fd, &byte, 1);
    } while (got < 0 && errno == EINTR);
    _exit(got == 1 ? 0 : 1);
}

int process_daemonize(struct process_plan *p, struct error *e)
{
    int ends[2];
    if (!p->daemonize)
        return 0;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_set_errno(e, "Can't make a pipe");
    pid_t child = fork();
    if (child < 0) {
        error_set_errno(e, "Can't fork");
        close(ends[0]);
        close(ends[1]);
        return -1;
    }
    if (child > 0) {
        close(ends[1]);
        wait_until_ready(ends[0]);
    }
    close(ends[0]);
    p->ready_fd = ends[1];
    setsid();
    return 0;
}

/* A stale file is removed only here, when the port is ours: of two that start at once and both find
 * it stale, the one that has lost the port must not remove the other's. */
static int write_pid_file(const struct process_plan *p, struct error *e)
{
    if (process_check_pid_file(p, e) != 0)
        return -1;
    if (unlink(p->pid_path) != 0 && errno != ENOENT)
        return error_set_errno(e, "Can't remove the stale pid file %s", p->pid_path);
    int fd = open(p->pid_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        return error_set_errno(e, "Can't write the pid file %s", p->pid_path);
    char text[32];
    int len = snprintf(text, sizeof text, "%ld", (long)getpid());
    ssize_t done = write(fd, text, (size_t)len);
    int result = done == len ? 0 : error_set_errno(e, "Can't write the pid file %s", p->pid_path);
    close(fd);
    return result;
}

/* Supplementary groups go too: upstream kept root's. */
static int become_owner_of(const struct stat *dir, struct error *e)
{
    if (dir->st_uid == geteuid() && dir->st_gid == getegid())
        return 0;
    if (setgroups(0, NULL) != 0 || setgid(dir->st_gid) != 0 || setuid(dir->st_uid) != 0)
        return error_set_errno(e, "Can't become the owner (%u:%u) of the chroot directory",
                               (unsigned)dir->st_uid, (unsigned)dir->st_gid);
    return 0;
}

static int enter_chroot(struct process_plan *p, struct error *e)
{
    struct stat dir;
    if (stat(p->chroot, &dir) != 0 || chroot(p->chroot) != 0 || chdir("/") != 0)
        return error_set_errno(e, "Can't chroot to %s", p->chroot);
    snprintf(p->pid_path, sizeof p->pid_path, "%s", p->pid_file);
    return become_owner_of(&dir, e);
}

int process_reopen_error_log(const struct process_plan *p, struct error *e)
{
    if (p->error_log_path[0] == '\0' || !p->daemonize)
        return 0;
    int fd = open(p->error_log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return error_set_errno(e, "Can't open the error log %s", p->error_log_path);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    close(fd);
    return 0;
}

int process_enter(struct process_plan *p, struct error *e)
{
    if (write_pid_file(p, e) != 0)
        return -1;
    if (p->chroot[0] != '\0' && !p->test_mode && enter_chroot(p, e) != 0)
        return -1;
    if (p->daemonize) {
        int null = open("/dev/null", O_RDONLY | O_CLOEXEC); /* may be missing in a chroot */
        if (null >= 0) {
            dup2(null, STDIN_FILENO);
            close(null);
        }
    }
    return process_reopen_error_log(p, e);
}

void process_ready(struct process_plan *p)
{
    if (p->ready_fd >= 0) {
        ssize_t ignored = write(p->ready_fd, "1", 1);
        (void)ignored;
        close(p->ready_fd);
        p->ready_fd = -1;
    }
#ifdef HAVE_SYSTEMD
    sd_notify(0, "READY=1");
#endif
}

void process_stopping(void)
{
#ifdef HAVE_SYSTEMD
    sd_notify(0, "STOPPING=1");
#endif
}

void process_leave(const struct process_plan *p)
{
    if (read_pid(p->pid_path) == getpid())
        unlink(p->pid_path);
}

void process_limit_descriptors(unsigned want)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    rlim_t target = want > 0 && want < limit.rlim_max ? want : limit.rlim_max;
    limit.rlim_cur = target;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        log_warn("server", "can't set the limit of open files to %lu: %s", (unsigned long)target,
                 strerror(errno));
    if (want > limit.rlim_cur)
        log_warn("server",
                 "only %lu files can be open, superpoll.max_fd asks for %u; raise the hard limit",
                 (unsigned long)limit.rlim_cur, want);
}
