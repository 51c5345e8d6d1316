/* Events stay, the passing line passes, and a pipe sees only events. */

#include "m2sh/out/out_progress.h"

#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

/* What can be read from `fd` now. */
static const char *read_all(int fd, char *text, size_t size)
{
    size_t len = 0;
    ssize_t got;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    while (len + 1 < size && (got = read(fd, text + len, size - len - 1)) > 0)
        len += (size_t)got;
    text[len] = '\0';
    return text;
}

static void test_pipe(void **state)
{
    (void)state;
    char text[1000];
    int ends[2];
    struct out_progress p;
    assert_int_equal(pipe(ends), 0);
    FILE *f = fdopen(ends[1], "w");
    out_progress_init(&p, f, f);
    out_progress_status(&p, "1 of 2");
    out_progress_event(&p, OUT_GOOD, "ready", "node %s", "a");
    out_progress_status(&p, "2 of 2");
    out_progress_end(&p);
    assert_string_equal(read_all(ends[0], text, sizeof text), "ready node a\n");
    fclose(f);
    close(ends[0]);
}

static void test_json_has_no_events(void **state)
{
    (void)state;
    char text[100];
    int ends[2];
    struct out_progress p;
    assert_int_equal(pipe(ends), 0);
    FILE *f = fdopen(ends[1], "w");
    out_progress_init(&p, NULL, f);
    out_progress_event(&p, OUT_GOOD, "ready", "node a");
    assert_string_equal(read_all(ends[0], text, sizeof text), "");
    fclose(f);
    close(ends[0]);
}

static void test_terminal(void **state)
{
    (void)state;
    char text[1000];
    int master, slave;
    struct out_progress p;
    struct winsize size = {.ws_row = 5, .ws_col = 12};
    struct termios raw;
    assert_int_equal(openpty(&master, &slave, NULL, NULL, &size), 0);
    tcgetattr(slave, &raw);
    cfmakeraw(&raw);
    tcsetattr(slave, TCSANOW, &raw);
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    FILE *f = fdopen(slave, "w");
    out_progress_init(&p, f, f);
    out_progress_status(&p, "%s", "1 of 2 \303\251\303\251\303\251\303\251\303\251\303\251");
    out_progress_event(&p, OUT_GOOD, "ready", "a");
    out_progress_status(&p, "2");
    out_progress_end(&p);
    out_progress_end(&p);
    assert_string_equal(read_all(master, text, sizeof text),
                        "\r\033[K1 of 2 \303\251\303\251\303\251\303\251" /* cut to the width */
                        "\r\033[K\033[32mready\033[0m a\n"
                        "\r\033[K2"
                        "\r\033[K");
    fclose(f);
    close(master);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pipe),
        cmocka_unit_test(test_json_has_no_events),
        cmocka_unit_test(test_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
