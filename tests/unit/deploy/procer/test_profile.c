// links: m2_procer
/* Profiles as directories say them. */
#include "deploy/procer/profile.h"
#include "tests/unit/deploy/procer/folder.h"

static void test_a_profile(void **state)
{
    (void)state;
    struct error e;
    char expected[4096];
    folder_add_profile("chat", "  mongrel2 \tdb  \nignored");
    folder_put("chat/pid_file", " run/chat.pid \r\nignored\n");
    folder_put("chat/restart", "");
    struct profile *p = profile_read(folder, "chat", &e);
    assert_non_null(p);
    assert_string_equal(p->name, "chat");
    assert_string_equal(p->run, folder_path("chat/run"));
    assert_string_equal(p->pid_file, "run/chat.pid");
    snprintf(expected, sizeof expected, "%s/run/chat.pid", folder);
    assert_string_equal(p->pid_path, expected);
    assert_string_equal(p->depends[0], "mongrel2");
    assert_string_equal(p->depends[1], "db");
    assert_null(p->depends[2]);
    assert_true(p->restart && p->has_pid_file);
    assert_int_equal(p->uid, getuid());
    profile_destroy(p);
}

static void test_what_may_be_missing(void **state)
{
    (void)state;
    struct error e;
    folder_add_profile("web", NULL);
    struct profile *p = profile_read(folder, "web", &e);
    assert_non_null(p);
    assert_false(p->restart || p->has_pid_file);
    assert_null(p->depends[0]);
    assert_string_equal(p->pid_path, folder_path("web/run.pid"));
    profile_destroy(p);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    struct error e;
    assert_int_equal(mkdir(folder_path("empty"), 0755), 0);
    assert_null(profile_read(folder, "empty", &e));
    assert_non_null(strstr(e.text, "run"));
    folder_add_profile("blank", NULL);
    folder_put("blank/pid_file", "\n");
    assert_null(profile_read(folder, "blank", &e));
    assert_non_null(strstr(e.text, "pid_file is empty"));
    assert_null(profile_read(folder, "nowhere", &e));
}

static void test_a_scan(void **state)
{
    (void)state;
    struct profiles all;
    struct error e;
    folder_add_profile("b", NULL);
    folder_add_profile("A9", NULL);
    folder_add_profile("0", NULL);
    folder_add_profile(".hidden", NULL);
    folder_add_profile("_off", NULL);
    folder_put("file", "");
    assert_int_equal(mkdir(folder_path("bad"), 0755), 0);
    assert_int_equal(symlink("b", folder_path("link")), 0);
    assert_int_equal(profiles_scan(&all, folder, folder_report, &e), 0);
    assert_int_equal(all.count, 3);
    assert_non_null(profiles_find(&all, "b"));
    assert_non_null(profiles_find(&all, "A9"));
    assert_non_null(profiles_find(&all, "0"));
    assert_null(profiles_find(&all, "link"));
    assert_non_null(strstr(reported, "bad: Can't find run"));
    profiles_fini(&all);
    assert_int_equal(profiles_scan(&all, folder_path("none"), folder_report, &e), -1);
}

static void test_equality_is_of_content(void **state)
{
    (void)state;
    static const struct {
        const char *file, *text;
    } changes[] = {
        {"p/depends", "a c"},
        {"p/depends", "a"},
        {"p/pid_file", "y"},
        {"p/restart", ""},
    };
    struct error e;
    folder_add_profile("p", "a b");
    folder_put("p/pid_file", "x");
    struct profile *old = profile_read(folder, "p", &e);
    folder_put("p/depends", "a  b\n");
    struct profile *same = profile_read(folder, "p", &e);
    assert_true(profile_is_equal(old, same));
    profile_destroy(same);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        folder_put(changes[i].file, changes[i].text);
        struct profile *fresh = profile_read(folder, "p", &e);
        assert_false(profile_is_equal(old, fresh));
        profile_destroy(old);
        old = fresh;
    }
    profile_destroy(old);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_set_up, folder_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_a_profile),
        WITH_FOLDER(test_what_may_be_missing),
        WITH_FOLDER(test_what_is_refused),
        WITH_FOLDER(test_a_scan),
        WITH_FOLDER(test_equality_is_of_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
