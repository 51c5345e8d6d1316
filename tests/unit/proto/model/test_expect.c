#include "proto/model/expect.h"
#include "tests/unit/proto/model/fixture.h"

static void tests_are_taken_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text, *method;
        bool is_tls;
        const char *host;
        int port;
        const char *path, *query;
        enum expect_kind kind;
        const char *name;
    } cases[] = {
        {"GET http://a.test/x -> pool api", "GET", false, "a.test", 0, "/x", "", EXPECT_POOL,
         "api"},
        {"  PUT\thttps://a.test:8443/x?y=1  ->  dir static/ ", "PUT", true, "a.test", 8443, "/x",
         "y=1", EXPECT_DIR, "static/"},
        {"GET http://a.test -> 404", "GET", false, "a.test", 0, "/", "", EXPECT_NOT_FOUND, ""},
        {"GET http://a.test?q -> proxy", "GET", false, "a.test", 0, "/", "q", EXPECT_PROXY, ""},
        {"GET http://[::1]:80/ -> status health", "GET", false, "[::1]", 80, "/", "", EXPECT_STATUS,
         "health"},
        {"JSON @chat -> handler tcp://a:1", "JSON", false, "", 0, "@chat", "", EXPECT_HANDLER,
         "tcp://a:1"},
        {"GET /old -> redirect /new", "GET", false, "", 0, "/old", "", EXPECT_REDIRECT, "/new"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct expect x;
        struct error e = {0};
        if (expect_parse(&x, slice_str(cases[i].text), &e) < 0)
            fail_msg("%s: %s", cases[i].text, e.text);
        assert_true(slice_eq(x.method, slice_str(cases[i].method)));
        assert_int_equal(x.is_tls, cases[i].is_tls);
        assert_true(slice_eq(x.host, slice_str(cases[i].host)));
        assert_int_equal(x.port, cases[i].port);
        assert_true(slice_eq(x.path, slice_str(cases[i].path)));
        assert_true(slice_eq(x.query, slice_str(cases[i].query)));
        assert_int_equal(x.kind, cases[i].kind);
        assert_true(slice_eq(x.name, slice_str(cases[i].name)));
    }
}

static void faults_are_named_with_their_column(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "column 1: expected a method"},
        {"get http://a/ -> dir", "column 1: expected a method"},
        {"GET", "column 4: expected a URL"},
        {"GET a.test/ -> dir", "column 5: expected a URL"},
        {"GET http:///x -> dir", "column 12: expected the name of a host"},
        {"GET http://a:/x -> dir", "column 14: expected a port"},
        {"GET http://a:99999/ -> dir", "column 14: expected a port"},
        {"GET http://[::1/ -> dir", "column 12: expected an IPv6 address"},
        {"GET http://[::1]x/ -> dir", "column 17: expected ':' and a port"},
        {"GET http://a/", "column 14: expected '->'"},
        {"GET http://a/ dir", "column 15: expected '->'"},
        {"GET http://a/ ->", "column 17: expected dir, proxy"},
        {"GET http://a/ -> Dir", "column 18: expected dir, proxy"},
        {"GET http://a/ -> 404 x", "column 22: expected nothing behind 404"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct expect x;
        struct error e = {0};
        assert_int_equal(expect_parse(&x, slice_str(cases[i].text), &e), -1);
        if (strstr(e.text, cases[i].says) == NULL)
            fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].text, e.text, cases[i].says);
    }
}

static bool fits(const char *target, const struct row *r)
{
    char text[100];
    struct expect x;
    snprintf(text, sizeof text, "GET /x -> %s", target);
    assert_int_equal(expect_parse(&x, slice_str(text), NULL), 0);
    return expect_fits(&x, r);
}

static void targets_are_compared(void **state)
{
    (void)state;
    struct model *m = fixture_site_with_additions();
    const struct row *dir = model_row(m, TABLE_DIRECTORY, 0);
    const struct row *proxy = model_row(m, TABLE_PROXY, 0), *both = model_row(m, TABLE_PROXY, 1);
    const struct row *classic = model_row(m, TABLE_HANDLER, 0),
                     *pool = model_row(m, TABLE_HANDLER, 1);
    assert_true(fits("404", NULL));
    assert_false(fits("404", dir));
    assert_false(fits("dir", NULL));
    assert_true(fits("dir", dir));
    assert_true(fits("dir static/", dir));
    assert_false(fits("dir other/", dir));
    assert_false(fits("proxy", dir));
    assert_true(fits("proxy 127.0.0.1:8080", proxy));
    assert_false(fits("proxy 127.0.0.1:80", proxy));
    assert_true(fits("proxy b:80", both));
    assert_false(fits("proxy b:8", both));
    assert_true(fits("handler tcp://127.0.0.1:9997", classic));
    assert_true(fits("handler ident", classic));
    assert_false(fits("handler tcp://127.0.0.1:9996", classic));
    assert_true(fits("handler", pool));
    assert_true(fits("pool chat", pool));
    assert_false(fits("pool", classic));
    assert_false(fits("pool cha", pool));
    assert_true(fits("redirect /new", model_row(m, TABLE_REDIRECT, 0)));
    assert_true(fits("status health", model_row(m, TABLE_STATUS, 0)));
    assert_false(fits("status metrics", model_row(m, TABLE_STATUS, 0)));
    model_unref(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tests_are_taken_apart),
        cmocka_unit_test(faults_are_named_with_their_column),
        cmocka_unit_test(targets_are_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
