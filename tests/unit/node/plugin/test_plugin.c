/* Plug-ins are found again, loaded anew when something has changed, and refused with a sentence.
 * The shared objects are those of tests/programs/plugins. */

#include "node/plugin/plugin.h"
#include "node/plugin/values.h"
#include "tests/unit/proto/model/fixture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define AT(name) M2_BINARY "/tests/plugins/" name ".so"

static struct plugins plugins;

static int set_up(void **state)
{
    (void)state;
    plugins_init(&plugins);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_true(list_is_empty(&plugins.all));
    return 0;
}

static struct plugin *get(const char *path, const char *settings)
{
    struct error e;
    struct plugin *p = plugin_get(&plugins, PLUGIN_FILTER, path, slice_str(settings), &e);
    if (p == NULL)
        fail_msg("%s", e.text);
    return p;
}

static void test_the_same_is_found_again(void **state)
{
    (void)state;
    struct plugin *one = get(AT("quiet"), "0:}"), *again = get(AT("quiet"), "0:}");
    assert_ptr_equal(one, again);
    assert_true(plugin_wants(one, M2_OPEN));
    assert_false(plugin_wants(one, M2_CLOSE));
    plugin_unref(again);
    plugin_unref(one);
}

static void test_other_settings_are_another_with_variables_of_its_own(void **state)
{
    (void)state;
    struct plugin *one = get(AT("quiet"), "0:}"), *other = get(AT("quiet"), "8:1:a,1:1#}");
    assert_ptr_not_equal(one, other);
    assert_ptr_not_equal(one->library.handle, other->library.handle);
    assert_ptr_not_equal((void *)(uintptr_t)one->transition, (void *)(uintptr_t)other->transition);
    plugin_unref(one);
    plugin_unref(other);
}

static void copy(const char *from, const char *to)
{
    char command[1024];
    snprintf(command, sizeof command, "cp '%s' '%s'", from, to);
    assert_int_equal(system(command), 0);
}

static void test_a_file_that_has_changed_is_loaded_anew(void **state)
{
    (void)state;
    char path[] = "/tmp/m2-unit-plugin-XXXXXX";
    close(mkstemp(path));
    copy(AT("quiet"), path);
    struct plugin *old = get(path, "0:}");
    copy(AT("recorder"), path);
    struct plugin *new = get(path, "0:}");
    assert_ptr_not_equal(old, new);
    assert_true(plugin_wants(new, M2_CLOSE));
    assert_int_equal(old->transition(M2_OPEN, NULL, NULL), M2_OPEN); /* what runs is a copy */
    unlink(path);
    struct plugin *kept = get(path, "0:}"); /* out of sight: the newest of that name */
    assert_ptr_equal(kept, new);
    plugin_unref(kept);
    plugin_unref(old);
    plugin_unref(new);
}

static void test_what_is_no_plugin_is_refused(void **state)
{
    (void)state;
    static const struct {
        enum plugin_kind kind;
        const char *path, *settings, *says;
        enum error_code code;
    } cases[] = {
        {PLUGIN_FILTER, "/none.so", "0:}", "Can't open", ERROR_IO},
        {PLUGIN_FILTER, "/tmp", "0:}", "no shared object", ERROR_INVALID},
        {PLUGIN_FILTER, "/etc/passwd", "0:}", "Can't load", ERROR_INVALID},
        {PLUGIN_FILTER, AT("other_version"), "0:}", "has version 1", ERROR_UNSUPPORTED},
        {PLUGIN_FILTER, AT("no_version"), "0:}", "says no version", ERROR_UNSUPPORTED},
        {PLUGIN_FILTER, AT("no_init"), "0:}", "function filter_init", ERROR_INVALID},
        {PLUGIN_FILTER, AT("no_transition"), "0:}", "function filter_transition", ERROR_INVALID},
        {PLUGIN_FILTER, AT("bad_event"), "0:}", "event 99", ERROR_INVALID},
        {PLUGIN_FILTER, AT("refuses"), "0:}", "refuses to begin", ERROR_REFUSED},
        {PLUGIN_FILTER, AT("quiet"), "0:]", "no dict", ERROR_INVALID},
        {PLUGIN_FILTER, AT("quiet"), "x", "", ERROR_INVALID},
        {PLUGIN_XREQUEST, AT("quiet"), "0:}", "refuses to begin", ERROR_REFUSED},
        {PLUGIN_XREQUEST, AT("recorder"), "0:}", "function xrequest_init", ERROR_INVALID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error e;
        assert_null(
            plugin_get(&plugins, cases[i].kind, cases[i].path, slice_str(cases[i].settings), &e));
        assert_non_null(strstr(e.text, cases[i].says));
        assert_int_equal(e.code, cases[i].code);
        assert_string_equal(e.object, cases[i].path);
    }
}

static void test_an_xrequest_says_its_keys(void **state)
{
    (void)state;
    struct error e;
    struct plugin *p = plugin_get(&plugins, PLUGIN_XREQUEST, AT("parrot"), SLICE("0:}"), &e);
    assert_non_null(p);
    assert_int_equal(p->key_count, 2);
    assert_string_equal(p->keys[1], "bye");
    plugin_unref(p);
}

static size_t open_files(void)
{
    size_t count = 0;
    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void test_nothing_is_left_behind(void **state)
{
    (void)state;
    struct error e;
    size_t files = open_files();
    for (int i = 0; i < 50; i++) {
        plugin_unref(get(AT("quiet"), "0:}"));
        assert_null(plugin_get(&plugins, PLUGIN_FILTER, AT("refuses"), SLICE("0:}"), &e));
    }
    assert_int_equal(open_files(), files);
}

/* Settings of any nesting. */
static void test_values(void **state)
{
    (void)state;
    const struct m2_api *m2 = &plugins.api;
    struct plugin *p = get(
        AT("quiet"), "67:4:deep,21:1:d,13:2:no,5:false!}}1:n,2:42#1:l,10:1:x,0:~0:]]2:no,0:~}");
    const struct m2_value *s = plugin_value(&p->settings);
    assert_int_equal(m2->type(s), M2_DICT);
    assert_int_equal(m2->count(s), 4);
    assert_memory_equal(m2->key(s, 1).ptr, "n", 1);
    assert_int_equal(m2->integer(m2->get(s, "n")), 42);
    const struct m2_value *deep = m2->get(m2->get(s, "deep"), "d");
    assert_int_equal(m2->type(m2->get(deep, "no")), M2_BOOLEAN);
    assert_int_equal(m2->boolean(m2->get(deep, "no")), 0);
    const struct m2_value *list = m2->get(s, "l");
    assert_int_equal(m2->count(list), 3);
    assert_memory_equal(m2->string(m2->at(list, 0)).ptr, "x", 1);
    assert_int_equal(m2->type(m2->at(list, 1)), M2_NULL);
    /* what is not there, or something else, is nothing */
    assert_null(m2->at(list, 3));
    assert_null(m2->key(list, 0).ptr);
    assert_null(m2->get(s, "none"));
    assert_null(m2->get(list, "n"));
    assert_null(m2->string(list).ptr);
    assert_int_equal(m2->type(NULL), M2_NULL);
    assert_int_equal(m2->integer(NULL), 0);
    assert_int_equal(m2->count(NULL), 0);
    plugin_unref(p);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_same_is_found_again),
        TEST(test_other_settings_are_another_with_variables_of_its_own),
        TEST(test_a_file_that_has_changed_is_loaded_anew),
        TEST(test_what_is_no_plugin_is_refused),
        TEST(test_an_xrequest_says_its_keys),
        TEST(test_nothing_is_left_behind),
        TEST(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
