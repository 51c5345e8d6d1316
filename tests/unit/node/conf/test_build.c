/* A snapshot is built from a model, or refused with the object that is in the way. */

#include "node/conf/build.h"
#include "node/worker.h"
#include "tests/unit/proto/model/fixture.h"

static const struct target_ops kind_dir;

static int create(struct target **out, const struct row *row, struct snapshot_build *b,
                  struct error *e)
{
    (void)row, (void)b, (void)e;
    *out = calloc(1, sizeof **out);
    assert_non_null(*out);
    (*out)->ops = &kind_dir;
    return 0;
}

static void destroy(struct target *t)
{
    free(t);
}

static const struct target_ops kind_dir = {
    .kind = "dir", .table = TABLE_DIRECTORY, .create = create, .destroy = destroy};
static const struct target_ops *const kinds[] = {&kind_dir, NULL};

static struct model *site(void)
{
    struct model *m = model_create(NULL);
    assert_non_null(m);
    fixture_server(m, "main", 6767);
    fixture_server(m, "other", 6768);
    fixture_row(m, TABLE_HOST, "server_id=1", "name=a.test", NULL);
    fixture_row(m, TABLE_DIRECTORY, "base=static/", "index_file=index.html",
                "default_ctype=text/plain", NULL);
    fixture_row(m, TABLE_ROUTE, "path=/", "host_id=1", "target_id=1", "target_type=dir", NULL);
    fixture_row(m, TABLE_ROUTE, "path=/more", "host_id=1", "target_id=1", "target_type=dir", NULL);
    return m;
}

static int build(struct snapshot **out, struct model *m, struct error *e)
{
    static struct worker worker;
    static struct plugins plugins;
    plugins_init(&plugins);
    worker.plugins = &plugins;
    assert_int_equal(model_freeze(m, e), 0);
    int result = build_snapshot(out, m, model_row(m, TABLE_SERVER, 0), &worker, kinds, e);
    model_unref(m);
    return result;
}

static void test_targets_of_one_row_are_one(void **state)
{
    (void)state;
    struct snapshot *s;
    struct error e;
    assert_int_equal(build(&s, site(), &e), 0);
    assert_int_equal(s->target_count, 1);
    assert_true(slice_eq(s->default_host->name, SLICE("a.test")));
    snapshot_unref(s);
}

/* Serving unfiltered what was to be filtered is worse than not serving. */
static void test_filters_of_this_server_must_be_there(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        const char *says; /* NULL: it is another server's business */
    } cases[] = {
        {"server_id=1", "rewrite.so"},
        {"server_id=2", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct model *m = site();
        struct snapshot *s;
        struct error e;
        fixture_row(m, TABLE_FILTER, "name=rewrite.so", "settings=0:}", cases[i].word, NULL);
        int result = build(&s, m, &e);
        assert_int_equal(result, cases[i].says != NULL ? -1 : 0);
        if (cases[i].says != NULL) {
            assert_non_null(strstr(e.text, cases[i].says));
            assert_string_equal(e.object, "rewrite.so");
        }
        snapshot_unref(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_targets_of_one_row_are_one),
        cmocka_unit_test(test_filters_of_this_server_must_be_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
