/* The state directory: one process, one UUID, whole files. */
#include "node/cluster/state_dir.h"
#include "proto/base/slice.h"
#include "proto/base/uuid.h"
#include "tests/unit/proto/model/fixture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define UUID "11111111-2222-4333-8444-555555555555"

static char *scratch;
static char path[512];

static int set_up(void **state)
{
    (void)state;
    scratch = fixture_directory();
    snprintf(path, sizeof path, "%s/state", scratch);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fixture_directory_remove(scratch);
    return 0;
}

static void open_dir(struct state_dir *d, const char *uuid)
{
    struct error e;
    if (state_dir_open(d, path, uuid, &e) != 0)
        fail_msg("%s", e.text);
}

static void test_it_is_made_for_its_owner_alone(void **state)
{
    (void)state;
    struct state_dir d;
    struct stat st;
    open_dir(&d, NULL);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_true(uuid_is_valid(slice_str(d.uuid)));
    state_dir_close(&d);
}

static void test_the_uuid_stays(void **state)
{
    (void)state;
    struct state_dir d;
    char first[37];
    open_dir(&d, NULL);
    snprintf(first, sizeof first, "%s", d.uuid);
    state_dir_close(&d);
    open_dir(&d, NULL);
    assert_string_equal(d.uuid, first);
    state_dir_close(&d);
    open_dir(&d, UUID); /* overrides, and is kept from then on */
    assert_string_equal(d.uuid, UUID);
    state_dir_close(&d);
    open_dir(&d, NULL);
    assert_string_equal(d.uuid, UUID);
    state_dir_close(&d);
}

static void test_one_process_at_a_time(void **state)
{
    (void)state;
    struct state_dir d;
    struct error e;
    open_dir(&d, NULL);
    pid_t child = fork();
    if (child == 0) {
        struct state_dir second;
        int result = state_dir_open(&second, path, NULL, &e);
        _exit(result == -1 && e.code == ERROR_EXISTS && strstr(e.text, path) != NULL ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    state_dir_close(&d);
    open_dir(&d, NULL); /* the lock ended with its holder */
    state_dir_close(&d);
}

static void test_bad_arguments(void **state)
{
    (void)state;
    struct state_dir d;
    struct error e;
    assert_int_equal(state_dir_open(&d, path, "no uuid", &e), -1);
    assert_int_equal(e.code, ERROR_USAGE);
    assert_int_equal(state_dir_open(&d, "/nonexistent/state", NULL, &e), -1);
    assert_int_equal(e.code, ERROR_NOT_FOUND == e.code ? ERROR_NOT_FOUND : ERROR_IO);
}

static void test_a_file_is_replaced_as_a_whole(void **state)
{
    (void)state;
    struct state_dir d;
    struct error e;
    char file[STATE_PATH_MAX], left[STATE_PATH_MAX + 8], text[16] = "";
    open_dir(&d, NULL);
    assert_int_equal(state_dir_write(&d, "x", "first", 5, &e), 0);
    state_dir_file(&d, "x", file);
    snprintf(left, sizeof left, "%s.new", file);
    int old = open(file, O_RDONLY);
    assert_int_equal(state_dir_write(&d, "x", "2nd", 3, &e), 0);
    assert_int_equal(read(old, text, sizeof text), 5); /* who reads the old one sees it whole */
    assert_memory_equal(text, "first", 5);
    close(old);
    assert_int_equal(access(left, F_OK), -1);

    assert_int_equal(mkdir(left, 0700), 0); /* in the way: it fails and the file stays */
    assert_int_equal(state_dir_write(&d, "x", "third", 5, &e), -1);
    int fd = open(file, O_RDONLY);
    assert_int_equal(read(fd, text, sizeof text), 3);
    assert_memory_equal(text, "2nd", 3);
    close(fd);
    state_dir_close(&d);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_it_is_made_for_its_owner_alone), TEST(test_the_uuid_stays),
        TEST(test_one_process_at_a_time),          TEST(test_bad_arguments),
        TEST(test_a_file_is_replaced_as_a_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
