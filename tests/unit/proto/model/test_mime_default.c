#include "proto/model/mime_default.h"
#include "tests/unit/proto/model/fixture.h"

static void the_table_is_sorted_and_usable(void **state)
{
    (void)state;
    assert_true(mime_default_count >= 850);
    for (size_t i = 0; i < mime_default_count; i++) {
        const char *extension = mime_defaults[i].extension;
        assert_int_equal(extension[0], '.');
        assert_true(strlen(extension) > 1);
        for (const char *p = extension; *p != '\0'; p++)
            assert_false(*p >= 'A' && *p <= 'Z');
        assert_non_null(strchr(mime_defaults[i].mimetype, '/'));
        if (i > 0)
            assert_true(strcmp(mime_defaults[i - 1].extension, extension) < 0);
        assert_ptr_equal(mime_default_find(slice_str(extension)), mime_defaults[i].mimetype);
    }
}

static void types_are_todays(void **state)
{
    (void)state;
    static const struct {
        const char *extension, *mimetype;
    } cases[] = {
        {".html", "text/html"},
        {".css", "text/css"},
        {".js", "text/javascript"},
        {".mjs", "text/javascript"},
        {".json", "application/json"},
        {".txt", "text/plain"},
        {".png", "image/png"},
        {".webm", "video/webm"},
        {".wasm", "application/wasm"},
        {".woff2", "font/woff2"},
        {".avif", "image/avif"},
        {".svg", "image/svg+xml"},
        {".gz", "application/gzip"},
        {".ts", "video/mp2t"},
        {".m3u8", "application/vnd.apple.mpegurl"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(mime_default_find(slice_str(cases[i].extension)), cases[i].mimetype);
    assert_null(mime_default_find(SLICE(".HTML")));
    assert_null(mime_default_find(SLICE(".htm ")));
    assert_null(mime_default_find(SLICE("")));
}

static void an_override_changes_or_adds(void **state)
{
    (void)state;
    struct model *m = model_create(NULL);
    struct row *r;
    assert_int_equal(mime_default_add(m, NULL), 0);
    assert_int_equal(mime_default_override(m, SLICE(".js"), SLICE("text/x"), &r, NULL), 0);
    assert_int_equal(model_count(m, TABLE_MIMETYPE), mime_default_count);
    assert_string_equal(row_str(r, MIMETYPE_MIMETYPE), "text/x");
    assert_int_equal(mime_default_override(m, SLICE(".new"), SLICE("a/b"), NULL, NULL), 0);
    assert_int_equal(model_count(m, TABLE_MIMETYPE), mime_default_count + 1);
    const struct row *last = model_row(m, TABLE_MIMETYPE, mime_default_count);
    assert_string_equal(row_str(last, MIMETYPE_EXTENSION), ".new");
    assert_string_equal(row_str(last, MIMETYPE_MIMETYPE), "a/b");
    assert_string_equal(mime_default_find(SLICE(".js")), "text/javascript");
    model_unref(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_sorted_and_usable),
        cmocka_unit_test(types_are_todays),
        cmocka_unit_test(an_override_changes_or_adds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
