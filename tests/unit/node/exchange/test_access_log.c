/* The access log's exact bytes, in both formats, and what happens to it on a bad day. */
#include "node/exchange/access_log.h"
#include "node/io/loop.h"
#include "proto/base/clock.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct loop loop;
static char path[64], moved[80];
static char text[1 << 20];

static const struct access_entry entry = {
    .host = SLICE("localhost"),
    .peer = SLICE("127.0.0.1"),
    .method = SLICE("GET"),
    .path = SLICE("/a \"b\"\n"),
    .version = SLICE("HTTP/1.1"),
    .peer_port = 40000,
    .status = 200,
    .size = 12345678901,
    .duration_us = 42,
};

#define LINE                                                                                \
    "94:9:localhost,9:127.0.0.1,5:40000#10:1700000000#3:GET,7:/a \"b\"\n,8:HTTP/1.1,3:200#" \
    "11:12345678901#]\n"
#define JSON_LINE                                                                                  \
    "{\"time\":1700000000,\"host\":\"localhost\",\"peer\":\"127.0.0.1\",\"port\":40000,"           \
    "\"method\":\"GET\",\"path\":\"/a \\\"b\\\"\\u000a\",\"version\":\"HTTP/1.1\",\"status\":200," \
    "\"size\":12345678901,\"duration_us\":42}\n"

static int set_up(void **state)
{
    (void)state;
    clock_fake(1000000000, 1700000000000);
    snprintf(path, sizeof path, "/tmp/m2-access-%d.log", (int)getpid());
    snprintf(moved, sizeof moved, "%s.1", path);
    unlink(path);
    return loop_init(&loop);
}

static int tear_down(void **state)
{
    (void)state;
    loop_fini(&loop);
    unlink(path);
    unlink(moved);
    clock_fake_stop();
    return 0;
}

static const char *content(const char *file)
{
    int fd = open(file, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t len = read(fd, text, sizeof text - 1);
    close(fd);
    assert_true(len >= 0);
    text[len] = '\0';
    return text;
}

static struct access_log *open_log(bool json)
{
    struct error e;
    struct access_log *log = access_log_open(&loop, path, json, &e);
    if (log == NULL)
        fail_msg("%s", e.text);
    assert_string_equal(access_log_path(log), path);
    return log;
}

static void test_upstreams_format(void **state)
{
    (void)state;
    struct access_entry refused = {.host = SLICE("h"), .peer = SLICE("unix"), .status = 400};
    struct access_log *log = open_log(false);
    access_log_write(log, &entry);
    access_log_write(log, &refused);
    access_log_close(log);
    assert_string_equal(content(path),
                        LINE "48:1:h,4:unix,1:0#10:1700000000#0:,0:,0:,3:400#1:0#]\n");
}

static void test_json(void **state)
{
    (void)state;
    struct access_log *log = open_log(true);
    access_log_write(log, &entry);
    access_log_close(log);
    assert_string_equal(content(path), JSON_LINE);
}

static void test_lines_are_appended_in_batches(void **state)
{
    (void)state;
    struct access_log *log = open_log(false);
    access_log_write(log, &entry);
    assert_string_equal(content(path), "");
    for (int i = 0; i < 1000; i++)
        access_log_write(log, &entry);
    size_t written = strlen(content(path));
    assert_true(written > 32768 && written < 1001 * strlen(LINE));
    assert_int_equal(written % strlen(LINE), 0); /* whole lines */
    access_log_close(log);
    assert_int_equal(strlen(content(path)), 1001 * strlen(LINE));
    log = open_log(false);
    access_log_write(log, &entry);
    access_log_close(log);
    assert_int_equal(strlen(content(path)), 1002 * strlen(LINE));
}

static void test_rotation(void **state)
{
    (void)state;
    struct error e;
    struct access_log *log = open_log(false);
    access_log_write(log, &entry);
    assert_int_equal(rename(path, moved), 0);
    assert_int_equal(access_log_reopen(log, &e), 0);
    access_log_write(log, &entry);
    access_log_write(log, &entry);
    access_log_close(log);
    assert_string_equal(content(moved), LINE);
    assert_string_equal(content(path), LINE LINE);
}

static void test_a_disk_that_takes_nothing(void **state)
{
    (void)state;
    struct error e;
    struct access_log *log = access_log_open(&loop, "/dev/full", false, &e);
    assert_non_null(log);
    for (int i = 0; i < 50000; i++)
        access_log_write(log, &entry);
    access_log_close(log);
    assert_null(access_log_open(&loop, "/nonexistent/log", false, &e));
    assert_non_null(strstr(e.text, "/nonexistent/log"));
}

static void test_none(void **state)
{
    (void)state;
    access_log_write(NULL, &entry);
    access_log_flush(NULL);
    access_log_close(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_upstreams_format),
        TEST(test_json),
        TEST(test_lines_are_appended_in_batches),
        TEST(test_rotation),
        TEST(test_a_disk_that_takes_nothing),
        TEST(test_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
