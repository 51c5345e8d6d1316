/* procer is often root, and profiles belong to users: whatever a profile names is touched with its
 * owner's rights only. The file system's idea of who we are is changed for that (setfsuid(2)),
 * which leaves signals and children as they are. */

#include "deploy/procer/spawn.h"

#include "proto/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <unistd.h>

enum { CANNOT_RUN = 127 };

int spawn_check(const struct profile *p, struct error *e)
{
    if (geteuid() == 0 || geteuid() == p->uid)
        return 0;
    return error_set(e, ERROR_DENIED,
                     "The profile belongs to user %u, and procer runs as %u: it can't become that "
                     "user. Run procer as root, or give the profile to its user.",
                     (unsigned)p->uid, (unsigned)geteuid());
}

/* --- in the child --- */

/* All the groups of the user, or none when nobody knows that user: never those of procer. */
static int take_groups(const struct profile *p)
{
    const struct passwd *user = getpwuid(p->uid);
    return user != NULL ? initgroups(user->pw_name, p->gid) : setgroups(0, NULL);
}

/* Who is nobody special keeps what it has: it may not even choose among its own groups. */
static int become_owner(const struct profile *p, struct error *e)
{
    if (geteuid() != 0)
        return spawn_check(p, e);
    if (take_groups(p) != 0 || setgid(p->gid) != 0 || setuid(p->uid) != 0)
        return error_set_errno(e, "Can't become its owner (%u:%u)", (unsigned)p->uid,
                               (unsigned)p->gid);
    return 0;
}

static void reset_signals(void)
{
    sigset_t none;
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static int redirect(int log_fd, struct error *e)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(log_fd, STDOUT_FILENO) < 0 ||
        dup2(log_fd, STDERR_FILENO) < 0)
        return error_set_errno(e, "Can't redirect its output");
    return 0;
}

static int write_pid(const char *path, pid_t pid, struct error *e)
{
    char text[32];
    size_t len = (size_t)snprintf(text, sizeof text, "%d\n", (int)pid);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
    if (fd < 0)
        return error_set_errno(e, "Can't write the pid file %s", path);
    int result = write(fd, text, len) == (ssize_t)len
                     ? 0
                     : error_set_errno(e, "Can't write the pid file %s", path);
    close(fd);
    return result;
}

static void run_child(const struct profile *p, int log_fd)
{
    struct error e;
    int own_log = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3); /* for what follows redirect */
    setsid(); /* a Ctrl-C for procer is none for its programs */
    reset_signals();
    if (own_log >= 0)
        log_set_fd(own_log);
    if (become_owner(p, &e) == 0 && redirect(log_fd, &e) == 0 &&
        (p->has_pid_file || write_pid(p->pid_path, getpid(), &e) == 0)) {
        setenv("PROCER_PIDFILE", p->pid_file, 1);
        setenv("PROCER_ACTION", p->name, 1);
        execl(p->run, p->run, (char *)NULL);
        error_set_errno(&e, "Can't run %s", p->run);
    }
    log_error("procer", "%s: %s", p->name, e.text);
    _exit(CANNOT_RUN);
}

pid_t spawn_run(const struct profile *p, int log_fd, struct error *e)
{
    if (spawn_check(p, e) != 0)
        return -1;
    pid_t child = fork();
    if (child == 0)
        run_child(p, log_fd);
    if (child < 0)
        error_set_errno(e, "Can't fork");
    return child;
}

/* --- in procer, with the owner's rights --- */

static void borrow_rights(const struct profile *p)
{
    setfsgid(p->gid);
    setfsuid(p->uid);
}

static void give_back_rights(void)
{
    setfsuid(geteuid());
    setfsgid(getegid());
}

int spawn_write_pid_file(const struct profile *p, pid_t pid, struct error *e)
{
    borrow_rights(p);
    int result = write_pid(p->pid_path, pid, e);
    give_back_rights();
    return result;
}

int spawn_remove_pid_file(const struct profile *p, struct error *e)
{
    borrow_rights(p);
    int result = unlink(p->pid_path) == 0 || errno == ENOENT
                     ? 0
                     : error_set_errno(e, "Can't remove the pid file %s", p->pid_path);
    give_back_rights();
    return result;
}
