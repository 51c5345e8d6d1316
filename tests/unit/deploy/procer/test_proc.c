// links: m2_procer
/* Processes and pid files. */
#include "deploy/procer/proc.h"
#include "tests/unit/deploy/procer/folder.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

static pid_t start_child(void)
{
    pid_t child = fork();
    if (child == 0)
        for (;;)
            pause();
    return child;
}

static void end_child(pid_t child)
{
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static enum proc_file read_as(const char *text)
{
    struct proc p;
    folder_put("pid", text);
    return proc_read_file(folder_path("pid"), &p);
}

static void test_a_process(void **state)
{
    (void)state;
    struct proc p, other;
    pid_t child = start_child();
    assert_true(proc_find(child, &p));
    assert_int_equal(p.pid, child);
    assert_true(p.start > 0);
    assert_true(proc_is_alive(&p));
    other = p;
    other.start++; /* the same number, another process */
    assert_false(proc_is_alive(&other));
    kill(child, SIGKILL);
    siginfo_t info;
    waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT); /* a zombie from here on */
    assert_false(proc_is_alive(&p));
    assert_false(proc_find(child, &p));
    waitpid(child, NULL, 0);
    assert_false(proc_find(child, &p));
    assert_false(proc_is_alive(&(struct proc){0}));
}

static void test_pid_files(void **state)
{
    (void)state;
    static const char *const garbage[] = {"",      "0",   "1",           "-5", "12x",       "x",
                                          "12 13", " \n", "99999999999", "+7", "4294967298"};
    struct proc p;
    char text[32];
    assert_int_equal(proc_read_file(folder_path("none"), &p), PROC_FILE_MISSING);
    assert_int_equal(proc_read_file(folder, &p), PROC_FILE_GARBAGE);
    assert_int_equal(mkfifo(folder_path("fifo"), 0600), 0);
    assert_int_equal(proc_read_file(folder_path("fifo"), &p), PROC_FILE_GARBAGE);
    for (size_t i = 0; i < sizeof garbage / sizeof garbage[0]; i++)
        assert_int_equal(read_as(garbage[i]), PROC_FILE_GARBAGE);
    pid_t child = start_child();
    snprintf(text, sizeof text, " %d \n", (int)child);
    assert_int_equal(read_as(text), PROC_FILE_LIVE);
    end_child(child);
    assert_int_equal(read_as(text), PROC_FILE_STALE);
}

static void test_a_younger_process_is_another_one(void **state)
{
    (void)state;
    char text[32];
    struct proc p;
    snprintf(text, sizeof text, "%d", (int)getpid());
    folder_put("pid", text);
    struct timespec times[2];
    clock_gettime(CLOCK_REALTIME, &times[0]);
    times[0].tv_sec -= 3600 * 24;
    times[1] = times[0];
    pid_t child = start_child();
    snprintf(text, sizeof text, "%d", (int)child);
    folder_put("pid", text);
    assert_int_equal(proc_read_file(folder_path("pid"), &p), PROC_FILE_LIVE);
    assert_int_equal(utimensat(AT_FDCWD, folder_path("pid"), times, 0), 0);
    assert_int_equal(proc_read_file(folder_path("pid"), &p), PROC_FILE_STALE);
    end_child(child);
}

static void test_the_end_is_told(void **state)
{
    (void)state;
    struct proc p;
    pid_t child = start_child();
    assert_true(proc_find(child, &p));
    struct pollfd end = {.fd = proc_watch(&p), .events = POLLIN};
    if (end.fd < 0) { /* an old kernel: procer asks every second */
        end_child(child);
        skip();
    }
    assert_int_equal(poll(&end, 1, 0), 0);
    kill(child, SIGKILL);
    assert_int_equal(poll(&end, 1, 10000), 1);
    waitpid(child, NULL, 0);
    assert_int_equal(proc_watch(&p), -1);
    close(end.fd);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_set_up, folder_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_a_process),
        WITH_FOLDER(test_pid_files),
        WITH_FOLDER(test_a_younger_process_is_another_one),
        WITH_FOLDER(test_the_end_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
