#include "proto/model/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct model *make(void)
{
    struct model *m = model_create(NULL);
    assert_non_null(m);
    return m;
}

static struct row *add(struct model *m, enum table_id table)
{
    struct row *r = model_add(m, table, NULL);
    assert_non_null(r);
    return r;
}

static void set(struct model *m, struct row *r, size_t column, const char *text)
{
    assert_int_equal(row_set_text(m, r, column, slice_str(text), NULL), 0);
}

static void a_new_row_holds_the_defaults(void **state)
{
    (void)state;
    struct model *m = make();
    struct row *r = add(m, TABLE_HANDLER);
    assert_int_equal(row_id(r), 1);
    assert_string_equal(row_str(r, HANDLER_PROTOCOL), "json");
    assert_int_equal(row_int(r, HANDLER_QUEUE), 1000);
    r = add(m, TABLE_SERVER);
    assert_int_equal(r->values[SERVER_UUID].kind, VALUE_NULL);
    assert_int_equal(r->values[SERVER_PORT].kind, VALUE_NULL);
    assert_string_equal(row_str(r, SERVER_UUID), "");
    assert_int_equal(row_int(r, SERVER_PORT), 0);
    assert_null(r->place.file);
    model_unref(m);
}

static void ids_go_on_from_the_highest(void **state)
{
    (void)state;
    struct model *m = make();
    row_set_int(add(m, TABLE_PROXY), COLUMN_ID, 70);
    row_set_int(add(m, TABLE_PROXY), COLUMN_ID, 3);
    assert_int_equal(row_id(add(m, TABLE_PROXY)), 71);
    row_set_int(add(m, TABLE_PROXY), COLUMN_ID, INT64_MAX);
    struct error e;
    assert_null(model_add(m, TABLE_PROXY, &e));
    assert_int_equal(e.code, ERROR_TOO_LARGE);
    model_clear_table(m, TABLE_PROXY);
    assert_int_equal(row_id(add(m, TABLE_PROXY)), 1);
    model_unref(m);
}

static void rows_are_found_by_id(void **state)
{
    (void)state;
    const int64_t ids[] = {5, -2, 1000000, 5, 7, 0};
    struct model *m = make();
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        row_set_int(add(m, TABLE_PROXY), COLUMN_ID, ids[i]);
    for (int i = 0; i < 1000; i++)
        add(m, TABLE_HOST);
    for (int frozen = 0; frozen < 2; frozen++) {
        assert_ptr_equal(model_find(m, TABLE_PROXY, 5), model_row(m, TABLE_PROXY, 0));
        assert_ptr_equal(model_find(m, TABLE_PROXY, -2), model_row(m, TABLE_PROXY, 1));
        assert_ptr_equal(model_find(m, TABLE_PROXY, 0), model_row(m, TABLE_PROXY, 5));
        assert_null(model_find(m, TABLE_PROXY, 6));
        assert_ptr_equal(model_find(m, TABLE_HOST, 1000), model_row(m, TABLE_HOST, 999));
        assert_null(model_find(m, TABLE_HOST, 0));
        assert_null(model_find(m, TABLE_HOST, 1001));
        assert_null(model_find(m, TABLE_ROUTE, 1));
        assert_int_equal(model_freeze(m, NULL), 0);
    }
    assert_true(model_is_frozen(m));
    model_unref(m);
}

static void text_is_copied_and_ends_in_nul(void **state)
{
    (void)state;
    struct model *m = make();
    struct row *r = add(m, TABLE_HOST);
    char text[] = "shop\0x";
    assert_int_equal(row_set_text(m, r, HOST_NAME, slice_of(text, 6), NULL), 0);
    text[0] = 'S';
    assert_int_equal(row_text(r, HOST_NAME).len, 6);
    assert_memory_equal(row_text(r, HOST_NAME).ptr, "shop\0x\0", 7);
    char file[] = "a.conf";
    assert_int_equal(row_set_place(m, r, file, 3, 9), 0);
    file[0] = 'b';
    assert_int_equal(row_set_place(m, add(m, TABLE_HOST), file, 1, 1), 0);
    assert_string_equal(r->place.file, "a.conf");
    assert_int_equal(r->place.line, 3);
    assert_string_equal(model_row(m, TABLE_HOST, 1)->place.file, "b.conf");
    model_unref(m);
}

static void freezing_completes_matching(void **state)
{
    (void)state;
    struct model *m = make();
    set(m, add(m, TABLE_HOST), HOST_NAME, "a.test");
    struct row *r = add(m, TABLE_HOST);
    set(m, r, HOST_NAME, "b.test");
    set(m, r, HOST_MATCHING, "(.+).b.test");
    row_set_null(add(m, TABLE_HOST), HOST_MATCHING);
    assert_int_equal(model_freeze(m, NULL), 0);
    assert_string_equal(row_str(model_row(m, TABLE_HOST, 0), HOST_MATCHING), "a.test");
    assert_string_equal(row_str(model_row(m, TABLE_HOST, 1), HOST_MATCHING), "(.+).b.test");
    assert_int_equal(model_row(m, TABLE_HOST, 2)->values[HOST_MATCHING].kind, VALUE_NULL);
    model_unref(m);
}

static void settings_read_as_upstream_reads_them(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        int64_t n;
    } cases[] = {{"42", 42}, {"007", 7}, {" 9x", 9},    {"-3", -3},
                 {"", 0},    {"abc", 0}, {"0600", 600}, {"99999999999999999999", INT64_MAX}};
    struct model *m = make();
    assert_int_equal(model_setting_int(m, "k", 17), 17);
    assert_null(model_setting(m, "k"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) { /* the last row of a key wins */
        struct row *r = add(m, TABLE_SETTING);
        set(m, r, SETTING_KEY, "k");
        set(m, r, SETTING_VALUE, cases[i].value);
        assert_string_equal(model_setting(m, "k"), cases[i].value);
        assert_int_equal(model_setting_int(m, "k", 17), cases[i].n);
    }
    assert_null(model_setting(m, "kk"));
    model_unref(m);
}

static void servers_are_selected_by_uuid_and_name(void **state)
{
    (void)state;
    struct model *m = make();
    add(m, TABLE_SERVER);
    struct row *r = add(m, TABLE_SERVER);
    set(m, r, SERVER_UUID, "u-1");
    set(m, r, SERVER_NAME, "main");
    assert_ptr_equal(model_server_by_uuid(m, SLICE("u-1")), r);
    assert_ptr_equal(model_server_by_name(m, SLICE("main")), r);
    assert_null(model_server_by_uuid(m, SLICE("main")));
    assert_null(model_server_by_name(m, SLICE(""))); /* NULL is no name */
    model_unref(m);
}

static void references_keep_it(void **state)
{
    (void)state;
    struct model *m = make();
    assert_ptr_equal(model_ref(m), m);
    model_unref(m);
    assert_int_equal(model_count(m, TABLE_ROUTE), 0);
    model_unref(m);
    model_unref(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_row_holds_the_defaults),
        cmocka_unit_test(ids_go_on_from_the_highest),
        cmocka_unit_test(rows_are_found_by_id),
        cmocka_unit_test(text_is_copied_and_ends_in_nul),
        cmocka_unit_test(freezing_completes_matching),
        cmocka_unit_test(settings_read_as_upstream_reads_them),
        cmocka_unit_test(servers_are_selected_by_uuid_and_name),
        cmocka_unit_test(references_keep_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
