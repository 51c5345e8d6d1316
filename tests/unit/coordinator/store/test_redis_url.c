/* What a store's URL says, and what is wrong with it. */

#include "coordinator/store/redis_url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct redis_url parsed(bool sentinel, const char *rest)
{
    struct redis_url u;
    struct error e;
    if (redis_url_parse(&u, sentinel, rest, &e) != 0)
        fail_msg("%s: %s", rest, e.text);
    return u;
}

static void test_a_server(void **state)
{
    (void)state;
    struct redis_url u = parsed(false, "//127.0.0.1");
    assert_string_equal(u.hosts[0].host, "127.0.0.1");
    assert_int_equal(u.hosts[0].port, 6379);
    assert_int_equal(u.db, 0);
    assert_int_equal(u.replicas, 0);
    assert_string_equal(u.prefix, "mongrel2");
    assert_string_equal(u.login.user, "");
    u = parsed(false, "//zed:p%40ss%3Aword@[::1]:7000/3?replicas=2&prefix=shop&timeout_ms=500");
    assert_string_equal(u.login.user, "zed");
    assert_string_equal(u.login.password, "p@ss:word");
    assert_string_equal(u.hosts[0].host, "::1");
    assert_int_equal(u.hosts[0].port, 7000);
    assert_int_equal(u.db, 3);
    assert_int_equal(u.replicas, 2);
    assert_string_equal(u.prefix, "shop");
    assert_int_equal(u.timeout_ms, 500);
    u = parsed(false, "//:secret@redis.example/");
    assert_string_equal(u.login.user, "");
    assert_string_equal(u.login.password, "secret");
}

static void test_sentinels(void **state)
{
    (void)state;
    struct redis_url u = parsed(true, "//a,b:5000,[::2]/our%2Fmaster/7?replicas=1");
    assert_int_equal(u.host_count, 3);
    assert_string_equal(u.hosts[0].host, "a");
    assert_int_equal(u.hosts[0].port, 26379);
    assert_int_equal(u.hosts[1].port, 5000);
    assert_string_equal(u.hosts[2].host, "::2");
    assert_string_equal(u.master, "our/master");
    assert_int_equal(u.db, 7);
}

static void test_passwords_from_files(void **state)
{
    (void)state;
    char path[] = "/tmp/m2-secret-XXXXXX", rest[128];
    int fd = mkstemp(path);
    assert_int_equal(write(fd, "hush\r\nsecond line\n", 18), 18);
    close(fd);
    snprintf(rest, sizeof rest, "//a/m?password_file=%s&sentinel_password_file=%s", path, path);
    struct redis_url u = parsed(true, rest);
    assert_string_equal(u.login.password, "hush");
    assert_string_equal(u.sentinel_login.password, "hush");
    assert_int_equal(truncate(path, 0), 0);
    struct error e;
    assert_int_equal(redis_url_parse(&u, true, rest, &e), -1);
    assert_int_equal(e.code, ERROR_USAGE);
    unlink(path);
    assert_int_equal(redis_url_parse(&u, true, rest, &e), -1);
    assert_int_equal(e.code, ERROR_IO);
}

static void test_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        bool sentinel;
        const char *rest;
    } rows[] = {
        {false, ""},
        {false, "host"},
        {false, "//"},
        {false, "//:6379"},
        {false, "//h:"},
        {false, "//h:0"},
        {false, "//h:65536"},
        {false, "//h:1x"},
        {false, "//[::1"},
        {false, "//[::1]x"},
        {false, "//h/x"},
        {false, "//h/-1"},
        {false, "//h?replicas=17"},
        {false, "//h?replicas=-1"},
        {false, "//h?replicas"},
        {false, "//h?timeout_ms=1"},
        {false, "//h?prefix="},
        {false, "//h?prefix={a}"},
        {false, "//h?odd=1"},
        {false, "//u:hush%4@h"},
        {false, "//u:hush%00@h"},
        {false, "//u:hush%zz@h"},
        {true, "//h"},
        {true, "//h/"},
        {true, "//h,/m"},
        {true, "//,h/m"},
        {true, "//h/m/x"},
        {true, "//a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q/m"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct redis_url u;
        struct error e;
        if (redis_url_parse(&u, rows[i].sentinel, rows[i].rest, &e) == 0)
            fail_msg("accepted: %s", rows[i].rest);
        assert_int_equal(e.code, ERROR_USAGE);
        assert_null(strstr(e.text, "hush"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_server),
        cmocka_unit_test(test_sentinels),
        cmocka_unit_test(test_passwords_from_files),
        cmocka_unit_test(test_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
