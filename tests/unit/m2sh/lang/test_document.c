/* Whole configuration files against exact expectations: good/X.conf gives the rows of good/X.rows
 * (and survives being printed and loaded again), bad/X.conf gives the messages of bad/X.errors. Of
 * sense/X.conf, which the language lets pass and the check refuses, only the places are compared:
 * the words are the check's. With M2_GOLDEN_WRITE=1 the expectations are written instead; review
 * the difference. */

#include "m2sh/lang/document.h"
#include "m2sh/lang/printer.h"
#include "proto/model/canon.h"
#include "proto/model/mime_default.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static void put_text(struct buf *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\n')
            buf_append_str(out, "<newline>");
        else
            buf_append_char(out, text.ptr[i]);
    }
}

static bool is_default_mimetype(const struct row *row)
{
    if (row->table != TABLE_MIMETYPE)
        return false;
    const char *usual = mime_default_find(row_text(row, MIMETYPE_EXTENSION));
    return usual != NULL && slice_eq(row_text(row, MIMETYPE_MIMETYPE), slice_str(usual));
}

static void put_row(struct buf *out, const struct row *row)
{
    const struct table *t = &schema_tables[row->table];
    buf_printf(out, "%s", t->name);
    for (size_t i = row->table == TABLE_MIMETYPE ? 1 : 0; i < t->column_count; i++) {
        const struct value *v = &row->values[i];
        buf_append_str(out, " | ");
        if (v->kind == VALUE_INT)
            buf_append_int(out, v->n);
        else if (v->kind == VALUE_TEXT)
            put_text(out, v->text);
        else
            buf_append_str(out, "NULL");
    }
    buf_append_char(out, '\n');
}

static void put_model(struct buf *out, const struct model *m)
{
    for (int t = 0; t < TABLE_COUNT; t++)
        for (size_t i = 0; i < model_count(m, (enum table_id)t); i++) {
            const struct row *row = model_row(m, (enum table_id)t, i);
            if (!is_default_mimetype(row))
                put_row(out, row);
        }
}

static void read_file(const char *path, struct buf *out)
{
    char chunk[4096];
    size_t got;
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return;
    while ((got = fread(chunk, 1, sizeof chunk, f)) > 0)
        buf_append(out, chunk, got);
    fclose(f);
}

static void write_file(const char *path, const struct buf *text)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fputs(buf_str(text), f);
    fclose(f);
}

/* Compares with NAME.SUFFIX (or writes it). */
static void expect_text(const char *conf, const char *suffix, const struct buf *got)
{
    char path[300];
    struct buf wanted = BUF_INIT;
    snprintf(path, sizeof path, "%.*s%s", (int)(strlen(conf) - strlen(".conf")), conf, suffix);
    if (getenv("M2_GOLDEN_WRITE") != NULL)
        write_file(path, got);
    read_file(path, &wanted);
    if (strcmp(buf_str(got), buf_str(&wanted)) != 0)
        print_error("%s: wanted\n%s\ngot\n%s\n", path, buf_str(&wanted), buf_str(got));
    assert_string_equal(buf_str(got), buf_str(&wanted));
    buf_fini(&wanted);
}

static void canonical(const struct document *d, struct buf *out)
{
    struct error e;
    assert_int_equal(canon_encode(document_model(d), out, &e), 0);
}

/* Printing gives a text that loads to an equal configuration, and prints the same again. */
static void expect_round_trip(const char *conf, const struct document *d)
{
    struct error e = {.text = ""};
    struct buf text = BUF_INIT, again = BUF_INIT, before = BUF_INIT, after = BUF_INIT;
    assert_int_equal(printer_print(document_model(d), &text, &e), 0);
    struct document *copy = document_load_text(conf, buf_slice(&text), 10000);
    if (!document_is_valid(copy)) {
        diag_format_all(document_diags(copy), &again);
        fail_msg("%s printed as\n%s\n%s", conf, buf_str(&text), buf_str(&again));
    }
    canonical(d, &before);
    canonical(copy, &after);
    assert_true(slice_eq(buf_slice(&before), buf_slice(&after)));
    assert_int_equal(printer_print(document_model(copy), &again, &e), 0);
    assert_string_equal(buf_str(&text), buf_str(&again));
    document_destroy(copy);
    buf_fini(&text);
    buf_fini(&again);
    buf_fini(&before);
    buf_fini(&after);
}

static void check_good(const char *conf)
{
    struct buf out = BUF_INIT;
    struct document *d = document_load(conf);
    diag_format_all(document_diags(d), &out);
    if (!document_is_valid(d))
        fail_msg("%s is not valid:\n%s", conf, buf_str(&out));
    if (strcmp(conf, "warnings.conf") != 0)
        buf_clear(&out);
    put_model(&out, document_model(d));
    expect_text(conf, ".rows", &out);
    expect_round_trip(conf, d);
    document_destroy(d);
    buf_fini(&out);
}

static void check_bad(const char *conf)
{
    struct buf out = BUF_INIT;
    struct document *d = document_load(conf);
    assert_false(document_is_valid(d));
    assert_null(document_model(d));
    diag_format_all(document_diags(d), &out);
    expect_text(conf, ".errors", &out);
    document_destroy(d);
    buf_fini(&out);
}

static void check_sense(const char *conf)
{
    struct buf out = BUF_INIT;
    struct document *d = document_load(conf);
    assert_false(document_is_valid(d));
    for (const struct diag *it = document_diags(d)->first; it != NULL; it = it->next) {
        struct place place = source_place(it->at);
        buf_printf(&out, "%u:%u %s\n", place.line, place.column,
                   it->severity == DIAG_ERROR ? "error" : "warning");
    }
    expect_text(conf, ".places", &out);
    document_destroy(d);
    buf_fini(&out);
}

static int is_conf(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return len > 5 && strcmp(entry->d_name + len - 5, ".conf") == 0;
}

static void for_each_conf(const char *folder, void (*check)(const char *conf))
{
    struct dirent **names = NULL;
    assert_int_equal(chdir(folder), 0);
    int count = scandir(".", &names, is_conf, alphasort);
    assert_true(count > 1);
    for (int i = 0; i < count; i++) {
        check(names[i]->d_name);
        free(names[i]);
    }
    free(names);
}

static void test_good(void **state)
{
    (void)state;
    for_each_conf(M2_GOLDEN "/lang/good", check_good);
}

static void test_bad(void **state)
{
    (void)state;
    for_each_conf(M2_GOLDEN "/lang/bad", check_bad);
}

static void test_sense(void **state)
{
    (void)state;
    for_each_conf(M2_GOLDEN "/lang/sense", check_sense);
}

static void test_missing_file(void **state)
{
    (void)state;
    struct buf out = BUF_INIT;
    struct document *d = document_load("/nowhere/x.conf");
    assert_false(document_is_valid(d));
    diag_format_all(document_diags(d), &out);
    assert_string_equal(buf_str(&out), "Can't read the config file /nowhere/x.conf: No such file "
                                       "or directory\n");
    document_destroy(d);
    buf_fini(&out);
}

static void expect_only_error(const char *text, size_t rows_max, const char *message)
{
    struct document *d = document_load_text("x", slice_str(text), rows_max);
    assert_int_equal(document_diags(d)->error_count, 1);
    assert_non_null(strstr(document_diags(d)->first->text, message));
    document_destroy(d);
}

static void test_bounds(void **state)
{
    (void)state;
    struct buf deep = BUF_INIT;
    buf_append_str(&deep, "a = ");
    for (int i = 0; i < 100000; i++)
        buf_append_char(&deep, '[');
    expect_only_error(buf_str(&deep), 100, "found a bracket inside 80 others");
    buf_fini(&deep);
    expect_only_error("servers = [] settings = {\"a\": 1 \"b\": 2 \"c\": 3}", 2,
                      "found more objects, routes and settings than fit a model");
    expect_only_error("include \"x\" servers = []", 2, "expected none in text that is not a file");
}

/* One statement per line, each broken: the list is cut, the count goes on. */
static void test_many_errors(void **state)
{
    (void)state;
    struct buf text = BUF_INIT, out = BUF_INIT;
    buf_append_str(&text, "servers = [\n");
    for (int i = 0; i < 5000; i++)
        buf_printf(&text, "name_%d\n", i);
    buf_append_str(&text, "]\n");
    struct document *d = document_load_text("x", buf_slice(&text), 100);
    assert_int_equal(document_diags(d)->error_count, 5000);
    diag_format_all(document_diags(d), &out);
    assert_non_null(strstr(buf_str(&out), "... and 4950 more.\n"));
    document_destroy(d);
    buf_fini(&text);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),   cmocka_unit_test(test_bad),
        cmocka_unit_test(test_sense),  cmocka_unit_test(test_missing_file),
        cmocka_unit_test(test_bounds), cmocka_unit_test(test_many_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
