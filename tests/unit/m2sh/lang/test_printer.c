/* Values that can be written, and those that cannot. What whole models look like is tested with the
 * golden files (test_document.c). */

#include "m2sh/lang/document.h"
#include "m2sh/lang/printer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define TEXT(literal) literal, sizeof(literal) - 1

static void test_strings(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        size_t len;
        const char *written; /* NULL: cannot be */
    } rows[] = {
        {TEXT(""), "\"\""},
        {TEXT("a b"), "\"a b\""},
        {TEXT("it's"), "\"it's\""},
        {TEXT("say \"x\""), "'say \"x\"'"},
        {TEXT("line\nline"), "\"line\nline\""},
        {TEXT("\\d+\\."), "\"\\d+\\.\""},
        {TEXT("a\\\"b"), "\"a\\\"b\""}, /* the backslash is part of the value */
        {TEXT("a\\\"b'c"), "\"a\\\"b'c\""},
        {TEXT("both ' and \""), NULL},
        {TEXT("ends in \\"), NULL},
        {TEXT("ends in \\\\"), "\"ends in \\\\\""},
        {TEXT("nul \0 byte"), NULL},
        {TEXT("hidden \\\0 byte"), NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf out = BUF_INIT;
        struct error e;
        int result = printer_put_string(slice_of(rows[i].value, rows[i].len), &out, &e);
        assert_int_equal(result, rows[i].written != NULL ? 0 : -1);
        if (rows[i].written != NULL)
            assert_string_equal(buf_str(&out), rows[i].written);
        else
            assert_int_equal(e.code, ERROR_UNSUPPORTED);
        buf_fini(&out);
    }
}

static struct model *small_model(void)
{
    struct error e;
    struct model *m = model_create(&e);
    struct row *row = model_add(m, TABLE_SERVER, &e);
    row_set_text(m, row, SERVER_NAME, SLICE("main"), &e);
    row_set_int(row, SERVER_PORT, 80);
    return m;
}

static void expect_refused(struct model *m, enum error_code code, const char *object)
{
    struct error e = {.code = ERROR_NONE};
    struct buf out = BUF_INIT;
    assert_int_equal(model_freeze(m, &e), 0);
    assert_int_equal(printer_print(m, &out, &e), -1);
    assert_int_equal(e.code, code);
    assert_string_equal(e.object, object);
    buf_fini(&out);
    model_unref(m);
}

static void test_refusals(void **state)
{
    (void)state;
    struct error e;
    struct model *m = small_model();
    row_set_int(model_row_edit(m, TABLE_SERVER, 0), SERVER_PORT, -1);
    expect_refused(m, ERROR_UNSUPPORTED, "server 1, port");

    m = small_model();
    row_set_text(m, model_row_edit(m, TABLE_SERVER, 0), SERVER_UUID, SLICE("'\""), &e);
    expect_refused(m, ERROR_UNSUPPORTED, "server 1, uuid");

    m = small_model();
    struct row *filter = model_add(m, TABLE_FILTER, &e);
    row_set_int(filter, PLUGIN_SERVER_ID, 1);
    row_set_text(m, filter, PLUGIN_SETTINGS, SLICE("4:true!"), &e);
    expect_refused(m, ERROR_UNSUPPORTED, "filter 1, settings");

    m = small_model();
    struct row *route = model_add(m, TABLE_ROUTE, &e);
    row_set_text(m, route, ROUTE_PATH, SLICE("/x"), &e);
    row_set_text(m, route, ROUTE_TARGET_TYPE, SLICE("dir"), &e);
    row_set_int(route, ROUTE_TARGET_ID, 7);
    expect_refused(m, ERROR_INVALID, "");
}

static void test_layout(void **state)
{
    (void)state;
    struct error e;
    struct buf out = BUF_INIT;
    struct document *d = document_load_text(
        "x",
        SLICE("d = Dir(base=\"w/\" index_file=\"i\" default_ctype=\"t/t\" cache_ttl=0)"
              "settings={\"a.b\":7 \"zeromq.threads\":\"1\"} mimetypes={\".html\":\"text/html\"}"
              "servers=[Server(uuid=\"2d0b1c9e-6a43-4f6b-8f0e-0a51c7d9000a\" name=\"n\""
              "default_host=\"h\" access_log=\"/a\" error_log=\"/e\" pid_file=\"/p\" port=80"
              " hosts=[Host(name=\"h\" matching=\"h\" routes={\"/\":d \"/b/\":d})"
              "Host(name=\"i\" routes={})])]"),
        100);
    assert_non_null(document_model(d));
    assert_int_equal(printer_print(document_model(d), &out, &e), 0);
    assert_string_equal(buf_str(&out),
                        "dir_1 = Dir(base=\"w/\", index_file=\"i\", default_ctype=\"t/t\")\n"
                        "\n"
                        "servers = [Server(\n"
                        "    uuid=\"2d0b1c9e-6a43-4f6b-8f0e-0a51c7d9000a\",\n"
                        "    access_log=\"/a\",\n"
                        "    error_log=\"/e\",\n"
                        "    pid_file=\"/p\",\n"
                        "    default_host=\"h\",\n"
                        "    name=\"n\",\n"
                        "    port=80,\n"
                        "    hosts=[\n"
                        "        Host(name=\"h\", routes={\n"
                        "            \"/\": dir_1,\n"
                        "            \"/b/\": dir_1}),\n"
                        "        Host(name=\"i\", routes={})])]\n"
                        "\n"
                        "settings = {\n"
                        "    \"a.b\": 7,\n"
                        "    \"zeromq.threads\": 1\n"
                        "}\n");
    document_destroy(d);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_layout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
