#include "proto/wire/netstring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define CASES(table) (sizeof(table) / sizeof(table)[0])

static void test_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *payload; /* NULL: refused */
        const char *rest;
    } cases[] = {
        {"5:hello,", "hello", ""},
        {"0:,", "", ""},
        {"3:a,b, next", "a,b", " next"},
        {"005:hello,x", "hello", "x"},
        {"", NULL, NULL},
        {":,", NULL, NULL},
        {"5", NULL, NULL},
        {"5:hell", NULL, NULL},
        {"5:hello", NULL, NULL},
        {"5:hello;", NULL, NULL},
        {"5:hello}", NULL, NULL},
        {"6:hello,", NULL, NULL},
        {"4:hello,", NULL, NULL},
        {" 5:hello,", NULL, NULL},
        {"+5:hello,", NULL, NULL},
        {"-1:hello,", NULL, NULL},
        {"5 :hello,", NULL, NULL},
        {"18446744073709551615:a,", NULL, NULL},
        {"18446744073709551616:a,", NULL, NULL},
        {"0000000000000000000000001:a,", NULL, NULL},
    };
    for (size_t i = 0; i < CASES(cases); i++) {
        struct slice rest = slice_str(cases[i].text), payload = SLICE("untouched");
        int rc = netstring_read(&rest, &payload);
        if (rc != (cases[i].payload != NULL ? 0 : -1))
            fail_msg("%s gives %d", cases[i].text, rc);
        assert_true(slice_eq(payload, slice_str(rc == 0 ? cases[i].payload : "untouched")));
        assert_true(slice_eq(rest, slice_str(rc == 0 ? cases[i].rest : cases[i].text)));
    }
}

static void test_read_tagged(void **state)
{
    (void)state;
    struct slice rest = SLICE("2:{}}0:,"), payload;
    char tag;
    assert_int_equal(netstring_read_tagged(&rest, &payload, &tag), 0);
    assert_int_equal(tag, '}');
    assert_true(slice_eq(payload, SLICE("{}")));
    assert_true(slice_eq(rest, SLICE("0:,")));
}

static void test_put(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    netstring_put(&b, SLICE(""));
    netstring_put(&b, SLICE("hello world!"));
    assert_true(slice_eq(buf_slice(&b), SLICE("0:,12:hello world!,")));
    buf_fini(&b);
}

static void test_digits(void **state)
{
    (void)state;
    assert_int_equal(netstring_digits(0), 1);
    assert_int_equal(netstring_digits(9), 1);
    assert_int_equal(netstring_digits(10), 2);
    assert_int_equal(netstring_digits(999), 3);
    assert_int_equal(netstring_digits(1000), 4);
    assert_int_equal(netstring_digits(SIZE_MAX), 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_read_tagged),
        cmocka_unit_test(test_put),
        cmocka_unit_test(test_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
