/* Widths of text, and when there is colour. */

#include "m2sh/out/out_term.h"

#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static void test_columns(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t columns;
    } rows[] = {
        {"", 0},
        {"abc", 3},
        {"\303\251", 1},                 /* é */
        {"e\314\201", 1},                /* e and a combining accent */
        {"\346\274\242\345\255\227", 4}, /* two ideographs */
        {"\360\237\220\225", 2},         /* an emoji */
        {"\377x", 2},                    /* no UTF-8 */
        {"\303", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(out_term_columns(slice_str(rows[i].text)), rows[i].columns);
}

static void test_color(void **state)
{
    (void)state;
    struct out_term t;
    int master, slave;
    struct winsize size = {.ws_row = 10, .ws_col = 123};
    assert_int_equal(openpty(&master, &slave, NULL, NULL, &size), 0);
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    out_term_init(&t, slave);
    assert_true(t.is_tty);
    assert_true(t.has_color);
    assert_int_equal(t.width, 123);
    assert_string_equal(out_term_begin(&t, OUT_BOLD), "\033[1m");
    assert_string_equal(out_term_end(&t, OUT_BOLD), "\033[0m");
    assert_string_equal(out_term_end(&t, OUT_PLAIN), "");

    setenv("NO_COLOR", "1", 1);
    out_term_init(&t, slave);
    assert_false(t.has_color);
    assert_string_equal(out_term_begin(&t, OUT_BAD), "");

    unsetenv("NO_COLOR");
    setenv("TERM", "dumb", 1);
    out_term_init(&t, slave);
    assert_false(t.has_color);
    close(master);
    close(slave);

    setenv("TERM", "xterm", 1);
    setenv("COLUMNS", "77", 1);
    int fd = open("/dev/null", O_WRONLY);
    out_term_init(&t, fd);
    assert_false(t.is_tty);
    assert_false(t.has_color);
    assert_int_equal(t.width, 77);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_color),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
