/* Distances and the choice among candidates. */

#include "m2sh/base/suggest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void test_distance(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        unsigned distance;
    } rows[] = {
        {"", "", 0},
        {"a", "", 1},
        {"", "abc", 3},
        {"load", "load", 0},
        {"load", "LOAD", 0},
        {"laod", "load", 1},
        {"lod", "load", 1},
        {"loaad", "load", 1},
        {"lxad", "load", 1},
        {"severs", "servers", 1},
        {"kitten", "sitting", 3},
        {"ca", "abc", 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(suggest_distance(slice_str(rows[i].a), slice_str(rows[i].b)),
                         rows[i].distance);
        assert_int_equal(suggest_distance(slice_str(rows[i].b), slice_str(rows[i].a)),
                         rows[i].distance);
    }
    char lengthy[200] = {0};
    memset(lengthy, 'x', sizeof lengthy - 1);
    assert_int_equal(suggest_distance(slice_str(lengthy), SLICE("x")), 199);
}

static void test_choice(void **state)
{
    (void)state;
    static const struct {
        const char *word, *best;
    } rows[] = {
        {"laod", "load"}, {"serves", "servers"}, {"stats", "status"}, {"xyzzy", ""}, {"a", ""},
        {"ls", ""},
    };
    static const char *const words[] = {"load", "log", "servers", "status", "start", "uuid"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct suggest s;
        suggest_init(&s, slice_str(rows[i].word));
        for (size_t k = 0; k < sizeof words / sizeof words[0]; k++)
            suggest_offer(&s, slice_str(words[k]));
        if (!slice_eq(s.best, slice_str(rows[i].best)))
            fail_msg("%s: %.*s", rows[i].word, SLICE_ARG(s.best));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distance),
        cmocka_unit_test(test_choice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
