/* Names that clients ask for, and the files that they may lead to. */

#include "node/tls/server_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_names(void **state)
{
    (void)state;
    static const struct {
        struct slice name;
        const char *exact, *wildcard; /* NULL: refused */
    } cases[] = {
        {SLICE("example.test"), "example.test", "_.test"},
        {SLICE("WWW.Example.TEST"), "www.example.test", "_.example.test"},
        {SLICE("a.b.c.d"), "a.b.c.d", "_.b.c.d"},
        {SLICE("localhost"), "localhost", ""},
        {SLICE("_.example.test"), "_.example.test", "_.example.test"},
        {SLICE(""), NULL, NULL},
        {SLICE("."), NULL, NULL},
        {SLICE(".."), NULL, NULL},
        {SLICE("a..b"), NULL, NULL},
        {SLICE(".hidden"), NULL, NULL},
        {SLICE("../etc/passwd"), NULL, NULL},
        {SLICE("a/b"), NULL, NULL},
        {SLICE("a\0b"), NULL, NULL},
        {SLICE("a\x1f"), NULL, NULL},
        {SLICE("a\x7f"), NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct server_name name;
        bool is_good = server_name_parse(&name, cases[i].name);
        assert_int_equal(is_good, cases[i].exact != NULL);
        if (!is_good)
            continue;
        assert_string_equal(name.exact, cases[i].exact);
        assert_string_equal(name.wildcard, cases[i].wildcard);
    }
}

static void test_the_longest_name(void **state)
{
    (void)state;
    char long_name[SERVER_NAME_MAX + 1];
    struct server_name name;
    memset(long_name, 'a', sizeof long_name);
    long_name[0] = '-';
    long_name[1] = '.';
    assert_true(server_name_parse(&name, slice_of(long_name, SERVER_NAME_MAX)));
    assert_int_equal(strlen(name.exact), SERVER_NAME_MAX);
    assert_int_equal(strlen(name.wildcard), SERVER_NAME_MAX);
    assert_false(server_name_parse(&name, slice_of(long_name, SERVER_NAME_MAX + 1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_the_longest_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
