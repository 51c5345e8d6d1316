/* Certificates that come, change and go while they are in use. The clock is ours. */

#include "node/tls/cert_dir.h"
#include "proto/base/log.h"
#include "tests/unit/node/tls/certs.h"

static struct certs certs;
static struct cert_dir *dir;
static int64_t now_s;

static int set_up(void **state)
{
    (void)state;
    struct error e;
    now_s = 1000;
    certs_start(&certs);
    dir = cert_dir_open("", certs.dir, &certs.random, &now_s, &e);
    assert_non_null(dir);
    log_set_level(LOG_ERROR_LEVEL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_true(cert_dir_unref(dir));
    certs_stop(&certs);
    return 0;
}

static void assert_shown(const char *asked, const char *shown)
{
    char text[200];
    struct certificate *c = cert_dir_find(dir, slice_str(asked));
    if (shown == NULL) {
        assert_null(c);
        return;
    }
    assert_non_null(c);
    assert_string_equal(certs_name(&c->chain, text), shown);
    certificate_unref(c);
}

static void test_exact_before_wildcard(void **state)
{
    (void)state;
    certs_make(&certs, "_.example.test", "wild");
    certs_make(&certs, "www.example.test", "exact");
    assert_shown("www.example.test", "exact");
    assert_shown("WWW.example.test", "exact");
    assert_shown("other.example.test", "wild");
    assert_shown("a.other.example.test", NULL);
    assert_shown("example.test", NULL);
    assert_shown("../www.example.test", NULL);
}

static void test_looked_at_once_a_second(void **state)
{
    (void)state;
    assert_shown("a.test", NULL);
    certs_make(&certs, "a.test", "first");
    assert_shown("a.test", NULL);
    now_s++;
    assert_shown("a.test", "first");
    certs_make(&certs, "a.test", "second");
    assert_shown("a.test", "first");
    now_s++;
    assert_shown("a.test", "second");
    certs_remove(&certs, "a.test.key");
    now_s++;
    assert_shown("a.test", NULL);
}

static void test_who_uses_one_keeps_it(void **state)
{
    (void)state;
    char text[200];
    certs_make(&certs, "a.test", "first");
    struct certificate *c = cert_dir_find(dir, SLICE("a.test"));
    certs_make(&certs, "a.test", "second");
    now_s++;
    assert_shown("a.test", "second");
    assert_string_equal(certs_name(&c->chain, text), "first");
    certificate_unref(c);
}

static void test_a_broken_file_changes_nothing(void **state)
{
    (void)state;
    certs_make(&certs, "a.test", "good");
    assert_shown("a.test", "good");
    certs_write(&certs, "a.test.crt", "nonsense");
    for (int i = 0; i < 3; i++, now_s++)
        assert_shown("a.test", "good");
    cert_dir_forget(dir);
    assert_shown("a.test", "good");
    certs_make(&certs, "a.test", "better");
    now_s++;
    assert_shown("a.test", "better");
}

static void test_a_key_of_another(void **state)
{
    (void)state;
    struct error e;
    certs_make(&certs, "a.test", "a");
    certs_make(&certs, "b.test", "b");
    char from[200], to[200];
    snprintf(from, sizeof from, "%sb.test.key", certs.dir);
    snprintf(to, sizeof to, "%sa.test.key", certs.dir);
    assert_int_equal(rename(from, to), 0);
    assert_null(cert_dir_get(dir, "a.test", &e));
    assert_int_equal(e.code, ERROR_INVALID);
    assert_non_null(strstr(e.text, "does not belong to the certificate a.test.crt"));
    assert_null(cert_dir_get(dir, "b.test", &e));
    assert_int_equal(e.code, ERROR_NOT_FOUND);
}

static void test_invented_names_drive_out_nothing(void **state)
{
    (void)state;
    certs_make(&certs, "a.test", "a");
    struct certificate *before = cert_dir_find(dir, SLICE("a.test"));
    for (int i = 0; i < 2 * CERT_DIR_ABSENT_MAX; i++) {
        char name[40];
        snprintf(name, sizeof name, "n%d", i);
        assert_null(cert_dir_find(dir, slice_str(name)));
    }
    struct certificate *after = cert_dir_find(dir, SLICE("a.test"));
    assert_ptr_equal(before, after);
    certificate_unref(before);
    certificate_unref(after);
}

static void test_no_file_but_a_file(void **state)
{
    (void)state;
    struct error e;
    char path[200];
    certs_make(&certs, "a.test", "a");
    certs_remove(&certs, "a.test.crt");
    snprintf(path, sizeof path, "%sa.test.crt", certs.dir);
    assert_int_equal(mkfifo(path, 0600), 0); /* would be waited for */
    assert_null(cert_dir_get(dir, "a.test", &e));
    assert_non_null(strstr(e.text, "is no file"));
}

static void test_a_directory_that_is_not_there(void **state)
{
    (void)state;
    struct error e;
    assert_null(cert_dir_open("/nowhere", "certs/", &certs.random, &now_s, &e));
    assert_non_null(strstr(e.text, "/nowhere/certs/"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_exact_before_wildcard), TEST(test_looked_at_once_a_second),
        TEST(test_who_uses_one_keeps_it), TEST(test_a_broken_file_changes_nothing),
        TEST(test_a_key_of_another),      TEST(test_invented_names_drive_out_nothing),
        TEST(test_no_file_but_a_file),    TEST(test_a_directory_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
