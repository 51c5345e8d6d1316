// links: m2_procer
/* Unknown names and circles among profiles. */
#include "deploy/procer/order.h"
#include "tests/unit/deploy/procer/folder.h"

static size_t check(void)
{
    struct profiles all;
    struct error e;
    assert_int_equal(profiles_scan(&all, folder, folder_report, &e), 0);
    size_t problems = order_check(&all, folder_report);
    profiles_fini(&all);
    return problems;
}

static void test_nothing_wrong(void **state)
{
    (void)state;
    folder_add_profile("a", "b c");
    folder_add_profile("b", "c d");
    folder_add_profile("c", "d");
    folder_add_profile("d", NULL);
    assert_int_equal(check(), 0);
    assert_string_equal(reported, "");
}

static void test_an_unknown_name(void **state)
{
    (void)state;
    folder_add_profile("chat", "mongrel3");
    assert_int_equal(check(), 1);
    assert_string_equal(reported, "chat: Could not find dependency chat has on mongrel3.\n");
}

static void test_circles(void **state)
{
    (void)state;
    folder_add_profile("a", "b");
    folder_add_profile("b", "c x");
    folder_add_profile("c", "b");
    folder_add_profile("self", "self");
    folder_add_profile("x", NULL);
    assert_int_equal(check(), 2);
    assert_string_equal(reported, "b: depends on itself, so it never starts: b -> c -> b\n"
                                  "self: depends on itself, so it never starts: self -> self\n");
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_set_up, folder_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_nothing_wrong),
        WITH_FOLDER(test_an_unknown_name),
        WITH_FOLDER(test_circles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
