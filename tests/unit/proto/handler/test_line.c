#include "proto/handler/line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static char a[1], b[1], c[1];

/* Takes the whole front entry and compares it. */
static void expect_front(struct line *l, void *owner, uint32_t count)
{
    uint32_t got = 0;
    assert_ptr_equal(line_front(l, &got), owner);
    assert_int_equal(got, count);
    assert_int_equal(line_remove_first(l, owner, count), count);
}

static void test_order_of_arrival(void **state)
{
    (void)state;
    struct line l;
    uint32_t count;
    line_init(&l);
    assert_null(line_front(&l, &count));
    line_add(&l, a, 2);
    line_add(&l, a, 1); /* joined: nobody is between */
    line_add(&l, b, 1);
    line_add(&l, a, 4);
    assert_int_equal(line_add(&l, c, 0), 0);
    expect_front(&l, a, 3);
    expect_front(&l, b, 1);
    expect_front(&l, a, 4);
    assert_null(line_front(&l, &count));
    line_fini(&l);
}

static void test_removing(void **state)
{
    (void)state;
    struct line l;
    line_init(&l);
    line_add(&l, a, 2);
    line_add(&l, b, 2);
    line_add(&l, a, 2);
    line_add(&l, c, 1);
    assert_int_equal(line_remove_last(&l, a, 3), 3);
    assert_int_equal(line_remove_last(&l, c, 5), 1);
    assert_int_equal(line_remove_first(&l, c, 1), 0);
    assert_int_equal(line_remove_first(&l, b, 1), 1);
    expect_front(&l, a, 1);
    expect_front(&l, b, 1);
    line_add(&l, a, 1);
    line_fini(&l); /* with something in it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_of_arrival),
        cmocka_unit_test(test_removing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
