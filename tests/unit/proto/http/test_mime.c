#include "proto/http/mime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Reference section 9.4. */
static void test_find(void **state)
{
    (void)state;
    static const struct mime_entry entries[] = {
        {SLICE(".jpg"), SLICE("image/jpeg")},
        {SLICE(".gz"), SLICE("application/gzip")},
        {SLICE(".tar.gz"), SLICE("application/x-gzip")},
        {SLICE(".JSON"), SLICE("application/json")},
        {SLICE(".jpg"), SLICE("second/one")},
        {SLICE(""), SLICE("none/empty")},
    };
    static const struct {
        const char *path, *type;
    } rows[] = {
        {"/x.jpg", "image/jpeg"},
        {"/x.JPG", "image/jpeg"},
        {"/x.json", "application/json"},
        {"x.Json", "application/json"},
        {"/x.tar.gz", "application/x-gzip"},
        {"/x.y.tar.gz", "application/x-gzip"},
        {"/x.star.gz", "application/gzip"},
        {"/.jpg", "image/jpeg"},
        {"/jpg", ""},
        {"/foojpg", ""},
        {"/big.bin", ""},
        {"/x.jpg.", ""},
        {"/x.jpg/y", ""},
        {"/a.tar/b.gz", "application/gzip"},
        {"/", ""},
        {"", ""},
        {"/a.jpgx", ""},
    };
    struct arena a;
    arena_init(&a, 0);
    struct mime_table *t = NULL;
    struct error e;
    assert_int_equal(mime_table_build(&t, entries, 6, &a, &e), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct slice type = mime_table_find(t, slice_str(rows[i].path));
        if (!slice_eq(type, slice_str(rows[i].type)))
            fail_msg("%s: %.*s", rows[i].path, SLICE_ARG(type));
    }
    arena_fini(&a);
}

static void test_many(void **state)
{
    (void)state;
    enum { COUNT = 1200 };
    static char texts[COUNT][16];
    static struct mime_entry entries[COUNT];
    for (int i = 0; i < COUNT; i++) {
        snprintf(texts[i], sizeof texts[i], ".e%d", i);
        entries[i] = (struct mime_entry){slice_str(texts[i]), slice_str(texts[i] + 1)};
    }
    struct arena a;
    arena_init(&a, 0);
    struct mime_table *t = NULL;
    struct error e;
    assert_int_equal(mime_table_build(&t, entries, COUNT, &a, &e), 0);
    for (int i = 0; i < COUNT; i++) {
        char path[32];
        snprintf(path, sizeof path, "/dir/file.e%d", i);
        assert_true(slice_eq(mime_table_find(t, slice_str(path)), slice_str(texts[i] + 1)));
    }
    assert_int_equal(mime_table_find(t, SLICE("/x.e1200")).len, 0);
    mime_table_build(&t, NULL, 0, &a, &e);
    assert_int_equal(mime_table_find(t, SLICE("/x.y")).len, 0);
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
