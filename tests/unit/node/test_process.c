/* Pid files and paths: what can be tried without being root and without leaving this process. */
#include "node/process.h"
#include "tests/unit/proto/model/fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static char *scratch;
static char chroot_path[512];
static struct process_plan plan;

static int set_up(void **state)
{
    (void)state;
    scratch = fixture_directory();
    snprintf(chroot_path, sizeof chroot_path, "%s/pid", scratch);
    plan = (struct process_plan){.chroot = "", .pid_file = chroot_path, .error_log = ""};
    process_plan_resolve(&plan);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fixture_directory_remove(scratch);
    return 0;
}

static void put(const char *text)
{
    int fd = open(plan.pid_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static long content(void)
{
    char text[32] = "";
    int fd = open(plan.pid_path, O_RDONLY);
    if (fd < 0)
        return -1;
    assert_true(read(fd, text, sizeof text - 1) >= 0);
    close(fd);
    return strtol(text, NULL, 10);
}

/* The id of a process that has ended. */
static long ended_process(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    waitpid(child, NULL, 0);
    return child;
}

static void test_a_living_process_is_in_the_way(void **state)
{
    (void)state;
    struct error e;
    char text[32];
    pid_t child = fork();
    if (child == 0)
        for (;;)
            pause();
    snprintf(text, sizeof text, "%ld", (long)child);
    put(text);
    assert_int_equal(process_check_pid_file(&plan, &e), -1);
    assert_int_equal(e.code, ERROR_EXISTS);
    assert_non_null(strstr(e.text, text));
    assert_int_equal(process_enter(&plan, &e), -1);
    process_leave(&plan); /* it is not ours */
    assert_int_equal(content(), child);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

/* A look does not remove it: somebody else may be about to start too. */
static void test_a_stale_file_is_replaced_on_entering(void **state)
{
    (void)state;
    struct error e;
    char text[32];
    long dead = ended_process();
    snprintf(text, sizeof text, "%ld\n", dead);
    put(text);
    assert_int_equal(process_check_pid_file(&plan, &e), 0);
    assert_int_equal(content(), dead);
    assert_int_equal(process_enter(&plan, &e), 0);
    assert_int_equal(content(), getpid());
    process_leave(&plan);
    assert_int_equal(content(), -1);
    process_leave(&plan);
}

static void test_nonsense_is_stale(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "x", "0", "-1", "1", "12 monkeys"};
    struct error e;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        put(texts[i]);
        assert_int_equal(process_check_pid_file(&plan, &e), 0);
    }
    unlink(plan.pid_path);
    assert_int_equal(process_check_pid_file(&plan, &e), 0);
}

static void test_a_directory_that_is_not_there(void **state)
{
    (void)state;
    struct error e;
    plan.pid_file = "/nonexistent/pid";
    process_plan_resolve(&plan);
    assert_int_equal(process_enter(&plan, &e), -1);
    assert_non_null(strstr(e.text, "/nonexistent/pid"));
}

/* Who may not chroot stays in front, with all paths below the directory (O9). */
static void test_paths(void **state)
{
    (void)state;
    struct process_plan p = {
        .chroot = "/srv/m2", .pid_file = "/run/pid", .error_log = "/logs/error", .daemonize = true};
    process_plan_resolve(&p);
    assert_string_equal(p.pid_path, "/srv/m2/run/pid");
    if (geteuid() == 0) {
        assert_false(p.test_mode);
        assert_true(p.daemonize);
        assert_string_equal(p.base, "");
        assert_string_equal(p.error_log_path, "/logs/error");
    } else {
        assert_true(p.test_mode);
        assert_false(p.daemonize);
        assert_string_equal(p.base, "/srv/m2");
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_living_process_is_in_the_way),
        TEST(test_a_stale_file_is_replaced_on_entering),
        TEST(test_nonsense_is_stale),
        TEST(test_a_directory_that_is_not_there),
        TEST(test_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
