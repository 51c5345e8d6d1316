/* Files of uploads on a real side thread: whole, in order, with their mode, and gone when they are
 * given up or there is no room. */
#include "node/exchange/upload_file.h"
#include "proto/base/clock.h"
#include "proto/base/failpoint.h"
#include "proto/link/evwork.h"

#include <dirent.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 10000

static struct worker worker;
static struct upload_file *file;
static char folder[] = "/tmp/m2-upload-XXXXXX";
static char pattern[64];

static struct {
    unsigned opened, room, stored;
    int status;
} seen;

static void on_opened(void *arg)
{
    assert_ptr_equal(arg, &seen);
    seen.opened++;
}

static void on_room(void *arg)
{
    (void)arg;
    seen.room++;
}

static void on_stored(void *arg)
{
    (void)arg;
    seen.stored++;
}

static void on_failed(void *arg, int status)
{
    (void)arg;
    seen.status = status;
}

static const struct upload_file_events events = {
    .opened = on_opened,
    .room = on_room,
    .stored = on_stored,
    .failed = on_failed,
};

static void fail_with(const char *failpoints)
{
    if (failpoints != NULL)
        setenv("M2_FAILPOINTS", failpoints, 1);
    else
        unsetenv("M2_FAILPOINTS");
    failpoint_init();
}

static int set_up(void **state)
{
    (void)state;
    memset(&worker, 0, sizeof worker);
    memset(&seen, 0, sizeof seen);
    assert_int_equal(loop_init(&worker.loop), 0);
    strcpy(folder, "/tmp/m2-upload-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(pattern, sizeof pattern, "%s/up.XXXXXX", folder);
    file = NULL;
    return 0;
}

static unsigned file_count(void)
{
    unsigned count = 0;
    DIR *d = opendir(folder);
    for (struct dirent *entry; (entry = readdir(d)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(d);
    return count;
}

static int tear_down(void **state)
{
    (void)state;
    fail_with(NULL);
    upload_file_discard(file);
    evwork_destroy(&worker.uploads);
    loop_fini(&worker.loop);
    assert_int_equal(file_count(), 0);
    assert_int_equal(rmdir(folder), 0);
    return 0;
}

#define until(condition)                                        \
    do {                                                        \
        uint64_t begin_ms = clock_monotonic_ms();               \
        while (!(condition)) {                                  \
            if (clock_monotonic_ms() - begin_ms > PATIENCE_MS)  \
                fail_msg("waited in vain for: %s", #condition); \
            loop_step(&worker.loop);                            \
            poll(NULL, 0, 1);                                   \
        }                                                       \
    } while (0)

static void begin(unsigned mode)
{
    file = upload_file_open(&worker, pattern, mode, &events, &seen);
    assert_non_null(file);
    assert_int_equal(seen.opened, 0); /* from no call of ours */
    until(seen.opened || seen.status);
}

static char path[64];

static const char *its_path(void)
{
    struct slice s = upload_file_path(file);
    snprintf(path, sizeof path, "%.*s", SLICE_ARG(s));
    return path;
}

static void test_all_is_there(void **state)
{
    (void)state;
    static char piece[10000], expected[3000000], got[3000001];
    struct stat st;
    begin(0640);
    assert_int_equal(stat(its_path(), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(st.st_size, 0);
    for (size_t at = 0; at < sizeof expected; at += sizeof piece) {
        memset(piece, (int)(at / sizeof piece), sizeof piece);
        memcpy(expected + at, piece, sizeof piece);
        unsigned before = seen.room;
        if (!upload_file_write(file, slice_of(piece, sizeof piece)))
            until(seen.room > before);
    }
    upload_file_finish(file);
    until(seen.stored);
    FILE *in = fopen(path, "rb");
    assert_int_equal(fread(got, 1, sizeof got, in), sizeof expected);
    fclose(in);
    assert_memory_equal(got, expected, sizeof expected);
    upload_file_keep(file);
    file = NULL;
    assert_int_equal(file_count(), 1);
    unlink(path);
}

/* What waits for the disk is bounded: a writer is told to stop, and later to go on. */
static void test_a_writer_that_is_too_fast_is_told(void **state)
{
    (void)state;
    static char piece[64 << 10];
    begin(0600);
    unsigned taken = 1;
    while (upload_file_write(file, slice_of(piece, sizeof piece)))
        assert_true(++taken < 8);
    until(seen.room == 1);
}

static void test_an_empty_file(void **state)
{
    (void)state;
    begin(0600);
    upload_file_finish(file);
    until(seen.stored);
    assert_int_equal(file_count(), 1);
} /* and removed though it was stored */

static void test_given_up_at_once(void **state)
{
    (void)state;
    file = upload_file_open(&worker, pattern, 0600, &events, &seen);
    upload_file_discard(file);
    file = NULL;
    evwork_drain(worker.uploads);
    assert_int_equal(seen.opened, 0);
}

static void test_given_up_while_it_is_written(void **state)
{
    (void)state;
    static char piece[1 << 20];
    begin(0600);
    upload_file_write(file, slice_of(piece, sizeof piece));
    upload_file_write(file, slice_of(piece, sizeof piece));
    upload_file_finish(file);
    upload_file_discard(file);
    file = NULL;
    evwork_drain(worker.uploads);
    assert_int_equal(seen.stored, 0);
}

static void assert_fails(const char *error, int status)
{
    char point[40];
    memset(&seen, 0, sizeof seen);
    begin(0600);
    snprintf(point, sizeof point, "upload.write=%s", error);
    fail_with(point);
    upload_file_write(file, SLICE("lost"));
    until(seen.status);
    assert_int_equal(seen.status, status);
    assert_int_equal(seen.stored, 0);
    assert_int_equal(file_count(), 0); /* before anybody is told */
    fail_with(NULL);
    upload_file_discard(file);
    file = NULL;
}

static void test_errors(void **state)
{
    (void)state;
    assert_fails("ENOSPC", 507);
    assert_fails("EDQUOT", 507);
    assert_fails("EIO", 500);
    assert_int_equal(worker.counters.upload_errors, 3);
}

/* The kernel takes what fits, then nothing: a short write, and EFBIG. */
static void test_a_limit_on_the_size(void **state)
{
    (void)state;
    static char piece[300000];
    struct rlimit before, limit;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    limit = (struct rlimit){.rlim_cur = 200000, .rlim_max = before.rlim_max};
    begin(0600);
    setrlimit(RLIMIT_FSIZE, &limit);
    upload_file_write(file, slice_of(piece, sizeof piece));
    until(seen.status);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(seen.status, 507);
    assert_int_equal(file_count(), 0);
}

static void test_no_such_directory(void **state)
{
    (void)state;
    strcpy(pattern, "/tmp/m2-there-is-none/up.XXXXXX");
    begin(0600);
    assert_int_equal(seen.status, 500);
    assert_int_equal(seen.opened, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_all_is_there),
        TEST(test_a_writer_that_is_too_fast_is_told),
        TEST(test_an_empty_file),
        TEST(test_given_up_at_once),
        TEST(test_given_up_while_it_is_written),
        TEST(test_errors),
        TEST(test_a_limit_on_the_size),
        TEST(test_no_such_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
