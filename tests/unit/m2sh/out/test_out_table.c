/* The three forms of a table. */

#include "m2sh/out/out_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static const char *const names[] = {"name", "open_now", "share", "up", "why", NULL};

static void fill(struct out_table *t)
{
    out_table_init(t, names);
    out_table_styled(t, OUT_GOOD, "alpha");
    out_table_int(t, 7);
    out_table_real(t, 0.25, 2);
    out_table_bool(t, true);
    out_table_text(t, "one\ttab");
    out_table_text(t, "b\303\251ta");
    out_table_int(t, 12345);
    out_table_real(t, 10.5, 2);
    out_table_bool(t, false);
    out_table_text(t, NULL);
}

static void expect_print(struct out_term term, const char *wanted)
{
    struct out_table t;
    struct buf out = BUF_INIT;
    fill(&t);
    assert_int_equal(out_table_row_count(&t), 2);
    out_table_print(&t, &term, &out);
    assert_string_equal(buf_str(&out), wanted);
    buf_fini(&out);
    out_table_fini(&t);
}

static void test_pipe(void **state)
{
    (void)state;
    expect_print((struct out_term){false, false, 80}, "name\topen_now\tshare\tup\twhy\n"
                                                      "alpha\t7\t0.25\tyes\tone tab\n"
                                                      "b\303\251ta\t12345\t10.50\tno\t\n");
}

static void test_terminal(void **state)
{
    (void)state;
    expect_print((struct out_term){true, false, 80}, "NAME   OPEN NOW  SHARE  UP   WHY\n"
                                                     "alpha         7   0.25  yes  one tab\n"
                                                     "b\303\251ta      12345  10.50  no   \n");
}

static void test_color(void **state)
{
    (void)state;
    expect_print(
        (struct out_term){true, true, 80},
        "\033[1mNAME\033[0m   \033[1mOPEN NOW\033[0m  \033[1mSHARE\033[0m  \033[1mUP\033[0m   "
        "\033[1mWHY\033[0m\n"
        "\033[32malpha\033[0m         7   0.25  yes  one tab\n"
        "b\303\251ta      12345  10.50  no   \n");
}

static void test_json(void **state)
{
    (void)state;
    struct out_table t;
    struct out_json j;
    struct buf out = BUF_INIT;
    fill(&t);
    out_json_init(&j, &out);
    out_table_json(&t, &j);
    assert_string_equal(
        buf_str(&out),
        "[{\"name\":\"alpha\",\"open_now\":7,\"share\":0.25,\"up\":true,\"why\":\"one\\u0009tab\"},"
        "{\"name\":\"b\303\251ta\",\"open_now\":12345,\"share\":10.5,\"up\":false,\"why\":null}]");
    buf_fini(&out);
    out_table_fini(&t);
}

static void test_empty(void **state)
{
    (void)state;
    struct out_table t;
    struct out_json j;
    struct buf out = BUF_INIT;
    struct out_term pipe = {false, false, 80};
    out_table_init(&t, names);
    out_table_print(&t, &pipe, &out);
    out_json_init(&j, &out);
    out_table_json(&t, &j);
    assert_string_equal(buf_str(&out), "name\topen_now\tshare\tup\twhy\n[]");
    buf_fini(&out);
    out_table_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pipe), cmocka_unit_test(test_terminal), cmocka_unit_test(test_color),
        cmocka_unit_test(test_json), cmocka_unit_test(test_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
