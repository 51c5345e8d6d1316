/* One table of names, in both modes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/route/host_table.h"

#include <string.h>

#define FALLBACK "default"

struct row {
    const char *hosts[8];
    const char *name;
    const char *labels; /* what is found, by mode */
    const char *upstream;
};

#define SITE  "localhost", "mongrel2.org", "(.+).testing.org", "(\\d+).num.net", "sub.mongrel2.org"
#define TWINS "a.com", "(b+).com", "(c+).com"

static const struct row rows[] = {
    {{SITE}, "localhost", "localhost", "localhost"},
    {{SITE}, "LOCALHOST", "localhost", FALLBACK},
    {{SITE}, "t", FALLBACK, "localhost"},
    {{SITE}, "ost", FALLBACK, "localhost"},
    {{SITE}, "xlocalhost", FALLBACK, "localhost"},
    {{SITE}, "mongrel2.org", "mongrel2.org", "mongrel2.org"},
    {{SITE}, "www.mongrel2.org", "mongrel2.org", "mongrel2.org"},
    {{SITE}, "WWW.Mongrel2.ORG", "mongrel2.org", FALLBACK},
    {{SITE}, "sub.mongrel2.org", "sub.mongrel2.org", "sub.mongrel2.org"},
    {{SITE}, "a.sub.mongrel2.org", "sub.mongrel2.org", "sub.mongrel2.org"},
    {{SITE}, "rg", FALLBACK, "mongrel2.org"},
    {{SITE}, ".org", FALLBACK, "mongrel2.org"},
    {{SITE}, "2.org", FALLBACK, "mongrel2.org"},
    {{SITE}, "other.org", FALLBACK, FALLBACK},
    {{SITE}, "a.testing.org", "(.+).testing.org", "(.+).testing.org"},
    {{SITE}, "a.b.testing.org", "(.+).testing.org", "(.+).testing.org"},
    {{SITE}, "A.TESTING.org", "(.+).testing.org", FALLBACK},
    {{SITE}, "testing.org", FALLBACK, FALLBACK},
    {{SITE}, ".testing.org", FALLBACK, FALLBACK},
    {{SITE}, "12.num.net", "(\\d+).num.net", "(\\d+).num.net"},
    {{SITE}, "ab.num.net", FALLBACK, FALLBACK},
    {{SITE}, "", FALLBACK, FALLBACK},
    {{TWINS}, "bb.com", "(b+).com", "(b+).com"},
    {{TWINS}, "cc.com", "(c+).com", FALLBACK},
    {{TWINS}, "a.com", "a.com", "a.com"},
    {{TWINS}, "x.a.com", "a.com", "a.com"},
    {{TWINS}, "bc.com", FALLBACK, FALLBACK},
    {{"(.+)"}, "anything.at.all", "(.+)", FALLBACK},
    {{"(.+)"}, "[::1]", "(.+)", FALLBACK},
    {{"(.+)"}, "", FALLBACK, FALLBACK},
    {{"(.+)", "a.com"}, "a.com", "a.com", "a.com"},
    {{"(.+)", "a.com"}, "ba.com", "(.+)", "a.com"},
    /* whole labels */
    {{"example.test"}, "notexample.test", FALLBACK, "example.test"},
    {{"example.test"}, "test", FALLBACK, "example.test"},
    {{"example.test"}, "a.b.example.test", "example.test", "example.test"},
    {{"example.test"}, "example.test.", "example.test", FALLBACK},
    {{"example.test."}, "www.example.test", "example.test.", FALLBACK},
    {{".example.test"}, "www.example.test", ".example.test", ".example.test"},
    {{".example.test"}, "example.test", ".example.test", ".example.test"},
    {{"Example.Test"}, "example.test", "Example.Test", FALLBACK},
    {{"[::1]"}, "[::1]", "[::1]", "[::1]"},
    {{"[::1]"}, "::1", "[::1]", FALLBACK},
    {{"::1"}, "[::1]", "::1", FALLBACK},
    {{"[2001:DB8::1]"}, "2001:db8::1", "[2001:DB8::1]", FALLBACK},
    /* a suffix whose patterns all fail hides no shorter one */
    {{"shop.test", "([a-z]+).eu.shop.test"},
     "fr.eu.shop.test",
     "([a-z]+).eu.shop.test",
     "([a-z]+).eu.shop.test"},
    {{"shop.test", "([a-z]+).eu.shop.test"}, "1.eu.shop.test", "shop.test", FALLBACK},
    {{"(.+)", "(\\d+).num.net"}, "ab.num.net", "(.+)", FALLBACK},
    /* one suffix: in the order of the configuration */
    {{"(.*)a.test", "a.test"}, "a.test", "(.*)a.test", "(.*)a.test"},
    {{"a.test", "(.*)a.test"}, "x.a.test", "a.test", "a.test"},
    {{"a.test", "(.*)a.test"}, "xa.test", "(.*)a.test", "a.test"},
    {{"(A+).test"}, "aa.test", "(A+).test", FALLBACK},
    {{"([A-Z]+)-cdn.test"}, "eu-CDN.test", "([A-Z]+)-cdn.test", FALLBACK},
    {{"(a+).(b+).test"}, "aa.b.test", "(a+).(b+).test", "(a+).(b+).test"},
    {{""}, "a.", FALLBACK, FALLBACK},
    {{"a.test"}, ".a.test", "a.test", "a.test"},
    {{NULL}, "a", FALLBACK, FALLBACK},
};

static void *find(const char *const *hosts, const char *name, enum host_matching mode)
{
    struct arena a;
    struct error e;
    struct host_table *t;
    struct host_row table[8];
    size_t count = 0;
    arena_init(&a, 0);
    for (; count < 8 && hosts[count] != NULL; count++)
        table[count] = (struct host_row){slice_str(hosts[count]), (void *)(uintptr_t)hosts[count]};
    if (host_table_build(&t, table, count, (void *)(uintptr_t)FALLBACK, mode, &a, &e) != 0)
        fail_msg("%s: %s", e.object, e.text);
    void *found = host_table_find(t, slice_str(name));
    arena_fini(&a);
    return found;
}

static void test_both_modes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *labels = find(rows[i].hosts, rows[i].name, HOST_MATCHING_LABELS);
        if (strcmp(labels, rows[i].labels) != 0)
            fail_msg("labels: '%s' found %s instead of %s", rows[i].name, labels, rows[i].labels);
        const char *upstream = find(rows[i].hosts, rows[i].name, HOST_MATCHING_UPSTREAM);
        if (strcmp(upstream, rows[i].upstream) != 0)
            fail_msg("upstream: '%s' found %s instead of %s", rows[i].name, upstream,
                     rows[i].upstream);
    }
}

static void test_names_that_are_too_long(void **state)
{
    (void)state;
    char name[HOST_NAME_MAX_LEN + 2];
    const char *hosts[] = {"(.+)", NULL};
    memset(name, 'a', sizeof name);
    name[HOST_NAME_MAX_LEN + 1] = '\0';
    assert_string_equal(find(hosts, name, HOST_MATCHING_LABELS), FALLBACK);
    name[HOST_NAME_MAX_LEN] = '\0';
    assert_string_equal(find(hosts, name, HOST_MATCHING_LABELS), "(.+)");
    struct error e;
    name[HOST_NAME_MAX_LEN] = 'a';
    assert_int_equal(host_check(slice_str(name), &e), -1);
    assert_int_equal(e.code, ERROR_INVALID);
}

/* Every suffix of a name as a host of its own: the longest wins. */
static void test_many_suffixes(void **state)
{
    (void)state;
    char name[HOST_NAME_MAX_LEN + 1];
    struct host_row table[HOST_NAME_MAX_LEN];
    struct arena a;
    struct host_table *t;
    for (size_t i = 0; i < HOST_NAME_MAX_LEN; i++)
        name[i] = i % 2 ? '.' : 'a';
    for (size_t i = 0; i < HOST_NAME_MAX_LEN; i++)
        table[i] = (struct host_row){slice_of(name + i, HOST_NAME_MAX_LEN - i), &table[i]};
    arena_init(&a, 0);
    assert_int_equal(
        host_table_build(&t, table, HOST_NAME_MAX_LEN, NULL, HOST_MATCHING_LABELS, &a, NULL), 0);
    for (size_t i = 0; i < HOST_NAME_MAX_LEN; i += 2) {
        void *found = host_table_find(t, table[i].matching);
        assert_ptr_equal(found,
                         &table[i > 0 ? i - 1 : 0]); /* ".a" stands before "a" and equals it */
    }
    arena_fini(&a);
}

static void test_malformed(void **state)
{
    (void)state;
    struct arena a;
    struct error e;
    struct host_table *t;
    struct host_row row = {SLICE("([a-z).test"), NULL};
    arena_init(&a, 0);
    assert_int_equal(host_table_build(&t, &row, 1, NULL, HOST_MATCHING_LABELS, &a, &e), -1);
    assert_null(t);
    assert_int_equal(e.code, ERROR_INVALID);
    assert_non_null(strstr(e.text, "column 2"));
    assert_int_equal(host_check(SLICE("(a).[test"), &e), 0); /* behind the last ) all is literal */
    arena_fini(&a);
}

static void test_mode_names(void **state)
{
    (void)state;
    assert_int_equal(host_matching_from_name(SLICE("labels")), HOST_MATCHING_LABELS);
    assert_int_equal(host_matching_from_name(SLICE("upstream")), HOST_MATCHING_UPSTREAM);
    assert_int_equal(host_matching_from_name(SLICE("")), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_modes),    cmocka_unit_test(test_names_that_are_too_long),
        cmocka_unit_test(test_many_suffixes), cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_mode_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
