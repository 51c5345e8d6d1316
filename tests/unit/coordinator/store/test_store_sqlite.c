/* The store contract against SQLite, and what only a file has: reopening, a lock, hands that edit.
 */
// links: m2_coordinator PkgConfig::SQLITE

#include "tests/unit/coordinator/store/contract.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <unistd.h>

static char folder[] = "/tmp/m2-store-XXXXXX";
static char url[64];
static unsigned opened;

static const char *path(void)
{
    return url + strlen("sqlite:");
}

static struct store *contract_open(struct ev_loop *loop)
{
    struct store *s = NULL;
    struct error e;
    snprintf(url, sizeof url, "sqlite:%s/%u/store.sqlite", folder, ++opened);
    if (store_open(&s, url, loop, &e) != 0)
        fail_msg("%s", e.text);
    return s;
}

static void contract_end_lease(struct contract *c)
{
    (void)c;
    clock_fake(7000000, 1700000006000);
}

static int reopen(struct contract *c, struct error *e)
{
    store_close(&c->store);
    return store_open(&c->store, url, c->loop, e);
}

static void edit(const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path(), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void test_survives_a_restart(void **state)
{
    struct contract *c = *state;
    contract_fill(c, 3);
    struct store_head head = c->head;
    contract_wait(c, store_head(c->store, contract_done, c, NULL));
    char cluster[UUID_LEN + 1];
    memcpy(cluster, c->cluster, sizeof cluster);
    CALL(c, store_put, STORE_NOTE, SLICE("k"), SLICE("v"), c->token);
    assert_int_equal(reopen(c, NULL), 0);
    contract_wait(c, store_head(c->store, contract_done, c, NULL));
    assert_int_equal(c->head.version, 3);
    assert_string_equal(c->head.hash, head.hash);
    assert_string_equal(c->cluster, cluster);
    CALL(c, store_scan, STORE_NOTE, SLICE_EMPTY, 3);
    assert_int_equal(c->record_count, 1);
    /* the new process takes over at once, and the old one's token is void */
    contract_claim(c, OWNER_B, 5000);
    assert_true(c->lease.held);
    assert_true(c->lease.token > c->token);
}

static void test_one_coordinator_per_store(void **state)
{
    struct contract *c = *state;
    struct store *second = NULL;
    struct error e;
    assert_int_equal(store_open(&second, url, c->loop, &e), -1);
    assert_int_equal(e.code, ERROR_EXISTS);
    assert_null(second);
}

static void test_an_edited_history_is_refused(void **state)
{
    static const char *const edits[] = {
        "UPDATE commits SET why = 'nothing' WHERE version = 2",
        "UPDATE commits SET when_ms = when_ms + 1 WHERE version = 1",
        "DELETE FROM commits WHERE version = 2",
        "DELETE FROM commits WHERE version = 1",
        "UPDATE commits SET parent = hash WHERE version = 3",
        "UPDATE config SET bytes = 'ODD' WHERE bytes = CAST('odd' AS BLOB)",
        ("UPDATE commits SET config_hash = (SELECT config_hash FROM commits WHERE version = 2)"
         " WHERE version = 3"),
    };
    struct contract *c = *state;
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        struct error e;
        if (i > 0) {
            c->store = contract_open(c->loop);
            contract_claim(c, OWNER_A, 5000);
            c->token = c->lease.token;
        }
        contract_fill(c, 3);
        store_close(&c->store);
        edit(edits[i]);
        if (store_open(&c->store, url, c->loop, &e) == 0)
            fail_msg("accepted: %s", edits[i]);
        assert_int_equal(e.code, ERROR_CONFLICT);
        assert_non_null(strstr(e.text, path()));
    }
}

static void test_an_old_configuration_is_checked_when_it_is_read(void **state)
{
    struct contract *c = *state;
    contract_fill(c, 3);
    store_close(&c->store);
    edit("UPDATE config SET bytes = 'EVEN' WHERE bytes = CAST('even' AS BLOB)");
    assert_int_equal(store_open(&c->store, url, c->loop, NULL), 0);
    CALL(c, store_get, 2);
    assert_int_equal(c->error.code, ERROR_CONFLICT);
    CALL(c, store_get, 3);
    assert_int_equal(c->error.code, ERROR_NONE);
}

/* A full disk: the commit is not kept, what was there is untouched, and later it works again. */
static void test_a_full_disk(void **state)
{
    struct contract *c = *state;
    struct rlimit unlimited, small;
    char big[200000];
    contract_fill(c, 1);
    memset(big, 'x', sizeof big);
    struct commit next = contract_commit(2, c->head.hash, "even", "");
    next.config = slice_of(big, sizeof big);
    assert_int_equal(commit_seal(&next, NULL), 0);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &unlimited);
    small = unlimited;
    small.rlim_cur = 100000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    CALL(c, store_append, &next, c->token);
    setrlimit(RLIMIT_FSIZE, &unlimited);
    assert_int_not_equal(c->error.code, ERROR_NONE);
    contract_wait(c, store_head(c->store, contract_done, c, NULL));
    assert_int_equal(c->head.version, 1);
    CALL(c, store_append, &next, c->token);
    assert_int_equal(c->error.code, ERROR_NONE);
    assert_int_equal(reopen(c, NULL), 0);
}

static void test_equal_configurations_are_kept_once(void **state)
{
    struct contract *c = *state;
    contract_fill(c, 10);
    store_close(&c->store);
    edit("CREATE TABLE proof(n INTEGER CHECK(n = 2));"
         "INSERT INTO proof SELECT count(*) FROM config; DROP TABLE proof");
}

static void test_foreign_files_are_refused(void **state)
{
    struct contract *c = *state;
    struct error e;
    store_close(&c->store);
    edit("DROP TABLE commits");
    assert_int_equal(store_open(&c->store, url, c->loop, &e), -1);
    assert_int_equal(e.code, ERROR_INVALID);
    FILE *f = fopen(path(), "w");
    fputs("this is no database at all, but long enough to have a header", f);
    fclose(f);
    assert_int_equal(store_open(&c->store, url, c->loop, &e), -1);
    assert_int_equal(store_open(&c->store, "sqlite:", c->loop, &e), -1);
    assert_int_equal(e.code, ERROR_USAGE);
    assert_int_equal(store_open(&c->store, "sqlite:/nowhere/at/all", c->loop, &e), -1);
    assert_int_equal(e.code, ERROR_IO);
    assert_int_equal(store_open(&c->store, "tape:x", c->loop, &e), -1);
    assert_int_equal(e.code, ERROR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONTRACT_TESTS,
        CONTRACT_TEST(test_survives_a_restart),
        CONTRACT_TEST(test_one_coordinator_per_store),
        CONTRACT_TEST(test_an_edited_history_is_refused),
        CONTRACT_TEST(test_an_old_configuration_is_checked_when_it_is_read),
        CONTRACT_TEST(test_a_full_disk),
        CONTRACT_TEST(test_equal_configurations_are_kept_once),
        CONTRACT_TEST(test_foreign_files_are_refused),
    };
    if (mkdtemp(folder) == NULL)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) != 0 ? 1 : failed;
}
