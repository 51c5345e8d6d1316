/* Pid files are read strictly, and only a mongrel2 is ever signalled. */

#include "m2sh/process.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/m2sh-process-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(folder) != NULL && chdir(folder) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return rmdir(folder);
}

static void put_file(const char *path, const char *text, size_t len)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fwrite(text, 1, len, f);
    fclose(f);
}

static void test_read_pid(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len;
        int pid; /* 0: refused */
    } rows[] = {
        {"1234", 4, 1234},
        {"1234\n", 5, 1234},
        {"  42 \r\n", 7, 42},
        {"2", 1, 2},
        {"", 0, 0},
        {"\n", 1, 0},
        {"0", 1, 0},
        {"1", 1, 0},
        {"-5", 2, 0},
        {"+5", 2, 0},
        {"12 34", 5, 0},
        {"12x", 3, 0},
        {"x12", 3, 0},
        {"0x12", 4, 0},
        {"12\0", 3, 0},
        {"\00012", 3, 0},
        {"4294967298", 10, 0},
        {"99999999999999999999", 20, 0},
        {"2147483647", 10, 2147483647},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct error e;
        pid_t pid = -7;
        put_file("pid", rows[i].text, rows[i].len);
        int result = process_read_pid("pid", &pid, &e);
        assert_int_equal(result, rows[i].pid > 0 ? 0 : -1);
        assert_int_equal(pid, rows[i].pid > 0 ? rows[i].pid : -7);
        if (result != 0)
            assert_int_equal(e.code, ERROR_IO);
    }
    unlink("pid");
    struct error e;
    pid_t pid;
    assert_int_equal(process_read_pid("pid", &pid, &e), -1);
    assert_int_equal(e.code, ERROR_NOT_FOUND);
}

static void test_only_a_mongrel2(void **state)
{
    (void)state;
    struct error e;
    assert_int_equal(process_check(getpid(), &e), -1); /* this test is none */
    assert_int_equal(e.code, ERROR_NOT_FOUND);

    pid_t gone = fork();
    if (gone == 0)
        _exit(0);
    assert_int_equal(waitpid(gone, NULL, 0), gone);
    assert_int_equal(process_check(gone, &e), -1);
    assert_int_equal(e.code, ERROR_NOT_FOUND);
}

/* A program whose file is called mongrel2 is taken for one, and gets the signal. */
static void test_signal(void **state)
{
    (void)state;
    struct error e = {.text = ""};
    int ends[2], input[2], wait_status;
    char ready;
    assert_int_equal(symlink("/bin/sh", "mongrel2"), 0);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(pipe(input), 0); /* nothing comes, so the child waits */
    pid_t child = fork();
    if (child == 0) {
        dup2(input[0], STDIN_FILENO);
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        execl("./mongrel2", "mongrel2", "-c", "echo; read x", NULL);
        _exit(127);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &ready, 1), 1);
    assert_int_equal(process_check(child, &e), 0);
    assert_int_equal(process_signal(child, SIGTERM, NULL, &e), 0);
    assert_int_equal(waitpid(child, &wait_status, 0), child);
    assert_true(WIFSIGNALED(wait_status));
    assert_int_equal(WTERMSIG(wait_status), SIGTERM);
    assert_int_equal(process_signal(child, SIGTERM, NULL, &e), -1);
    assert_int_equal(e.code, ERROR_NOT_FOUND);
    close(ends[0]);
    close(input[0]);
    close(input[1]);
    unlink("mongrel2");
}

/* A mongrel2 that has ended does not run, even while nobody has waited for it. */
static void test_zombie(void **state)
{
    (void)state;
    struct error e;
    siginfo_t info;
    assert_int_equal(symlink("/bin/sh", "mongrel2"), 0);
    pid_t child = fork();
    if (child == 0) {
        execl("./mongrel2", "mongrel2", "-c", "exit 0", NULL);
        _exit(127);
    }
    assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(process_check(child, &e), -1);
    assert_int_equal(e.code, ERROR_NOT_FOUND);
    assert_non_null(strstr(e.text, "There is no process"));
    waitpid(child, NULL, 0);
    unlink("mongrel2");
}

static struct model *model_of(const char *chroot, const char *pid_file)
{
    struct error e;
    struct model *m = model_create(&e);
    struct row *server = model_add(m, TABLE_SERVER, &e);
    row_set_text(m, server, SERVER_CHROOT, slice_str(chroot), &e);
    row_set_text(m, server, SERVER_PID_FILE, slice_str(pid_file), &e);
    return m;
}

static void test_pid_file(void **state)
{
    (void)state;
    static const struct {
        const char *chroot, *pid_file, *path;
    } rows[] = {
        {"", "run/a.pid", "run/a.pid"},
        {"/srv/site", "/run/a.pid", "/srv/site/run/a.pid"},
        {"./", "/run/a.pid", ".//run/a.pid"},
        {"/nowhere", "/here.pid", "./here.pid"}, /* written by a server that could not chroot */
    };
    put_file("here.pid", "5", 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char path[PROCESS_PATH_MAX];
        struct model *m = model_of(rows[i].chroot, rows[i].pid_file);
        process_pid_file(model_row(m, TABLE_SERVER, 0), path);
        assert_string_equal(path, rows[i].path);
        model_unref(m);
    }
    unlink("here.pid");
}

static void test_split(void **state)
{
    (void)state;
    char copy[] = " sudo  -n\t-u x ", *words[8];
    assert_int_equal(process_split(copy, words, 8), 4);
    assert_string_equal(words[0], "sudo");
    assert_string_equal(words[3], "x");
    assert_null(words[4]);
    char many[] = "a b c d";
    assert_int_equal(process_split(many, words, 3), 2);
    assert_null(words[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_pid), cmocka_unit_test(test_only_a_mongrel2),
        cmocka_unit_test(test_signal),   cmocka_unit_test(test_pid_file),
        cmocka_unit_test(test_split),    cmocka_unit_test(test_zombie),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
