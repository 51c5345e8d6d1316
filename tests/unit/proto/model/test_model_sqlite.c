#include "proto/base/buf.h"
#include "proto/model/database.h"
#include "proto/model/model_sqlite.h"
#include "tests/unit/proto/model/fixture.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char *directory;

static int set_up(void **state)
{
    (void)state;
    directory = fixture_directory();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fixture_directory_remove(directory);
    return 0;
}

static const char *path_of(const char *name)
{
    static char paths[8][300]; /* valid for the next seven calls */
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", directory, name);
    return path;
}

static void sql(const char *path, const char *statements)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    char *message = NULL;
    if (sqlite3_exec(db, statements, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", statements, message);
    sqlite3_close(db);
}

static void write_ok(const struct model *m, const char *path, const struct log_entry *entry)
{
    struct error e = {0};
    if (model_sqlite_write(m, path, entry, &e) < 0)
        fail_msg("%s", e.text);
}

static struct model *read_ok(const char *path)
{
    struct error e = {0};
    struct model *m = NULL;
    if (model_sqlite_read(&m, path, &e) < 0)
        fail_msg("%s", e.text);
    assert_true(model_is_frozen(m));
    return m;
}

static void assert_file_count(int expected)
{
    char command[300];
    snprintf(command, sizeof command, "test $(ls -A '%s' | wc -l) = %d", directory, expected);
    assert_int_equal(system(command), 0);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    struct model *sites[] = {fixture_site(), fixture_site_with_additions()};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(model_freeze(sites[i], NULL), 0);
        for (int again = 0; again < 2; again++) { /* a new file, and over what is there */
            write_ok(sites[i], path_of("round.sqlite"), NULL);
            struct model *back = read_ok(path_of("round.sqlite"));
            fixture_assert_same_rows(sites[i], back);
            model_unref(back);
        }
        model_unref(sites[i]);
    }
    assert_file_count(1);
    unlink(path_of("round.sqlite"));
}

static int dump_row(void *arg, int count, char **values, char **names)
{
    (void)names;
    for (int i = 0; i < count; i++)
        buf_printf(arg, "%s%s", i > 0 ? "|" : "", values[i] != NULL ? values[i] : "NULL");
    buf_append_char(arg, '\n');
    return 0;
}

static void dump(const char *path, struct buf *out)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    sqlite3_stmt *s;
    sqlite3_prepare_v2(db,
                       "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name",
                       -1, &s, NULL);
    while (sqlite3_step(s) == SQLITE_ROW) {
        buf_printf(out, "%s\n", (const char *)sqlite3_column_text(s, 1));
        char select[100];
        snprintf(select, sizeof select, "SELECT * FROM %s",
                 (const char *)sqlite3_column_text(s, 0));
        assert_int_equal(sqlite3_exec(db, select, dump_row, out, NULL), SQLITE_OK);
    }
    sqlite3_finalize(s);
    sqlite3_close(db);
}

static void assert_golden(const struct buf *actual, const char *name)
{
    char path[300];
    snprintf(path, sizeof path, "%s/model/%s", M2_GOLDEN, name);
    if (getenv("M2_GOLDEN_WRITE") != NULL) {
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        fwrite(buf_str(actual), 1, actual->len, f);
        fclose(f);
    }
    FILE *f = fopen(path, "r");
    if (f == NULL)
        fail_msg("no golden file %s", path);
    char *expected = calloc(1, 100000);
    (void)!fread(expected, 1, 99999, f);
    fclose(f);
    assert_string_equal(buf_str(actual), expected);
    free(expected);
}

static void the_tables_are_upstreams_until_additions_are_used(void **state)
{
    (void)state;
    struct log_entry entry = {.who = "alice",
                              .what = "load",
                              .location = "vm",
                              .happened_at = "2026-11-22 19:40:55",
                              .how = "a.conf"};
    struct model *sites[] = {fixture_site(), fixture_site_with_additions()};
    const char *golden[] = {"config.txt", "config-additions.txt"};
    for (int i = 0; i < 2; i++) {
        const char *path = path_of(golden[i]);
        assert_int_equal(model_freeze(sites[i], NULL), 0);
        write_ok(sites[i], path, &entry);
        struct buf out = BUF_INIT;
        dump(path, &out);
        assert_golden(&out, golden[i]);
        buf_fini(&out);
        unlink(path);
        model_unref(sites[i]);
    }
}

static void the_log_and_foreign_tables_stay(void **state)
{
    (void)state;
    const char *path = path_of("keep.sqlite");
    struct model *plain = fixture_site(), *more = fixture_site_with_additions();
    assert_int_equal(model_freeze(plain, NULL) + model_freeze(more, NULL), 0);
    write_ok(more, path, &(struct log_entry){.who = "a", .what = "load"});
    sql(path, "CREATE TABLE notes (x); INSERT INTO notes VALUES (1); "
              "INSERT INTO statistic (other_type, other_id, name, n) VALUES ('commit', 1, 'x', 5); "
              "CREATE VIEW v AS SELECT name FROM server");
    write_ok(plain, path, &(struct log_entry){.who = "b", .what = "load"});
    sql(path, "INSERT INTO notes SELECT n FROM statistic; INSERT INTO notes SELECT 1 FROM v");
    struct model *back = read_ok(path);
    fixture_assert_same_rows(plain, back); /* the tables of additions are gone */
    model_unref(back);

    struct arena a;
    arena_init(&a, 0);
    struct log_entry *entries;
    size_t count;
    assert_int_equal(model_log_read(&entries, &count, path, 0, &a, NULL), 0);
    assert_int_equal(count, 2);
    assert_string_equal(entries[0].who, "a");
    assert_string_equal(entries[1].who, "b");
    arena_fini(&a);

    sql(path, "CREATE TABLE status (color TEXT)"); /* somebody else's */
    write_ok(plain, path, NULL);
    back = read_ok(path);
    assert_int_equal(model_count(back, TABLE_STATUS), 0);
    model_unref(back);
    struct error e;
    assert_int_equal(model_sqlite_write(more, path, NULL, &e), -1);
    assert_int_equal(e.code, ERROR_INVALID);
    assert_string_equal(e.object, "status");
    model_unref(plain);
    model_unref(more);
    unlink(path);
}

static void reading_makes_no_file(void **state)
{
    (void)state;
    struct model *m;
    struct error e;
    assert_int_equal(model_sqlite_read(&m, path_of("none.sqlite"), &e), -1);
    assert_int_equal(e.code, ERROR_NOT_FOUND);
    assert_int_equal(access(path_of("none.sqlite"), F_OK), -1);
    int fd = open(path_of("junk"), O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, "this is no database, but long enough to be looked at", 52), 52);
    close(fd);
    assert_int_equal(model_sqlite_read(&m, path_of("junk"), &e), -1);
    assert_int_equal(e.code, ERROR_INVALID);
    assert_int_equal(truncate(path_of("junk"), 0), 0);
    assert_int_equal(model_sqlite_read(&m, path_of("junk"), &e), -1);
    assert_int_equal(e.code, ERROR_INVALID);
    assert_non_null(strstr(e.text, "no table server"));
    unlink(path_of("junk"));
    assert_int_equal(model_sqlite_read(&m, directory, &e), -1);
    assert_file_count(0);
}

static void a_failed_write_leaves_what_was_there(void **state)
{
    (void)state;
    const char *path = path_of("old.sqlite");
    struct model *good = fixture_site(), *bad = fixture_site();
    fixture_row(bad, TABLE_HOST, "server_id=1", "name=NULL", NULL);
    assert_int_equal(model_freeze(good, NULL) + model_freeze(bad, NULL), 0);
    struct error e;
    assert_int_equal(model_sqlite_write(bad, path, NULL, &e), -1);
    assert_int_equal(e.code, ERROR_INVALID);
    assert_non_null(strstr(e.text, "Table host, row 2, column name"));
    assert_file_count(0);
    write_ok(good, path, NULL);
    assert_int_equal(model_sqlite_write(bad, path, NULL, &e), -1);
    struct model *back = read_ok(path);
    fixture_assert_same_rows(good, back);
    model_unref(back);
    assert_file_count(1);
    assert_int_equal(model_sqlite_write(good, path_of("no/such/dir.sqlite"), NULL, &e), -1);
    assert_int_equal(e.code, ERROR_IO);
    model_unref(good);
    model_unref(bad);
    unlink(path);
}

static void writer_dies(const char *path)
{
    sqlite3 *db;
    sqlite3_open(path, &db);
    sqlite3_exec(db, "PRAGMA cache_size=1; BEGIN; DELETE FROM route; DELETE FROM mimetype", 0, 0,
                 0);
    for (int i = 0; i < 2000; i++) /* more than the cache: pages reach the file */
        sqlite3_exec(db,
                     "INSERT INTO mimetype (mimetype, extension) VALUES (hex(zeroblob(300)), 'x')",
                     0, 0, 0);
    _exit(0);
}

static void a_killed_writer_is_recovered_from(void **state)
{
    (void)state;
    const char *path = path_of("killed.sqlite");
    struct model *m = fixture_site();
    assert_int_equal(model_freeze(m, NULL), 0);
    write_ok(m, path, NULL);
    pid_t child = fork();
    if (child == 0)
        writer_dies(path);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(access(path_of("killed.sqlite-journal"), F_OK), 0);
    struct model *back = read_ok(path_of("killed.sqlite"));
    fixture_assert_same_rows(m, back);
    model_unref(back);
    model_unref(m);
    unlink(path_of("killed.sqlite"));
    assert_file_count(0);
}

static void old_databases_are_read(void **state)
{
    (void)state;
    const char *path = path_of("old.sqlite");
    struct model *m = fixture_site();
    assert_int_equal(model_freeze(m, NULL), 0);
    write_ok(m, path, NULL);
    /* 1.12 has no error_log_level; before, there were no plugins; people add columns */
    sql(path, "ALTER TABLE server DROP COLUMN error_log_level; DROP TABLE filter; "
              "DROP TABLE xrequest; DROP TABLE log; DROP TABLE statistic; "
              "ALTER TABLE handler ADD COLUMN comment TEXT; "
              "ALTER TABLE handler ADD COLUMN Pool TEXT; UPDATE host SET maintenance = NULL");
    struct model *back = read_ok(path);
    fixture_assert_same_rows(m, back);
    model_unref(back);
    model_unref(m);
    unlink(path);
}

static void wrong_values_are_kept_or_named(void **state)
{
    (void)state;
    static const struct {
        const char *change;
        const char *says; /* NULL: read, for the check to find */
    } cases[] = {
        {"UPDATE server SET default_host = NULL", NULL},
        {"UPDATE server SET port = 'http'", NULL},
        {"UPDATE proxy SET port = 80.5 WHERE id = 1", "Table proxy, row 1, column port"},
        {"UPDATE host SET name = x'00ff'", "Table host, row 1, column name"},
        {"ALTER TABLE route DROP COLUMN path", "no column path"},
        {"DROP TABLE setting", "no table setting"},
        {"DROP TABLE proxy; CREATE TABLE proxy (id, addr, port); INSERT INTO proxy VALUES (NULL, "
         "'a', 1)",
         "without a number as id"},
    };
    struct model *m = fixture_site();
    assert_int_equal(model_freeze(m, NULL), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = path_of("wrong.sqlite");
        write_ok(m, path, NULL);
        sql(path, cases[i].change);
        struct error e = {0};
        struct model *back = NULL;
        int rc = model_sqlite_read(&back, path, &e);
        if (cases[i].says == NULL) {
            assert_int_equal(rc, 0);
        } else {
            assert_int_equal(rc, -1);
            assert_int_equal(e.code, ERROR_INVALID);
            if (strstr(e.text, cases[i].says) == NULL)
                fail_msg("\"%s\" does not say \"%s\"", e.text, cases[i].says);
        }
        model_unref(back);
        unlink(path);
    }
    model_unref(m);
}

static void a_locked_database_is_busy(void **state)
{
    (void)state;
    const char *path = path_of("busy.sqlite");
    struct model *m = fixture_site();
    assert_int_equal(model_freeze(m, NULL), 0);
    write_ok(m, path, NULL);
    sqlite3 *writer, *reader;
    assert_int_equal(sqlite3_open(path, &writer), SQLITE_OK);
    assert_int_equal(sqlite3_exec(writer, "BEGIN EXCLUSIVE", 0, 0, 0), SQLITE_OK);
    assert_int_equal(sqlite3_open(path, &reader), SQLITE_OK); /* without waiting */
    struct model *back = NULL;
    struct error e;
    assert_int_equal(model_sqlite_read_db(&back, reader, path, &e), -1);
    assert_int_equal(e.code, ERROR_TIMEOUT);
    sqlite3_close(reader);
    sqlite3_close(writer);
    model_unref(m);
    unlink(path);
}

static void the_log_is_appended_and_cut(void **state)
{
    (void)state;
    const char *path = path_of("log.sqlite");
    struct log_entry entry = {.who = "w", .what = "start", .why = NULL, .how = "m2sh"};
    struct error e;
    assert_int_equal(model_log_append(path, &entry, &e), -1);
    assert_int_equal(e.code, ERROR_NOT_FOUND);
    sql(path, "CREATE TABLE other (x)");
    struct arena a;
    arena_init(&a, 0);
    struct log_entry *entries;
    size_t count;
    assert_int_equal(model_log_read(&entries, &count, path, 0, &a, &e), 0);
    assert_int_equal(count, 0);
    char who[8];
    for (int i = 0; i < 5; i++) {
        snprintf(who, sizeof who, "w%d", i);
        entry.who = who;
        assert_int_equal(model_log_append(path, &entry, &e), 0);
    }
    assert_int_equal(model_log_read(&entries, &count, path, 2, &a, &e), 0);
    assert_int_equal(count, 2);
    assert_string_equal(entries[0].who, "w3");
    assert_string_equal(entries[1].who, "w4");
    assert_null(entries[1].why);
    assert_int_equal(strlen(entries[1].happened_at), 19);
    arena_fini(&a);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(the_tables_are_upstreams_until_additions_are_used),
        cmocka_unit_test(the_log_and_foreign_tables_stay),
        cmocka_unit_test(reading_makes_no_file),
        cmocka_unit_test(a_failed_write_leaves_what_was_there),
        cmocka_unit_test(a_killed_writer_is_recovered_from),
        cmocka_unit_test(old_databases_are_read),
        cmocka_unit_test(wrong_values_are_kept_or_named),
        cmocka_unit_test(a_locked_database_is_busy),
        cmocka_unit_test(the_log_is_appended_and_cut),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
