/* Real directories in a temporary place: what is opened, what is not, and how a directory that
 * comes, goes and is replaced is noticed. Each case runs with the kernel's containment and with our
 * own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "node/target/file_tree.h"
#include "tests/unit/node/target/scratch.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000)

static const struct {
    const char *name;
    int code;         /* errno; 0: it opens */
    const char *text; /* what it holds */
} rows[] = {
    {"a.txt", 0, "inside"},
    {"sub/b.txt", 0, "deep"},
    {"missing", ENOENT, NULL},
    {"sub", EISDIR, NULL},
    {"a.txt/x", ENOENT, NULL},
    {"fifo", ENOENT, NULL},
    {"socket", ENOENT, NULL},
    {"/a.txt", ENOENT, NULL},
    {"link_in", 0, "inside"},                  /* -> a.txt */
    {"sub/link_up", 0, "inside"},              /* -> ../a.txt */
    {"link_dir/b.txt", 0, "deep"},             /* -> sub */
    {"link_absolute", 0, "inside"},            /* -> BASE/a.txt */
    {"link_abs_dir/b.txt", 0, "deep"},         /* -> BASE/sub */
    {"link_chain", 0, "inside"},               /* -> link_abs_dir/link_up */
    {"link_out", ENOENT, NULL},                /* -> ../secret.txt */
    {"link_abs_out", ENOENT, NULL},            /* -> PLACE/secret.txt */
    {"link_sibling", ENOENT, NULL},            /* -> BASE2/secret.txt, which begins like BASE */
    {"link_out_dir/secret.txt", ENOENT, NULL}, /* -> .. */
    {"link_back", ENOENT, NULL},               /* -> ../base/a.txt: leaves on the way */
    {"link_loop", ENOENT, NULL},
    {"link_dangling", ENOENT, NULL},
};

static void build(struct scratch *p)
{
    scratch_create(p);
    scratch_write(p, "secret.txt", "outside");
    scratch_mkdir(p, "base");
    scratch_mkdir(p, "base2");
    scratch_write(p, "base2/secret.txt", "outside");
    scratch_write(p, "base/a.txt", "inside");
    scratch_mkdir(p, "base/sub");
    scratch_write(p, "base/sub/b.txt", "deep");
    scratch_mkfifo(p, "base/fifo");
    scratch_socket(p, "base/socket");
    scratch_link(p, "a.txt", "base/link_in");
    scratch_link(p, "../a.txt", "base/sub/link_up");
    scratch_link(p, "sub", "base/link_dir");
    scratch_link(p, scratch_path(p, "base/a.txt"), "base/link_absolute");
    scratch_link(p, scratch_path(p, "base/sub"), "base/link_abs_dir");
    scratch_link(p, "link_abs_dir/link_up", "base/link_chain");
    scratch_link(p, "../secret.txt", "base/link_out");
    scratch_link(p, scratch_path(p, "secret.txt"), "base/link_abs_out");
    scratch_link(p, scratch_path(p, "base2/secret.txt"), "base/link_sibling");
    scratch_link(p, "..", "base/link_out_dir");
    scratch_link(p, "../base/a.txt", "base/link_back");
    scratch_link(p, "link_loop", "base/link_loop");
    scratch_link(p, "nowhere", "base/link_dangling");
}

static void run(struct file_tree *t)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct stat st;
        char text[16] = "";
        int fd = file_tree_open(t, rows[i].name, &st);
        int code = fd >= 0 ? 0 : errno;
        if (code != rows[i].code)
            fail_msg("%s: %s instead of %s", rows[i].name, strerror(code), strerror(rows[i].code));
        if (fd < 0)
            continue;
        assert_int_equal(read(fd, text, sizeof text - 1), strlen(rows[i].text));
        assert_string_equal(text, rows[i].text);
        assert_int_equal(st.st_size, strlen(rows[i].text));
        close(fd);
    }
}

static void test_containment(void **state)
{
    (void)state;
    struct scratch p;
    struct file_tree t;
    build(&p);
    char base[SCRATCH_PATH_MAX];
    strcpy(base, scratch_path(&p, "base/"));
    for (int own = 0; own < 2; own++) {
        file_tree_init(&t, base, false);
        t.no_openat2 = own;
        assert_true(file_tree_refresh(&t, SECOND));
        run(&t);
        file_tree_fini(&t);
    }
    scratch_remove(&p);
}

static void test_links_may_lead_out_when_told(void **state)
{
    (void)state;
    struct scratch p;
    struct file_tree t;
    struct stat st;
    build(&p);
    char base[SCRATCH_PATH_MAX];
    strcpy(base, scratch_path(&p, "base/"));
    file_tree_init(&t, base, true);
    file_tree_refresh(&t, SECOND);
    int fd = file_tree_open(&t, "link_abs_out", &st);
    assert_true(fd >= 0);
    close(fd);
    file_tree_fini(&t);
    scratch_remove(&p);
}

static void test_unreadable(void **state)
{
    (void)state;
    struct scratch p;
    struct file_tree t;
    struct stat st;
    scratch_create(&p);
    scratch_write(&p, "a.txt", "x");
    scratch_mkdir(&p, "closed");
    assert_int_equal(chmod(p.path, 0755), 0);
    assert_int_equal(chmod(scratch_path(&p, "a.txt"), 0), 0);
    assert_int_equal(chmod(scratch_path(&p, "closed"), 0), 0);
    file_tree_init(&t, p.path, false);
    file_tree_refresh(&t, SECOND);
    uid_t user = geteuid();
    if (user == 0) /* root reads everything */
        assert_int_equal(seteuid(65534), 0);
    for (int own = 0; own < 2; own++) {
        t.no_openat2 = own;
        assert_int_equal(file_tree_open(&t, "a.txt", &st), -1);
        assert_int_equal(errno, EACCES);
        assert_int_equal(file_tree_open(&t, "closed/x", &st), -1);
        assert_int_equal(errno, EACCES);
    }
    if (user == 0)
        assert_int_equal(seteuid(0), 0);
    file_tree_fini(&t);
    scratch_remove(&p);
}

static void test_long_names(void **state)
{
    (void)state;
    struct scratch p;
    struct file_tree t;
    struct stat st;
    static char name[5000];
    scratch_create(&p);
    memset(name, 'n', sizeof name - 1);
    file_tree_init(&t, p.path, false);
    file_tree_refresh(&t, SECOND);
    for (int own = 0; own < 2; own++) {
        t.no_openat2 = own;
        assert_int_equal(file_tree_open(&t, name, &st), -1);
        assert_int_equal(errno, ENOENT);
    }
    file_tree_fini(&t);
    scratch_remove(&p);
}

static void test_the_directory_comes_and_goes(void **state)
{
    (void)state;
    struct scratch p;
    struct file_tree t;
    struct stat st;
    scratch_create(&p);
    char base[SCRATCH_PATH_MAX];
    strcpy(base, scratch_path(&p, "base"));
    file_tree_init(&t, base, false);
    assert_false(file_tree_refresh(&t, 10 * SECOND));
    assert_int_equal(file_tree_open(&t, "a", &st), -1);
    assert_int_equal(errno, ENOENT);

    scratch_mkdir(&p, "base");
    assert_false(file_tree_refresh(&t, 10 * SECOND + SECOND / 2)); /* not looked at yet */
    assert_true(file_tree_refresh(&t, 11 * SECOND));
    assert_false(file_tree_refresh(&t, 12 * SECOND)); /* the same */

    scratch_mkdir(&p, "next");
    scratch_write(&p, "next/a", "new");
    assert_int_equal(rename(base, scratch_path(&p, "old")), 0);
    assert_int_equal(rename(scratch_path(&p, "next"), base), 0);
    assert_true(file_tree_refresh(&t, 13 * SECOND));
    int fd = file_tree_open(&t, "a", &st);
    assert_true(fd >= 0);
    close(fd);

    assert_int_equal(rename(base, scratch_path(&p, "gone")), 0);
    assert_true(file_tree_refresh(&t, 14 * SECOND));
    assert_false(file_tree_refresh(&t, 15 * SECOND));
    file_tree_fini(&t);
    scratch_remove(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_containment),
        cmocka_unit_test(test_links_may_lead_out_when_told),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_the_directory_comes_and_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
