/* Sockets handed over: which are taken, that they stay, and that nothing else is. Runs in a child,
 * because the protocol is about descriptors 3 and up and the process id. */
#include "node/io/listen_fds.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct sockaddr_in at(unsigned port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* A listening socket as descriptor `fd`; its port. */
static unsigned listen_at(int fd, bool listens)
{
    struct sockaddr_in a = at(0);
    socklen_t len = sizeof a;
    int s = socket(AF_INET, SOCK_STREAM, 0);
    bind(s, (struct sockaddr *)&a, sizeof a);
    if (listens)
        listen(s, 5);
    getsockname(s, (struct sockaddr *)&a, &len);
    if (s != fd) {
        dup2(s, fd);
        close(s);
    }
    return ntohs(a.sin_port);
}

static void announce(long pid, const char *count)
{
    char text[24];
    snprintf(text, sizeof text, "%ld", pid);
    setenv("LISTEN_PID", text, 1);
    setenv("LISTEN_FDS", count, 1);
}

#define WANT(condition)            \
    do {                           \
        if (!(condition))          \
            return __LINE__ % 256; \
    } while (0)

static int take_it(void)
{
    struct listen_fds l;
    unsigned port = listen_at(3, true), other = listen_at(4, true);
    announce((long)getpid(), "2");
    listen_fds_init(&l);
    WANT(l.count == 2 && listen_fds_unused(&l) == 2 && getenv("LISTEN_FDS") == NULL);
    struct sockaddr_in a = at(port), none = at(1), b = at(other);
    int fd = listen_fds_take(&l, (struct sockaddr *)&a);
    WANT(fd > 4 && listen_fds_unused(&l) == 1);
    WANT(fcntl(fd, F_GETFD) & FD_CLOEXEC && fcntl(fd, F_GETFL) & O_NONBLOCK);
    WANT(listen_fds_take(&l, (struct sockaddr *)&none) == -1);
    close(fd);
    fd = listen_fds_take(&l, (struct sockaddr *)&a); /* it was left, and is come back to */
    WANT(fd > 4);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    WANT(connect(client, (struct sockaddr *)&a, sizeof a) == 0 && accept(fd, NULL, NULL) >= 0);
    WANT(listen_fds_take(&l, (struct sockaddr *)&b) > 4 && listen_fds_unused(&l) == 0);
    listen_fds_fini(&l);
    WANT(fcntl(3, F_GETFD) == -1 && errno == EBADF);
    return 0;
}

static int not_ours(void)
{
    struct listen_fds l;
    listen_at(3, true);
    announce((long)getpid() + 1, "1");
    listen_fds_init(&l);
    WANT(l.count == 0 && fcntl(3, F_GETFD) >= 0);
    return 0;
}

static int nonsense(void)
{
    static const char *const counts[] = {"", "x", "-1", "1x", "0"};
    struct listen_fds l;
    listen_at(3, true);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        announce((long)getpid(), counts[i]);
        listen_fds_init(&l);
        WANT(l.count == 0);
    }
    listen_at(3, false); /* bound, but it does not listen */
    announce((long)getpid(), "5");
    listen_fds_init(&l);
    WANT(l.count == 0);
    return 0;
}

static void in_a_child(int (*what)(void))
{
    pid_t child = fork();
    if (child == 0) {
        for (int fd = 3; fd < 64; fd++)
            close(fd);
        _exit(what());
    }
    int status = -1;
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0); /* else the line that was not so */
}

static void test_sockets_are_taken_by_address(void **state)
{
    (void)state;
    in_a_child(take_it);
}

static void test_what_is_for_another_process_is_left_alone(void **state)
{
    (void)state;
    in_a_child(not_ours);
}

static void test_nonsense_is_nothing(void **state)
{
    (void)state;
    in_a_child(nonsense);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sockets_are_taken_by_address),
        cmocka_unit_test(test_what_is_for_another_process_is_left_alone),
        cmocka_unit_test(test_nonsense_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
