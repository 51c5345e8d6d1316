/* The last known good: written, read back, and refused when a byte of it is not what it was. */
#include "node/cluster/last_good.h"
#include "proto/model/canon.h"
#include "proto/model/commit.h"
#include "proto/model/model_sqlite.h"
#include "tests/unit/proto/model/fixture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char *scratch;
static struct state_dir dir;
static struct model *model;
static struct buf config, record;
static struct commit commit;

static int set_up(void **state)
{
    (void)state;
    struct error e;
    scratch = fixture_directory();
    assert_int_equal(state_dir_open(&dir, scratch, NULL, &e), 0);
    model = fixture_site();
    assert_int_equal(model_freeze(model, &e), 0);
    config = record = (struct buf)BUF_INIT;
    assert_int_equal(canon_encode(model, &config, &e), 0);
    commit = (struct commit){.version = 7,
                             .config = buf_slice(&config),
                             .who = SLICE("me"),
                             .where = SLICE("here"),
                             .how = SLICE("m2sh push"),
                             .why = SLICE("because"),
                             .scope = SLICE("all")};
    memset(commit.parent, 'a', sizeof commit.parent - 1);
    if (commit_seal(&commit, &e) != 0)
        fail_msg("%s", e.text);
    commit_encode(&commit, &record);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    model_unref(model);
    buf_fini(&config);
    buf_fini(&record);
    state_dir_close(&dir);
    fixture_directory_remove(scratch);
    return 0;
}

static void write_it(void)
{
    struct error e;
    if (last_good_write(&dir, buf_slice(&record), model, &e) != 0)
        fail_msg("%s", e.text);
}

static void assert_nothing(void)
{
    struct last_good good;
    struct error e;
    assert_int_equal(last_good_read(&dir, &good, &e), 0);
    assert_null(good.model);
    last_good_fini(&good);
}

static void test_what_was_written_is_read(void **state)
{
    (void)state;
    struct last_good good;
    struct error e;
    assert_nothing();
    write_it();
    write_it(); /* over the first */
    assert_int_equal(last_good_read(&dir, &good, &e), 0);
    assert_int_equal(good.version, 7);
    assert_string_equal(good.hash, commit.hash);
    fixture_assert_same_rows(good.model, model);
    assert_true(slice_eq(buf_slice(&good.record), buf_slice(&record)));
    last_good_fini(&good);
}

/* People and tools find an ordinary database; a new node may be given nothing but that. */
static void test_a_database_alone_is_a_seed(void **state)
{
    (void)state;
    struct last_good good;
    struct error e;
    char path[STATE_PATH_MAX];
    write_it();
    state_dir_file(&dir, "commit", path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(last_good_read(&dir, &good, &e), 0);
    assert_int_equal(good.version, 0);
    assert_string_equal(good.hash, "");
    assert_int_equal(model_count(good.model, TABLE_ROUTE), model_count(model, TABLE_ROUTE));
    last_good_fini(&good);
}

static void put(const char *bytes, size_t len)
{
    char path[STATE_PATH_MAX];
    state_dir_file(&dir, "commit", path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(write(fd, bytes, len), len);
    close(fd);
}

static void assert_refused(void)
{
    struct last_good good;
    struct error e = {.text = ""};
    assert_int_equal(last_good_read(&dir, &good, &e), -1);
    assert_null(good.model);
    assert_string_not_equal(e.text, "");
}

static void test_a_torn_file_is_refused(void **state)
{
    (void)state;
    for (size_t len = 0; len < record.len; len += 1 + record.len / 50) {
        put(record.data, len);
        assert_refused();
    }
}

/* Refused, or in one of the fields that are noted beside the hash: never another configuration. */
static void test_a_changed_byte_changes_nothing(void **state)
{
    (void)state;
    struct last_good good;
    struct error e;
    unsigned refused = 0, tried = 0;
    for (size_t at = 0; at < record.len; at += 1 + record.len / 200) {
        record.data[at] ^= 1;
        put(record.data, record.len);
        record.data[at] ^= 1;
        tried++;
        if (last_good_read(&dir, &good, &e) != 0) {
            refused++;
            continue;
        }
        assert_string_equal(good.hash, commit.hash);
        fixture_assert_same_rows(good.model, model);
        last_good_fini(&good);
    }
    assert_true(refused > tried * 9 / 10);
}

static void test_a_broken_seed_is_refused(void **state)
{
    (void)state;
    char path[STATE_PATH_MAX];
    struct error e;
    state_dir_file(&dir, "config.sqlite", path);
    assert_int_equal(state_dir_write(&dir, "config.sqlite", "no database", 11, &e), 0);
    assert_refused();
}

static void test_a_disk_that_takes_nothing(void **state)
{
    (void)state;
    struct error e;
    char path[STATE_PATH_MAX];
    write_it();
    state_dir_file(&dir, "commit.new", path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(last_good_write(&dir, SLICE("other"), model, &e), -1);
    struct last_good good;
    assert_int_equal(last_good_read(&dir, &good, &e), 0); /* the old one is still whole */
    assert_int_equal(good.version, 7);
    last_good_fini(&good);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_was_written_is_read), TEST(test_a_database_alone_is_a_seed),
        TEST(test_a_torn_file_is_refused),   TEST(test_a_changed_byte_changes_nothing),
        TEST(test_a_broken_seed_is_refused), TEST(test_a_disk_that_takes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
