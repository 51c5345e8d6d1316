/* A pipe between the two: a byte means ready, its end without one means failure. */

#include "deploy/procer/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static void wait_until_ready(int fd)
{
    char byte;
    ssize_t got;
    do {
        got = read(fd, &byte, 1);
    } while (got < 0 && errno == EINTR);
    _exit(got == 1 ? 0 : 1);
}

int daemon_fork(int *ready, struct error *e)
{
    int ends[2];
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
    setsid();
    *ready = ends[1];
    return 0;
}

void daemon_ready(int ready)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null >= 0) {
        dup2(null, STDIN_FILENO);
        close(null);
    }
    ssize_t ignored = write(ready, "1", 1);
    (void)ignored;
    close(ready);
}
