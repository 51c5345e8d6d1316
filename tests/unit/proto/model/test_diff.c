#include "proto/model/canon.h"
#include "proto/model/diff.h"
#include "tests/unit/proto/model/mutate.h"

static void assert_diff(struct model *before, struct model *after, const char *expected)
{
    struct diff *d = NULL;
    struct error e = {0};
    if (before != NULL)
        assert_int_equal(model_freeze(before, NULL), 0);
    if (after != NULL)
        assert_int_equal(model_freeze(after, NULL), 0);
    if (diff_make(&d, before, after, &e) < 0)
        fail_msg("%s", e.text);
    struct buf out = BUF_INIT;
    diff_format(d, &out);
    assert_string_equal(buf_str(&out), expected);
    buf_fini(&out);
    diff_destroy(d);
    model_unref(before);
    model_unref(after);
}

static struct model *changed(enum table_id table, size_t row, const char *word)
{
    struct model *m = fixture_site();
    fixture_set(m, model_row_edit(m, table, row), word);
    return m;
}

#define HOST "server \"main\": host \"a.test\""

static void changes_are_told_in_words(void **state)
{
    (void)state;
    static const struct {
        enum table_id table;
        size_t row;
        const char *word;
        const char *expected;
    } cases[] = {
        {TABLE_SERVER, 0, "port=80", "~ server \"main\": port changed from 6767 to 80\n"},
        {TABLE_SERVER, 0, "uuid=u2",
         "~ server \"main\": uuid changed from \"uuid-main\" to \"u2\"\n"},
        {TABLE_HOST, 0, "matching=b.test",
         "~ " HOST ": matching changed from \"a.test\" to \"b.test\"\n"},
        {TABLE_ROUTE, 1, "path=/b/",
         "- " HOST ": route \"/app/\": led to Proxy \"127.0.0.1\" port 8080\n"
         "+ " HOST ": route \"/b/\": leads to Proxy \"127.0.0.1\" port 8080\n"},
        {TABLE_ROUTE, 2, "target_type=dir",
         "~ " HOST ": route \"/echo\": now leads to Dir \"static/\" (was Handler "
         "\"tcp://127.0.0.1:9997\")\n"},
        {TABLE_HANDLER, 0, "protocol=tnetstring",
         "~ Handler \"tcp://127.0.0.1:9997\": protocol changed from \"json\" to \"tnetstring\"\n"},
        {TABLE_HANDLER, 0, "send_spec=tcp://a:1",
         "~ " HOST ": route \"/echo\": now leads to Handler \"tcp://a:1\" (was Handler "
         "\"tcp://127.0.0.1:9997\")\n"
         "~ " HOST ": route \"@echo\": now leads to Handler \"tcp://a:1\" (was Handler "
         "\"tcp://127.0.0.1:9997\")\n"},
        {TABLE_DIRECTORY, 0, "cache_ttl=5", "~ Dir \"static/\": cache_ttl changed from 30 to 5\n"},
        {TABLE_SETTING, 0, "value=4",
         "~ setting \"zeromq.threads\": value changed from \"1\" to \"4\"\n"},
        {TABLE_SETTING, 0, "key=x",
         "- setting \"zeromq.threads\": no longer set, was \"1\"\n+ setting \"x\": set to \"1\"\n"},
        {TABLE_MIMETYPE, 0, "mimetype=a/b",
         "~ mimetype \".html\": mimetype changed from \"text/html\" to \"a/b\"\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_diff(fixture_site(), changed(cases[i].table, cases[i].row, cases[i].word),
                    cases[i].expected);
    assert_diff(fixture_site(), fixture_site(), "");
}

static void added_and_removed_objects(void **state)
{
    (void)state;
    static const char added[] = "+ " HOST ": route \"/chat\": leads to Handler pool \"chat\"\n"
                                "+ " HOST ": route \"/old\": leads to Redirect to \"/new\"\n"
                                "+ " HOST ": route \"/health\": leads to Status \"health\"\n"
                                "+ " HOST ": route \"/both\": leads to Proxy \"a:80 b:80\"\n"
                                "+ expect \"GET http://a.test/chat -> pool chat\": added\n";
    static const char removed[] = "- " HOST ": route \"/chat\": led to Handler pool \"chat\"\n"
                                  "- " HOST ": route \"/old\": led to Redirect to \"/new\"\n"
                                  "- " HOST ": route \"/health\": led to Status \"health\"\n"
                                  "- " HOST ": route \"/both\": led to Proxy \"a:80 b:80\"\n"
                                  "- expect \"GET http://a.test/chat -> pool chat\": removed\n";
    assert_diff(fixture_site(), fixture_site_with_additions(), added);
    assert_diff(fixture_site_with_additions(), fixture_site(), removed);
    assert_diff(NULL, fixture_site(),
                "+ server \"main\": added, with 1 host\n"
                "+ setting \"zeromq.threads\": set to \"1\"\n"
                "+ mimetype \".html\": is \"text/html\"\n");
    assert_diff(NULL, NULL, "");
    struct model *m = fixture_site();
    fixture_row(m, TABLE_HOST, "server_id=1", "name=b.test", NULL);
    fixture_row(m, TABLE_ROUTE, "path=/", "host_id=2", "target_id=1", "target_type=dir", NULL);
    fixture_row(m, TABLE_STATUS, "what=metrics", NULL);
    fixture_row(m, TABLE_FILTER, "server_id=1", "name=x.so", "settings=0:}", NULL);
    assert_diff(fixture_site(), m,
                "+ server \"main\": host \"b.test\": added, with 1 route\n"
                "+ server \"main\": filter \"x.so\": added\n"
                "+ Status \"metrics\": added\n");
}

static void another_target_of_the_same_name_is_told_apart(void **state)
{
    (void)state;
    struct model *before = fixture_site(), *after = fixture_site();
    fixture_row(before, TABLE_HANDLER, "pool=chat", NULL);
    fixture_set(before, model_row_edit(before, TABLE_ROUTE, 3), "target_id=2");
    fixture_row(after, TABLE_HANDLER, "pool=chat", NULL);
    fixture_row(after, TABLE_HANDLER, "pool=chat", "timeout=9", NULL);
    fixture_set(after, model_row_edit(after, TABLE_ROUTE, 3), "target_id=3");
    fixture_set(after, model_row_edit(after, TABLE_ROUTE, 2), "target_id=2");
    assert_diff(before, after,
                "~ " HOST ": route \"/echo\": now leads to Handler pool \"chat\" (was Handler "
                "\"tcp://127.0.0.1:9997\")\n"
                "~ " HOST
                ": route \"@echo\": now leads to another Handler pool \"chat\", with timeout "
                "9 instead of 0\n");
}

static void order_is_told_once(void **state)
{
    (void)state;
    struct model *m = fixture_site();
    fixture_set(m, model_row_edit(m, TABLE_ROUTE, 0), "path=/echo");
    fixture_set(m, model_row_edit(m, TABLE_ROUTE, 0), "target_type=handler");
    fixture_set(m, model_row_edit(m, TABLE_ROUTE, 2), "path=/");
    fixture_set(m, model_row_edit(m, TABLE_ROUTE, 2), "target_type=dir");
    assert_diff(fixture_site(), m, "~ " HOST ": the order of its routes changed\n");
}

/* No line when, and only when, the canonical bytes are equal. */
static void a_difference_is_told_if_there_is_one(void **state)
{
    (void)state;
    unsigned seed = 7, equal = 0;
    struct model *m = fixture_site_with_additions();
    fixture_row(m, TABLE_HOST, "server_id=1", "name=b.test", NULL);
    fixture_row(m, TABLE_ROUTE, "path=/", "host_id=2", "target_id=1", "target_type=dir", NULL);
    fixture_row(m, TABLE_FILTER, "server_id=1", "name=x.so", "settings=0:}", NULL);
    fixture_row(m, TABLE_FILTER, "server_id=1", "name=y.so", "settings=0:}", NULL);
    assert_int_equal(model_freeze(m, NULL), 0);
    for (int round = 0; round < 3000; round++) {
        struct model *next = mutate(m, &seed, 40);
        struct buf x = BUF_INIT, y = BUF_INIT, lines = BUF_INIT;
        struct diff *d = NULL;
        assert_int_equal(canon_encode(m, &x, NULL) + canon_encode(next, &y, NULL), 0);
        assert_int_equal(diff_make(&d, m, next, NULL), 0);
        diff_format(d, &lines);
        bool same = slice_eq(buf_slice(&x), buf_slice(&y));
        equal += same;
        if ((d->count == 0) != same)
            fail_msg("round %d:\n%s\n%s\n%s", round, buf_str(&x), buf_str(&y), buf_str(&lines));
        buf_fini(&x);
        buf_fini(&y);
        buf_fini(&lines);
        diff_destroy(d);
        model_unref(next);
    }
    assert_true(equal > 30 && equal < 2970); /* both cases were met */
    model_unref(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_are_told_in_words),
        cmocka_unit_test(added_and_removed_objects),
        cmocka_unit_test(another_target_of_the_same_name_is_told_apart),
        cmocka_unit_test(order_is_told_once),
        cmocka_unit_test(a_difference_is_told_if_there_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
