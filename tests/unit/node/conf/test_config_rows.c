/* Answers of configuration modules: each form, and what is wrong with those that are refused. */

#include "node/conf/config_rows.h"
#include "tests/unit/proto/model/fixture.h"

static struct model *model;

static int set_up(void **state)
{
    (void)state;
    model = model_create(NULL);
    assert_non_null(model);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    model_unref(model);
    return 0;
}

static void add(enum table_id table, const char *answer)
{
    struct error e;
    if (config_rows_add(model, table, slice_str(answer), "f", &e) != 0)
        fail_msg("%s", e.text);
}

static const struct row *last(enum table_id table)
{
    return model_row(model, table, model_count(model, table) - 1);
}

static void test_rows_in_upstreams_order(void **state)
{
    (void)state;
    add(TABLE_SETTING, "36:14:3:100#1:a,1:b,]14:3:200#1:c,1:d,]]");
    assert_int_equal(model_count(model, TABLE_SETTING), 2);
    assert_int_equal(row_id(last(TABLE_SETTING)), 200);
    assert_string_equal(row_str(last(TABLE_SETTING), SETTING_VALUE), "d");
    add(TABLE_MIMETYPE, "24:20:1:7#4:.txt,6:text/p,]]");
    assert_string_equal(row_str(last(TABLE_MIMETYPE), MIMETYPE_EXTENSION), ".txt");
    assert_string_equal(row_str(last(TABLE_MIMETYPE), MIMETYPE_MIMETYPE), "text/p");
}

#define SERVER_HEAD "1:3#1:u,9:localhost,7:0.0.0.0,4:6767#0:,2:/a,2:/e,"
#define SERVER_TAIL "2:/p,0:,1:1#"

static const char *wrapped(const char *columns)
{
    static char text[300];
    char row[250];
    int len = snprintf(row, sizeof row, "%zu:%s]", strlen(columns), columns);
    snprintf(text, sizeof text, "%d:%s]", len, row);
    return text;
}

/* 1.13 has twelve columns, 1.12 eleven. */
static void test_a_server_of_either_version(void **state)
{
    (void)state;
    add(TABLE_SERVER, wrapped(SERVER_HEAD "1:3#" SERVER_TAIL));
    assert_int_equal(row_int(last(TABLE_SERVER), SERVER_ERROR_LOG_LEVEL), 3);
    add(TABLE_SERVER, wrapped(SERVER_HEAD SERVER_TAIL));
    const struct row *r = last(TABLE_SERVER);
    assert_int_equal(row_int(r, SERVER_ERROR_LOG_LEVEL), 2);
    assert_string_equal(row_str(r, SERVER_DEFAULT_HOST), "localhost");
    assert_int_equal(row_int(r, SERVER_PORT), 6767);
    assert_string_equal(row_str(r, SERVER_PID_FILE), "/p");
    assert_int_equal(row_int(r, SERVER_USE_SSL), 1);
    assert_int_equal(r->values[SERVER_NAME].kind, VALUE_TEXT);
}

static void test_a_table_with_headers(void **state)
{
    (void)state;
    add(TABLE_HANDLER, "52:7:headers,12:4:pool,2:id,]4:rows,15:11:4:chat,1:5#]]}");
    assert_int_equal(row_id(last(TABLE_HANDLER)), 5);
    assert_string_equal(row_str(last(TABLE_HANDLER), HANDLER_POOL), "chat");
    assert_string_equal(row_str(last(TABLE_HANDLER), HANDLER_PROTOCOL), "json");
    assert_int_equal(row_int(last(TABLE_HANDLER), HANDLER_QUEUE), 1000);
}

static void test_nothing(void **state)
{
    (void)state;
    add(TABLE_HOST, "0:~");
    add(TABLE_ROUTE, "0:]");
    add(TABLE_SETTING, "0:]");
    assert_int_equal(model_count(model, TABLE_HOST), 0);
}

struct refused {
    enum table_id table;
    const char *answer, *why;
    enum error_code code;
};

static const struct refused refused[] = {
    {TABLE_SETTING, "0:~", "neither with a list", ERROR_INVALID},
    {TABLE_SETTING, "", "", ERROR_INVALID},
    {TABLE_SETTING, "3:abc]", "", ERROR_INVALID},
    {TABLE_SETTING, "0:]x", "", ERROR_INVALID},
    {TABLE_SETTING, "4:1:1#]", "row 1 is no list", ERROR_INVALID},
    {TABLE_SETTING, "11:8:1:1#1:a,]]", "row 1 has 2 columns, not 3", ERROR_INVALID},
    {TABLE_SETTING, "16:12:1:1#1:a,1:1#]]", "column value is no string but a", ERROR_INVALID},
    {TABLE_SETTING, "16:12:1:x,1:a,1:1,]]", "column id is no integer but a", ERROR_INVALID},
    {TABLE_SETTING, "15:11:1:1#1:a,0:~]]", "column value is no string but a null", ERROR_INVALID},
    {TABLE_SETTING, "32:7:headers,5:2:id,]4:rows,4:1:1#]}", "row 1 is no list", ERROR_INVALID},
    {TABLE_SETTING, "29:7:headers,6:3:key,]4:rows,0:]}", "lack \"id\"", ERROR_INVALID},
    {TABLE_SETTING, "34:7:headers,10:2:id,2:no,]4:rows,0:]}", "no column \"no\"", ERROR_INVALID},
    {TABLE_SETTING, "34:7:headers,10:2:id,2:id,]4:rows,0:]}", "id is there twice", ERROR_INVALID},
    {TABLE_SETTING, "32:7:headers,9:2:id,1:1#]4:rows,0:]}", "no column \"\"", ERROR_INVALID},
    {TABLE_SETTING, "10:4:rows,0:]}", "neither with a list", ERROR_INVALID},
    {TABLE_SETTING, "36:4:code,6:BROKEN,5:error,9:No store.,}", "f: No store.", ERROR_REFUSED},
};

static void test_what_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        const struct refused *r = &refused[i];
        struct error e;
        assert_int_equal(config_rows_add(model, r->table, slice_str(r->answer), "f", &e), -1);
        if (strstr(e.text, r->why) == NULL)
            fail_msg("%s: %s", r->answer, e.text);
        assert_int_equal(e.code, r->code);
        assert_string_equal(e.object, "f");
    }
    assert_int_equal(model_count(model, TABLE_SETTING),
                     3); /* broken rows, of which the model dies */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_rows_in_upstreams_order), TEST(test_a_server_of_either_version),
        TEST(test_a_table_with_headers),    TEST(test_nothing),
        TEST(test_what_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
