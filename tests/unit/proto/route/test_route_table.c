/* The rules of routing, by worked examples. Those of the first table are what upstream does; those
 * of the second are where upstream leaves the result undefined. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/base/buf.h"
#include "proto/route/route_table.h"

#include <stdio.h>
#include <stdlib.h>

struct example {
    int number;
    const char *routes[6]; /* in the order of the configuration */
    const char *paths[8];
    const char *result; /* the route found by each of the paths; NULL: none */
};

#define A "/", "/users/([0-9]+)", "/users", "/users/people/([0-9]+)$", "/cars-fast/([a-z]-)$"
#define B "/", "/img/(.*).jpg$", "/img/(.*).png$"
#define C "/img/(.*).jpg$", "/img/(.*).png$", "/img/(.*).gif$", "/img/(.*)$"
#define D "@chat", "<chat", "@chat/(x+)$"

static const struct example worked[] = {
    {1, {A}, {"/"}, "/"},
    {2, {A}, {"/users/1234/testing"}, "/users/([0-9]+)"},
    {3, {A}, {"/users/1234"}, "/users/([0-9]+)"},
    {4, {A}, {"/users"}, "/users"},
    {5, {A}, {"/users/people/1234"}, "/users/people/([0-9]+)$"},
    {6, {A}, {"/cars-fast/cadillac"}, "/cars-fast/([a-z]-)$"},
    {7, {A}, {"/usersBLAH"}, "/users"},
    {8, {A}, {"/us"}, "/users"},
    {9, {A}, {"/u"}, "/users"},
    {10, {A}, {"/users/"}, NULL},
    {11, {A}, {"/users/abc"}, NULL},
    {12, {A}, {"/users/people/1234/x"}, NULL},
    {13, {A}, {"/users/people/"}, NULL},
    {14, {A}, {"/users/p"}, NULL},
    {15, {A}, {"/users/people"}, NULL},
    {16, {A}, {"/users/peopleX"}, NULL},
    {17, {A}, {"/cars"}, NULL},
    {18, {A}, {"/cars-fast/Cad"}, NULL},
    {19, {A}, {"/xray", "/cars-slow", "/userz"}, "/"},
    {20, {B}, {"/img/foo.jpg"}, "/img/(.*).jpg$"},
    {21, {B}, {"/img/foo.png"}, "/img/(.*).png$"},
    {22, {B}, {"/img/foo.bmp", "/img/", "/img"}, NULL},
    {23, {B}, {"/imgx"}, "/"},
    {24, {B}, {"/img/fooXjpg"}, "/img/(.*).jpg$"},
    {25, {C}, {"/img/a.jpg"}, "/img/(.*).jpg$"},
    {26, {C}, {"/img/a.png", "/img/a.gif"}, "/img/(.*)$"},
    {27, {"/foo"}, {"/foo", "/fo", "/f", "/", "/foobar", "/foo/bar"}, "/foo"},
    {28, {"/foo"}, {"/FOO", "/bar"}, NULL},
    {29, {"/a", "/ab", "/abc"}, {"/abcd"}, "/abc"},
    {30, {"/a", "/ab", "/abc"}, {"/abd"}, "/ab"},
    {31, {"/a", "/ab", "/abc"}, {"/ac"}, "/a"},
    {32, {"/a", "/ab", "/abc"}, {"/"}, "/a"},
    {33, {"/usual", "/users"}, {"/us", "/"}, "/usual"},
    {34, {"/users", "/usual"}, {"/us", "/"}, "/users"},
    {35, {"/usual", "/users"}, {"/use"}, "/users"},
    {35, {"/usual", "/users"}, {"/usu"}, "/usual"},
    {35, {"/users", "/usual"}, {"/use"}, "/users"},
    {35, {"/users", "/usual"}, {"/usu"}, "/usual"},
    {36, {"/x()$"}, {"/x"}, "/x()$"},
    {36, {"/x()$"}, {"/xy"}, NULL},
    {37, {"/y/(\\d+)/(\\a+)$"}, {"/y/12/ab"}, "/y/(\\d+)/(\\a+)$"},
    {37, {"/y/(\\d+)/(\\a+)$"}, {"/y/12/ab/", "/y/a/b"}, NULL},
    {38, {"/z/(\\b())"}, {"/z/(a(b)c)d"}, "/z/(\\b())"},
    {38, {"/z/(\\b())"}, {"/z/(a"}, NULL},
    {39, {"/v/([^/]+)/edit$"}, {"/v/1/edit"}, "/v/([^/]+)/edit$"},
    {39, {"/v/([^/]+)/edit$"}, {"/v/1/2/edit", "/v/1"}, NULL},
    {40, {"/q/(a-\\-\\d+\\.jpg)$"}, {"/q/aaa-12.jpg", "/q/-1.jpg"}, "/q/(a-\\-\\d+\\.jpg)$"},
    {40, {"/q/(a-\\-\\d+\\.jpg)$"}, {"/q/aaa-1xjpg"}, NULL},
    {41, {"/w/(%d+)"}, {"/w/1"}, NULL},
    {42, {"(/foo)", "(.*)", "/ok"}, {"/foo", "/x"}, NULL},
    {42, {"(/foo)", "(.*)", "/ok"}, {"/ok"}, "/ok"},
    {43, {"/d/(.*)", "/d/"}, {"/d/x"}, "/d/(.*)"},
    {44, {"/d/", "/d/(.*)"}, {"/d/x"}, "/d/"},
    {45, {D}, {"@chat", "@ch", "@chatty"}, "@chat"},
    {46, {D}, {"@chat/xx"}, "@chat/(x+)$"},
    {46, {D}, {"@chat/yy"}, NULL},
    {47, {D}, {"<chat", "<ch", "<chatter"}, "<chat"},
    {48, {"/case/(\\U+)$"}, {"/case/abc"}, "/case/(\\U+)$"},
    {48, {"/case/(\\U+)$"}, {"/case/ABC"}, NULL},
    {49, {"/sp/(.-)x$"}, {"/sp/x", "/sp/aax"}, "/sp/(.-)x$"},
    {50, {"/opt/(ab?c)$"}, {"/opt/ac", "/opt/abc"}, "/opt/(ab?c)$"},
    {50, {"/opt/(ab?c)$"}, {"/opt/abbc"}, NULL},
    {51, {"/fr/(\\f[\\d]\\d+)"}, {"/fr/12"}, "/fr/(\\f[\\d]\\d+)"},
    {51, {"/fr/(\\f[\\d]\\d+)"}, {"/fr/a"}, NULL},
};

/* Patterned and plain routes of one prefix; bytes that are no letters; nothing at all. */
static const struct example defined[] = {
    {1, {"/d/(a+)$", "/d/"}, {"/d/b", "/d/", "/d", "/"}, "/d/"},
    {2, {"/d/(a+)$", "/d/"}, {"/d/aa"}, "/d/(a+)$"},
    {3, {"/d/(a+)$", "/d/", "/d/(b+)$"}, {"/d/bb"}, "/d/(b+)$"},
    {4, {"/d/(a+)$", "/d/(b+)$", "/d/"}, {"/d/bb"}, "/d/(b+)$"},
    {5, {"/d/(a+)$", "/d/(b)", "/d/", "/d/(b+)$"}, {"/d/b"}, "/d/(b+)$"},
    {6, {"/d/(a+)$", "/d/(b)", "/d/", "/d/(b+)$"}, {"/d/bc"}, "/d/(b)"},
    {7, {"/d/(a+)$", "/d/(b)", "/d/", "/d/(b+)$"}, {"/d/c"}, "/d/"},
    {8, {"/", "/d/(a+)$"}, {"/d/b"}, NULL},
    {9, {"\xc3\xa9", "/\xff"}, {"\xc3", "\xc3\xa9", "\xc3\xa9x"}, "\xc3\xa9"},
    {10, {"\xc3\xa9", "/\xff"}, {"/", "/\xff\xfe"}, "/\xff"},
    {11, {"", "/a"}, {"", "b"}, NULL},
    {12, {NULL}, {"", "/", "/a"}, NULL},
};

static size_t count_strings(const char *const *strings, size_t max)
{
    size_t count = 0;
    while (count < max && strings[count] != NULL)
        count++;
    return count;
}

static struct route_table *build(struct arena *a, const char *const *routes, size_t count)
{
    struct route_row rows[8];
    struct route_table *t;
    struct error e;
    for (size_t i = 0; i < count; i++)
        rows[i] = (struct route_row){slice_str(routes[i]), (void *)(uintptr_t)routes[i]};
    if (route_table_build(&t, rows, count, a, &e) != 0)
        fail_msg("%s: %s", e.object, e.text);
    return t;
}

static void run(const struct example *x, const char *result)
{
    struct arena a;
    arena_init(&a, 0);
    size_t count = count_strings(x->routes, 6);
    struct route_table *t = build(&a, x->routes, count);
    for (size_t i = 0; i < count_strings(x->paths, 8); i++) {
        struct route_hit hit;
        bool found = route_table_find(t, slice_str(x->paths[i]), &hit);
        if (found != (result != NULL) || (found && !slice_eq(hit.route, slice_str(result))))
            fail_msg("example %d: '%s' found %.*s", x->number, x->paths[i],
                     found ? (int)hit.route.len : 7, found ? hit.route.ptr : "nothing");
        if (!found)
            continue;
        assert_ptr_equal(hit.target, x->routes[hit.row]);
        assert_string_equal(x->routes[hit.row], result);
        assert_int_equal(hit.prefix_len, strcspn(result, "("));
    }
    arena_fini(&a);
}

static void test_worked_examples(void **state)
{
    (void)state;
    int last = 0;
    for (size_t i = 0; i < sizeof worked / sizeof worked[0]; i++) {
        assert_in_range(worked[i].number, last, last + 1); /* none was left out */
        last = worked[i].number;
        run(&worked[i], worked[i].result);
    }
    assert_int_equal(last, 51);
}

static void test_what_upstream_leaves_undefined(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof defined / sizeof defined[0]; i++)
        run(&defined[i], defined[i].result);
}

static void test_equal_routes(void **state)
{
    (void)state;
    struct arena a;
    struct route_table *t;
    struct route_hit hit;
    int targets[3];
    arena_init(&a, 0);
    struct route_row plain[] = {{SLICE("/a"), &targets[0]}, {SLICE("/a"), &targets[1]}};
    assert_int_equal(route_table_build(&t, plain, 2, &a, NULL), 0);
    assert_true(route_table_find(t, SLICE("/a"), &hit));
    assert_ptr_equal(hit.target, &targets[0]);
    assert_int_equal(hit.row, 0);
    struct route_row mixed[] = {
        {SLICE("/a(1)"), &targets[0]}, {SLICE("/a"), &targets[1]}, {SLICE("/a"), &targets[2]}};
    assert_int_equal(route_table_build(&t, mixed, 3, &a, NULL), 0);
    assert_true(route_table_find(t, SLICE("/a2"), &hit));
    assert_ptr_equal(hit.target, &targets[1]);
    arena_fini(&a);
}

static void test_rows_are_copied(void **state)
{
    (void)state;
    struct arena a;
    struct route_table *t;
    struct route_hit hit;
    char text[] = "/users/(\\d+)";
    struct route_row row = {slice_str(text), NULL};
    arena_init(&a, 0);
    assert_int_equal(route_table_build(&t, &row, 1, &a, NULL), 0);
    memset(text, 'x', sizeof text);
    assert_true(route_table_find(t, SLICE("/users/7"), &hit));
    assert_true(slice_eq(hit.route, SLICE("/users/(\\d+)")));
    assert_int_equal(hit.prefix_len, 7);
    arena_fini(&a);
}

static void test_malformed_route(void **state)
{
    (void)state;
    struct arena a;
    struct route_table *t;
    struct error e;
    arena_init(&a, 0);
    struct route_row rows[] = {{SLICE("/ok"), NULL}, {SLICE("/img/([a-z)"), NULL}};
    assert_int_equal(route_table_build(&t, rows, 2, &a, &e), -1);
    assert_null(t);
    assert_int_equal(e.code, ERROR_INVALID);
    assert_string_equal(e.object, "/img/([a-z)");
    assert_non_null(strstr(e.text, "column 7"));
    assert_int_equal(route_check(SLICE("/img/([a-z)"), &e), -1);
    assert_int_equal(route_check(SLICE("/img/[a-z"), &e), 0); /* no pattern: a plain route */
    assert_int_equal(route_check(SLICE(""), &e), 0);
    arena_fini(&a);
}

static void test_split(void **state)
{
    (void)state;
    static const struct {
        const char *route, *prefix, *pattern;
    } rows[] = {
        {"/images/", "/images/", ""},
        {"/images/(.*.jpg)", "/images/", "(.*.jpg)"},
        {"/images/.*.jpg", "/images/.*.jpg", ""},
        {"/x()$", "/x", "()$"},
        {"(.*)", "", "(.*)"},
        {"/x\\(a", "/x\\", "(a"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct slice prefix, pattern;
        route_split(slice_str(rows[i].route), &prefix, &pattern);
        assert_true(slice_eq(prefix, slice_str(rows[i].prefix)));
        assert_true(slice_eq(pattern, slice_str(rows[i].pattern)));
    }
}

/* A hundred thousand routes, a third of them patterned: each finds itself. */
static void test_many_routes(void **state)
{
    (void)state;
    enum { COUNT = 100000 };
    struct route_row *rows = calloc(COUNT, sizeof *rows);
    char *texts = calloc(COUNT, 64);
    struct arena a;
    struct route_table *t;
    struct route_hit hit;
    arena_init(&a, 1 << 16);
    for (size_t i = 0; i < COUNT; i++) {
        char *text = texts + 64 * i;
        int len = snprintf(text, 64, "/svc%zu/v%zu/item-%zu/%s", i * 7919 % 1000, i % 7, i,
                           i % 3 == 0 ? "(\\d+)$" : "");
        rows[i] = (struct route_row){slice_of(text, (size_t)len), text};
    }
    assert_int_equal(route_table_build(&t, rows, COUNT, &a, NULL), 0);
    for (size_t i = 0; i < COUNT; i++) {
        char path[64];
        size_t len = strcspn(rows[i].route.ptr, "(");
        memcpy(path, rows[i].route.ptr, len);
        memcpy(path + len, "42", 2);
        assert_true(route_table_find(t, slice_of(path, len + 2), &hit));
        assert_int_equal(hit.row, i);
        path[len] = 'x';
        assert_int_equal(route_table_find(t, slice_of(path, len + 2), &hit), i % 3 != 0);
    }
    assert_true(route_table_find(t, SLICE("/svc918/v6/item"), &hit));
    assert_false(route_table_find(t, SLICE("/svc918/v9/item"), &hit));
    arena_fini(&a);
    free(texts);
    free(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_worked_examples),
        cmocka_unit_test(test_what_upstream_leaves_undefined),
        cmocka_unit_test(test_equal_routes),
        cmocka_unit_test(test_rows_are_copied),
        cmocka_unit_test(test_malformed_route),
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_many_routes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
