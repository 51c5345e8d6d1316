/* What `m2sh route` is told, against what upstream's prints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/route/route_explain.h"

static void explain(bool host, const char *pattern, const char *text, bool matches,
                    const char *shown, const char *prefix)
{
    struct arena a;
    struct error e;
    struct route_explanation x;
    arena_init(&a, 0);
    int result = host ? route_explain_host(&x, slice_str(pattern), slice_str(text),
                                           HOST_MATCHING_UPSTREAM, &a, &e)
                      : route_explain_path(&x, slice_str(pattern), slice_str(text), &a, &e);
    assert_int_equal(result, 0);
    assert_int_equal(x.matches, matches);
    assert_true(slice_eq(x.pattern, slice_str(shown)));
    assert_true(slice_eq(x.prefix, slice_str(prefix)));
    arena_fini(&a);
}

static void test_explain(void **state)
{
    (void)state;
    explain(false, "/images/(.*.jpg)", "/images/a.jpg", true, "/images/(.*.jpg)", "/images/");
    explain(false, "/images/(.*.jpg)", "/zzz", false, "/images/(.*.jpg)", "/images/");
    explain(false, "/users", "/us", true, "/users", "/users");
    explain(true, "(.+).mongrel2.org", "a.mongrel2.org", true, "(.+)$", "gro.2lergnom.");
    explain(true, "mongrel2.org", "org", true, "mongrel2.org", "gro.2lergnom");
    explain(true, "(.+)", "x", false, "(.+)$", "");
    struct arena a;
    struct error e;
    struct route_explanation x;
    arena_init(&a, 0);
    assert_int_equal(route_explain_path(&x, SLICE("/x([a)"), SLICE("/xa"), &a, &e), -1);
    assert_int_equal(
        route_explain_host(&x, SLICE("([a)"), SLICE("a"), HOST_MATCHING_LABELS, &a, &e), -1);
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_explain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
