/* A history goes into a file and comes out again; of a file that is not whole nothing comes. */

#include "proto/model/backup.h"
#include "tests/unit/proto/model/fixture.h"

enum { COMMITS = 4 };

static struct commit history[COMMITS];

/* Four commits of two configurations, and two records. */
static void write_to(FILE *f)
{
    struct backup_writer w;
    struct error e;
    struct backup_info info = {.cluster = "cccccccc-0000-4000-8000-000000000003",
                               .version = COMMITS,
                               .when_ms = 1795374816123};
    for (int i = 0; i < COMMITS; i++) {
        history[i] = (struct commit){.version = (uint64_t)i + 1,
                                     .config = i % 2 == 0 ? SLICE("0:}") : SLICE("6:1:a,0:}}"),
                                     .who = SLICE("alice"),
                                     .why = SLICE("because"),
                                     .scope = SLICE("all")};
        snprintf(history[i].parent, sizeof history[i].parent, "%s",
                 i > 0 ? history[i - 1].hash : COMMIT_NO_PARENT);
        assert_int_equal(commit_seal(&history[i], NULL), 0);
    }
    memcpy(info.hash, history[COMMITS - 1].hash, sizeof info.hash);
    assert_int_equal(backup_begin(&w, f, &info, &e), 0);
    for (int i = 0; i < COMMITS; i++) {
        struct commit c = history[i];
        assert_int_equal(backup_has_config(&w, c.config_hash), i > 1);
        if (i > 1)
            c.config = SLICE_EMPTY;
        assert_int_equal(backup_put_commit(&w, &c, &e), 0);
    }
    assert_int_equal(backup_put_record(&w, SLICE("note"), SLICE("k"), SLICE("v\n\0v"), &e), 0);
    assert_int_equal(backup_put_record(&w, SLICE("order"), SLICE("node a"), SLICE("drain"), &e), 0);
    assert_int_equal(backup_finish(&w, &e), 0);
    backup_writer_fini(&w);
}

static char *file_bytes;
static size_t file_len;

static int set_up(void **state)
{
    (void)state;
    FILE *f = tmpfile();
    write_to(f);
    file_len = (size_t)ftell(f);
    file_bytes = malloc(file_len);
    rewind(f);
    assert_int_equal(fread(file_bytes, 1, file_len, f), file_len);
    fclose(f);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(file_bytes);
    return 0;
}

static int check(struct slice bytes, struct error *e)
{
    struct backup_info info;
    size_t commits, records;
    return backup_check(bytes, &info, &commits, &records, e);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    struct backup_reader r;
    struct backup_item item;
    struct error e;
    assert_int_equal(backup_open(&r, slice_of(file_bytes, file_len), &e), 0);
    assert_string_equal(r.info.cluster, "cccccccc-0000-4000-8000-000000000003");
    assert_int_equal(r.info.version, COMMITS);
    assert_int_equal(r.info.when_ms, 1795374816123);
    for (int i = 0; i < COMMITS; i++) {
        assert_int_equal(backup_read(&r, &item, &e), 1);
        assert_int_equal(item.kind, BACKUP_COMMIT);
        assert_string_equal(item.commit.hash, history[i].hash);
        assert_true(slice_eq(item.commit.config, history[i].config));
        assert_true(slice_eq(item.commit.why, SLICE("because")));
    }
    assert_int_equal(backup_read(&r, &item, &e), 1);
    assert_int_equal(item.kind, BACKUP_RECORD);
    assert_true(slice_eq(item.record_kind, SLICE("note")));
    assert_true(slice_eq(item.value, SLICE("v\n\0v")));
    assert_int_equal(backup_read(&r, &item, &e), 1);
    assert_true(slice_eq(item.key, SLICE("node a")));
    assert_int_equal(backup_read(&r, &item, &e), 0);
    backup_close(&r);

    struct backup_info info;
    size_t commits, records;
    assert_int_equal(backup_check(slice_of(file_bytes, file_len), &info, &commits, &records, &e),
                     0);
    assert_int_equal(commits, COMMITS);
    assert_int_equal(records, 2);
    assert_string_equal(info.hash, history[COMMITS - 1].hash);
}

static void a_file_that_was_cut_is_refused(void **state)
{
    (void)state;
    for (size_t len = 0; len < file_len; len++) {
        struct error e = {0};
        assert_int_equal(check(slice_of(file_bytes, len), &e), -1);
        assert_int_equal(e.code, ERROR_INVALID);
    }
}

static void a_file_that_was_changed_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < file_len; i++) {
        struct error e = {0};
        file_bytes[i] ^= 1;
        assert_int_equal(check(slice_of(file_bytes, file_len), &e), -1);
        assert_true(e.code == ERROR_INVALID || e.code == ERROR_CONFLICT);
        file_bytes[i] ^= 1;
    }
    char *more = malloc(file_len + 1);
    struct error e = {0};
    memcpy(more, file_bytes, file_len);
    more[file_len] = '0';
    assert_int_equal(check(slice_of(more, file_len + 1), &e), -1);
    free(more);
}

static void other_files_are_no_backups(void **state)
{
    (void)state;
    static const char *const others[] = {
        "",       "SQLite format 3",        "10:3:abc,1:x,]", "0:]",
        "3:abc,", "18:6:backup,5:1:a,1#}]", "9:6:backup,]"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct error e = {0};
        assert_int_equal(check(slice_str(others[i]), &e), -1);
        assert_int_equal(e.code, ERROR_INVALID);
        assert_non_null(strstr(e.text, "no backup"));
    }
}

static void a_full_disk_is_told(void **state)
{
    (void)state;
    struct backup_writer w;
    struct error e = {0};
    struct backup_info info = {.cluster = "cccccccc-0000-4000-8000-000000000003",
                               .hash = COMMIT_NO_PARENT};
    FILE *full = fopen("/dev/full", "w");
    assert_non_null(full);
    int failed = backup_begin(&w, full, &info, &e);
    if (failed == 0)
        failed = backup_finish(&w, &e);
    assert_int_equal(failed, -1);
    assert_int_equal(e.code, ERROR_IO);
    backup_writer_fini(&w);
    fclose(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_written_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_that_was_cut_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_that_was_changed_is_refused, set_up, tear_down),
        cmocka_unit_test(other_files_are_no_backups),
        cmocka_unit_test(a_full_disk_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
