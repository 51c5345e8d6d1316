#include "node/io/dial.h"
#include "proto/base/clock.h"
#include "proto/base/list.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

struct dialling {
    struct loop loop;
    struct deadlines deadlines;
    struct dial dial;
    int calls, fd, error;
};

static void on_done(struct dial *d, int fd, int error)
{
    struct dialling *t = container_of(d, struct dialling, dial);
    t->calls++;
    t->fd = fd;
    t->error = error;
}

static void init(struct dialling *t)
{
    memset(t, 0, sizeof *t);
    assert_int_equal(loop_init(&t->loop), 0);
    deadlines_init(&t->deadlines, &t->loop);
    dial_init(&t->dial, &t->loop, on_done);
}

static void fini(struct dialling *t)
{
    deadlines_fini(&t->deadlines);
    loop_fini(&t->loop);
}

static void dial(struct dialling *t, const char *spec)
{
    struct dial_address a;
    assert_int_equal(dial_address_parse(&a, spec), 0);
    t->calls = 0;
    dial_start(&t->dial, &t->deadlines, &a, 5000);
    assert_int_equal(t->calls, 0);
    assert_true(dial_is_active(&t->dial));
    for (uint64_t end = clock_monotonic_ms() + 5000; t->calls == 0 && clock_monotonic_ms() < end;)
        loop_step(&t->loop);
    assert_int_equal(t->calls, 1);
    assert_false(dial_is_active(&t->dial));
}

static int listen_on(int family, struct sockaddr *sa, socklen_t len)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, sa, len), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, sa, &len), 0);
    return fd;
}

static void test_tcp(void **state)
{
    (void)state;
    struct dialling t;
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listener = listen_on(AF_INET, (struct sockaddr *)&in, sizeof in);
    char spec[64];
    init(&t);
    snprintf(spec, sizeof spec, "127.0.0.1:%u", ntohs(in.sin_port));
    dial(&t, spec);
    assert_int_equal(t.error, 0);
    assert_true((fcntl(t.fd, F_GETFL) & O_NONBLOCK) != 0);
    assert_int_equal(write(t.fd, "x", 1), 1);
    close(t.fd);
    close(listener);
    dial(&t, spec);
    assert_int_equal(t.fd, -1);
    assert_int_equal(t.error, ECONNREFUSED);
    fini(&t);
}

static void test_unix(void **state)
{
    (void)state;
    struct dialling t;
    char folder[] = "/tmp/dial-XXXXXX", spec[128];
    assert_non_null(mkdtemp(folder));
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    snprintf(un.sun_path, sizeof un.sun_path, "%s/s", folder);
    int listener = listen_on(AF_UNIX, (struct sockaddr *)&un, sizeof un);
    init(&t);
    snprintf(spec, sizeof spec, "unix:%s/s", folder);
    dial(&t, spec);
    assert_int_equal(t.error, 0);
    close(t.fd);
    close(listener);
    unlink(spec + 5);
    rmdir(folder);
    dial(&t, spec);
    assert_int_equal(t.error, ENOENT);
    fini(&t);
}

static void test_timeout_and_cancel(void **state)
{
    (void)state;
    struct dialling t;
    struct dial_address a;
    init(&t);
    assert_int_equal(dial_address_parse(&a, "192.0.2.1:9"), 0); /* TEST-NET: nobody is there */
    dial_start(&t.dial, &t.deadlines, &a, 5000);
    if (t.dial.error == EINPROGRESS) { /* else this machine has no route: fails at once */
        uint64_t now_us = clock_monotonic_us();
        clock_fake(now_us + 6000000, 0);
        loop_step(&t.loop);
        deadlines_advance(&t.deadlines);
        assert_int_equal(t.calls, 1);
        assert_int_equal(t.error, ETIMEDOUT);
        clock_fake_stop();
    }
    dial_cancel(&t.dial);
    dial_start(&t.dial, &t.deadlines, &a, 5000);
    t.calls = 0;
    dial_cancel(&t.dial);
    loop_step(&t.loop);
    assert_int_equal(t.calls, 0);
    assert_false(dial_is_active(&t.dial));
    fini(&t);
}

static void test_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *spec;
        int kind, family;
    } rows[] = {
        {"127.0.0.1:80", 0, AF_INET},
        {"[::1]:65535", 0, AF_INET6},
        {"unix:/x", 0, AF_UNIX},
        {"unix:x", 0, AF_UNIX},
        {"localhost:80", 1, 0},
        {"a.example:1", 1, 0},
        {"", -1, 0},
        {":80", -1, 0},
        {"127.0.0.1", -1, 0},
        {"127.0.0.1:", -1, 0},
        {"127.0.0.1:0", -1, 0},
        {"127.0.0.1:65536", -1, 0},
        {"127.0.0.1:+80", -1, 0},
        {"127.0.0.1:80x", -1, 0},
        {"::1:80", -1, 0},
        {"[::1:80", -1, 0},
        {"[zz]:80", -1, 0},
        {"unix:", -1, 0},
        {"http://127.0.0.1:80", -1, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct dial_address a;
        int kind = dial_address_parse(&a, rows[i].spec);
        if (kind != rows[i].kind)
            fail_msg("%s: %d", rows[i].spec, kind);
        if (kind == 0)
            assert_int_equal(a.sa.ss_family, rows[i].family);
    }
    struct dial_address a;
    char path[200];
    memset(path, 'a', sizeof path);
    memcpy(path, "unix:", 5);
    path[sizeof path - 1] = '\0';
    assert_int_equal(dial_address_parse(&a, path), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tcp),
        cmocka_unit_test(test_unix),
        cmocka_unit_test(test_timeout_and_cancel),
        cmocka_unit_test(test_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
