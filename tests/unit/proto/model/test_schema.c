#include "proto/model/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void every_column_is_whole(void **state)
{
    (void)state;
    for (size_t t = 0; t < TABLE_COUNT; t++) {
        const struct table *table = &schema_tables[t];
        assert_non_null(table->name);
        assert_string_equal(table->columns[COLUMN_ID].name, "id");
        bool additions = false;
        for (size_t i = 0; i < table->column_count; i++) {
            const struct column *c = &table->columns[i];
            assert_non_null(c->name);
            assert_non_null(c->help);
            assert_true(c->reference >= -1 && c->reference < TABLE_COUNT);
            if ((c->flags & COLUMN_REQUIRED) == 0 && c->type == COLUMN_TEXT)
                assert_non_null(c->default_text);
            if ((c->flags & COLUMN_HIDDEN) != 0)
                assert_null(c->keyword);
            /* additions come last, so that upstream's columns keep their places */
            assert_false(additions && (c->flags & COLUMN_ADDITION) == 0);
            additions = additions || (c->flags & COLUMN_ADDITION) != 0;
            assert_int_equal(schema_column_of_name(table, slice_str(c->name)), i);
        }
    }
}

static void columns_are_found_by_their_keywords(void **state)
{
    (void)state;
    const struct table *proxy = &schema_tables[TABLE_PROXY];
    assert_int_equal(schema_column_of_keyword(proxy, SLICE("check")), PROXY_CHECK);
    assert_int_equal(schema_column_of_name(proxy, SLICE("health_check")), PROXY_CHECK);
    assert_int_equal(schema_column_of_keyword(proxy, SLICE("health_check")), -1);
    assert_int_equal(schema_column_of_keyword(proxy, SLICE("id")), -1);
    assert_int_equal(schema_column_of_keyword(&schema_tables[TABLE_HOST], SLICE("server_id")), -1);
    assert_int_equal(schema_column_of_keyword(&schema_tables[TABLE_REDIRECT], SLICE("to")),
                     REDIRECT_TO);
}

static void target_words_are_exact(void **state)
{
    (void)state;
    assert_int_equal(schema_table_of_target(SLICE("dir")), TABLE_DIRECTORY);
    assert_int_equal(schema_table_of_target(SLICE("status")), TABLE_STATUS);
    assert_int_equal(schema_table_of_target(SLICE("Dir")), -1);
    assert_int_equal(schema_table_of_target(SLICE("")), -1);
}

static void target_classes_compare_without_case(void **state)
{
    (void)state;
    assert_int_equal(schema_table_of_keyword(SLICE("DiR")), TABLE_DIRECTORY);
    assert_int_equal(schema_table_of_keyword(SLICE("HANDLER")), TABLE_HANDLER);
    assert_int_equal(schema_table_of_keyword(SLICE("Server")), TABLE_SERVER);
    assert_int_equal(schema_table_of_keyword(SLICE("SERVER")), -1);
    assert_int_equal(schema_table_of_keyword(SLICE("Teapot")), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_column_is_whole),
        cmocka_unit_test(columns_are_found_by_their_keywords),
        cmocka_unit_test(target_words_are_exact),
        cmocka_unit_test(target_classes_compare_without_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
