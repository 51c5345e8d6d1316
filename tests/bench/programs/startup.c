/* How long a server takes from its start to its first 200: starts the command behind `--` on a
 * core, asks its port until it answers, prints {"ready_ms":T} and ends it, its whole process group.
 *
 * Asking costs the other core only: a refused connection is tried again after 100 microseconds, an
 * accepted one waits for its answer. */

#include "proto/base/args.h"
#include "proto/base/clock.h"
#include "tests/bench/programs/tcp.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RETRY_US 100
#define GRACE_US 300000 /* between the polite end of the server and the other one */

static const struct args_option options[] = {
    {"port", "N", "Port on 127.0.0.1 that the server will listen on."},
    {"path", "TEXT", "Path to ask for (/)."},
    {"core", "N", "Core to run the server on (-1: any)."},
    {"timeout_ms", "N", "Longest wait (20000)."},
    {"output", "FILE", "Where the server's own output goes (/dev/null)."},
    {"help", NULL, "This text."},
    {NULL, NULL, NULL},
};

static void sleep_us(long us)
{
    struct timespec t = {us / 1000000, us % 1000000 * 1000};
    nanosleep(&t, NULL);
}

static pid_t start(char **command, int core, const char *output)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    setsid();
    if (core >= 0) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET((size_t)core, &set);
        sched_setaffinity(0, sizeof(set), &set);
    }
    int fd = open(output, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (fd >= 0) {
        dup2(fd, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
    }
    execvp(command[0], command);
    _exit(127);
}

/* 1: 200; 0: not yet; a wrong status counts as not yet, some servers answer before they are ready.
 */
static int ask(uint16_t port, const char *request, uint64_t left_us)
{
    struct timeval wait = {(time_t)(left_us / 1000000), (suseconds_t)(left_us % 1000000)};
    char answer[4096];
    size_t have = 0;
    int fd = tcp_connect(port, NULL);
    if (fd < 0)
        return 0;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    if (send(fd, request, strlen(request), MSG_NOSIGNAL) > 0)
        while (have < sizeof("HTTP/1.1 200") - 1) {
            ssize_t n = recv(fd, answer + have, sizeof(answer) - have, 0);
            if (n <= 0)
                break;
            have += (size_t)n;
        }
    close(fd);
    return have >= 12 && memcmp(answer + 8, " 200", 4) == 0;
}

static int wait_until_ready(pid_t pid, uint16_t port, const char *path, uint64_t deadline_us,
                            struct error *e)
{
    char request[1024];
    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
    for (;;) {
        uint64_t now = clock_monotonic_us();
        siginfo_t ended = {.si_pid = 0};
        if (now >= deadline_us)
            return error_set(e, ERROR_TIMEOUT, "The server did not answer in time.");
        if (ask(port, request, deadline_us - now) > 0)
            return 0;
        if (waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
            ended.si_pid == pid)
            return error_set(e, ERROR_IO, "The server ended with status %d.", ended.si_status);
        sleep_us(RETRY_US);
    }
}

static void end(pid_t pid)
{
    uint64_t deadline_us = clock_monotonic_us() + GRACE_US;
    kill(-pid, SIGTERM);
    while (waitpid(pid, NULL, WNOHANG) == 0 && clock_monotonic_us() < deadline_us)
        sleep_us(1000);
    kill(-pid, SIGKILL); /* also what it left in its group */
    waitpid(pid, NULL, 0);
}

static int measure(const struct args *a, char **command, struct error *e)
{
    int64_t port, core, timeout;
    if (args_get_int(a, "port", 1, 65535, 0, &port, e) < 0 ||
        args_get_int(a, "core", -1, 4095, -1, &core, e) < 0 ||
        args_get_int(a, "timeout_ms", 1, 600000, 20000, &timeout, e) < 0)
        return -1;
    uint64_t started_us = clock_monotonic_us();
    pid_t pid = start(command, (int)core, args_get(a, "output", "/dev/null"));
    if (pid < 0)
        return error_set_errno(e, "The server could not be started");
    int result = wait_until_ready(pid, (uint16_t)port, args_get(a, "path", "/"),
                                  started_us + (uint64_t)timeout * 1000, e);
    uint64_t ready_us = clock_monotonic_us();
    end(pid);
    if (result == 0)
        printf("{\"ready_ms\":%.3f}\n", (double)(ready_us - started_us) / 1000);
    return result;
}

int main(int argc, char **argv)
{
    struct args a;
    struct error e;
    int own = 1, status = 0;
    while (own < argc && strcmp(argv[own], "--") != 0)
        own++;
    if (own + 1 >= argc) {
        fprintf(stderr, "usage: startup -port N [options] -- COMMAND [ARGUMENT...]\n");
        return 2;
    }
    if (args_parse(&a, options, own, argv, 1, &e) < 0 || measure(&a, argv + own + 1, &e) < 0) {
        fprintf(stderr, "startup: %s\n", e.text);
        status = 1;
    }
    args_fini(&a);
    return status;
}
