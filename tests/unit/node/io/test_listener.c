/* Listening sockets: identity, binding, accepting, and what happens without descriptors. */
#include "node/io/listener.h"
#include "tests/unit/node/io/pair.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/un.h>

static struct pair p; /* its loop and its set of connections */
static const struct listener_options plain = {.reuse_port = false};

static int set_up(void **state)
{
    (void)state;
    pair_start(&p);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pair_stop(&p);
    return 0;
}

static struct listener *open_one(const char *address, unsigned port)
{
    struct error e;
    struct listener *l = listener_open(address, port, &plain, &e);
    if (l == NULL)
        fail_msg("%s", e.text);
    return l;
}

static int try_connect(unsigned port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    close(fd);
    return -1;
}

static void test_identity(void **state)
{
    (void)state;
    char text[128];
    listener_identity_of("0.0.0.0", 6767, text);
    assert_string_equal(text, "0.0.0.0:6767");
    listener_identity_of("::1", 80, text);
    assert_string_equal(text, "[::1]:80");
    listener_identity_of("unix:/run/x", 80, text);
    assert_string_equal(text, "unix:/run/x");
}

static void test_bad_addresses(void **state)
{
    (void)state;
    struct error e;
    assert_null(listener_open("localhost", 80, &plain, &e));
    assert_non_null(strstr(e.text, "localhost"));
    assert_null(listener_open("unix:", 80, &plain, &e));
    assert_null(listener_open("192.0.2.1", 80, &plain, &e));
    assert_non_null(strstr(e.text, "192.0.2.1"));
}

static void test_it_accepts_after_start_and_not_after_stop(void **state)
{
    (void)state;
    struct listener *l = open_one("127.0.0.1", 0);
    int first = try_connect(listener_port(l)); /* waits in the kernel */
    assert_true(first >= 0);
    pair_turns(&p, 2);
    assert_int_equal(p.conns.count, 1);
    listener_start(l, &p.conns, &pair_session);
    pair_turns(&p, 2);
    assert_int_equal(p.conns.count, 2);
    listener_stop(l);
    int second = try_connect(listener_port(l));
    pair_turns(&p, 2);
    assert_int_equal(p.conns.count, 2);
    unsigned port = listener_port(l);
    listener_close(l);
    assert_int_equal(try_connect(port), -1);
    close(first);
    close(second);
    pair_turns(&p, 3);
    assert_int_equal(p.conns.count, 1);
    listener_close(NULL);
}

static void test_two_on_one_port(void **state)
{
    (void)state;
    struct error e;
    struct listener_options shared = {.reuse_port = true};
    struct listener *a = listener_open("127.0.0.1", 0, &shared, &e);
    assert_non_null(a);
    assert_null(listener_open("127.0.0.1", listener_port(a), &plain, &e));
    struct listener *b = listener_open("127.0.0.1", listener_port(a), &shared, &e);
    assert_non_null(b);
    listener_close(a);
    listener_close(b);
}

static void test_unix_socket(void **state)
{
    (void)state;
    char address[64];
    struct error e;
    snprintf(address, sizeof address, "unix:/tmp/m2-listener-%d", (int)getpid());
    struct listener *l = open_one(address, 0);
    assert_int_equal(listener_port(l), 0);
    assert_null(listener_open(address, 0, &plain, &e)); /* somebody answers there */
    listener_start(l, &p.conns, &pair_session);
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof to.sun_path, "%s", address + 5);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    pair_turns(&p, 2);
    assert_int_equal(p.conns.count, 2);
    close(fd);
    listener_close(l);
    assert_int_equal(access(address + 5, F_OK), -1); /* removed */

    fd = socket(AF_UNIX, SOCK_STREAM, 0); /* a dead process has left one */
    assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof to), 0);
    close(fd);
    l = open_one(address, 0);
    listener_close(l);
}

/* Out of descriptors: it pauses, and goes on when there are some. */
static void test_out_of_descriptors(void **state)
{
    (void)state;
    struct rlimit saved, none;
    uint64_t counted = 0;
    p.conns.accept_errors = &counted;
    struct listener *l = open_one("127.0.0.1", 0);
    listener_start(l, &p.conns, &pair_session);
    int client = try_connect(listener_port(l));
    assert_true(client >= 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &saved), 0);
    none = saved;
    none.rlim_cur = 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    pair_turns(&p, 50);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &saved), 0);
    assert_int_equal(listener_accept_errors(l), 1); /* not one each turn */
    assert_int_equal(counted, 1);
    assert_int_equal(p.conns.count, 1);
    for (int i = 0; i < 1000 && p.conns.count < 2; i++) { /* pause_s of real time */
        usleep(1000);
        pair_turn(&p);
    }
    assert_int_equal(p.conns.count, 2);
    close(client);
    listener_close(l);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_identity),
        TEST(test_bad_addresses),
        TEST(test_it_accepts_after_start_and_not_after_stop),
        TEST(test_two_on_one_port),
        TEST(test_unix_socket),
        TEST(test_out_of_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
