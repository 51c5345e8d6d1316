/* A line of the shell to words. */

#include "m2sh/base/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_split(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int count; /* -1: refused */
        const char *words[5];
    } rows[] = {
        {"", 0, {NULL}},
        {"  \t ", 0, {NULL}},
        {"load", 1, {"load"}},
        {" load  -db\tx ", 3, {"load", "-db", "x"}},
        {"commit -why \"two words\"", 3, {"commit", "-why", "two words"}},
        {"a 'b \"c\" d' \"it's\"", 3, {"a", "b \"c\" d", "it's"}},
        {"x=\"a b\"c ''", 2, {"x=a bc", ""}},
        {"\\n \\", 2, {"\\n", "\\"}},
        {"open \"quote", -1, {NULL}},
        {"'", -1, {NULL}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena a;
        struct error e;
        char **words;
        int count;
        arena_init(&a, 0);
        int result = words_split(rows[i].line, &a, &words, &count, &e);
        assert_int_equal(result, rows[i].count < 0 ? -1 : 0);
        if (result == 0) {
            assert_int_equal(count, rows[i].count);
            assert_null(words[count]);
            for (int k = 0; k < count; k++)
                assert_string_equal(words[k], rows[i].words[k]);
        } else {
            assert_int_equal(e.code, ERROR_USAGE);
        }
        arena_fini(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_split)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
