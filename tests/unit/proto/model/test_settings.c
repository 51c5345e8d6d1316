#include "proto/model/settings.h"
#include "tests/unit/proto/model/fixture.h"

static void the_table_is_whole_and_sorted(void **state)
{
    (void)state;
    for (int i = 0; i < SETTING_COUNT; i++) {
        const struct setting_info *info = &setting_infos[i];
        assert_non_null(info->key);
        assert_non_null(info->help);
        if (i > 0)
            assert_true(strcmp(setting_infos[i - 1].key, info->key) < 0);
        assert_int_equal(setting_of_key(slice_str(info->key)), i);
        if (info->type != SETTING_IS_TEXT) {
            struct error e = {0};
            if (setting_check((enum setting)i, slice_str(info->default_text), &e) < 0)
                fail_msg("%s", e.text);
        }
    }
    assert_int_equal(setting_of_key(SLICE("limits.buffer_siz")), -1);
    assert_int_equal(setting_of_key(SLICE("limits.buffer_sizes")), -1);
    assert_int_equal(setting_of_key(SLICE("")), -1);
}

static void values_are_checked(void **state)
{
    (void)state;
    static const struct {
        enum setting setting;
        const char *value;
        bool is_right;
    } cases[] = {
        {SETTING_LIMITS_CONTENT_LENGTH, "20480", true},
        {SETTING_LIMITS_CONTENT_LENGTH, "5000000000", true},
        {SETTING_LIMITS_CONTENT_LENGTH, "020480", true},
        {SETTING_LIMITS_CONTENT_LENGTH, "-1", false},
        {SETTING_LIMITS_CONTENT_LENGTH, "20k", false},
        {SETTING_LIMITS_CONTENT_LENGTH, "", false},
        {SETTING_LIMITS_CONTENT_LENGTH, " 1", false},
        {SETTING_LIMITS_CONTENT_LENGTH, "99999999999999999999999", false},
        {SETTING_LIMITS_CONTENT_LENGTH, "999999999999999999999999999999999999", false},
        {SETTING_LIMITS_MIN_PING, "0", true},
        {SETTING_UPLOAD_STREAM, "1", true},
        {SETTING_UPLOAD_STREAM, "2", false},
        {SETTING_UPLOAD_STREAM, "yes", false},
        {SETTING_UPLOAD_TEMP_STORE_MODE, "0666", true},
        {SETTING_UPLOAD_TEMP_STORE_MODE, "384", true},
        {SETTING_UPLOAD_TEMP_STORE_MODE, "01777", false},
        {SETTING_HOST_MATCHING, "labels", true},
        {SETTING_HOST_MATCHING, "upstream", true},
        {SETTING_HOST_MATCHING, "label", false},
        {SETTING_HOST_MATCHING, "", false},
        {SETTING_HOST_MATCHING, "labels upstream", false},
        {SETTING_CERTDIR, "", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error e = {0};
        int rc = setting_check(cases[i].setting, slice_str(cases[i].value), &e);
        if ((rc == 0) != cases[i].is_right)
            fail_msg("%s = \"%s\": %s", setting_infos[cases[i].setting].key, cases[i].value,
                     e.text);
    }
}

static void the_value_in_effect(void **state)
{
    (void)state;
    struct model *m = model_create(NULL);
    assert_int_equal(setting_int(m, SETTING_LIMITS_CONTENT_LENGTH), 20480);
    assert_int_equal(setting_int(m, SETTING_UPLOAD_TEMP_STORE_MODE), 0600);
    assert_true(setting_bool(m, SETTING_SERVER_DAEMONIZE));
    assert_string_equal(setting_text(m, SETTING_CONTROL_PORT), "ipc://run/control");
    assert_string_equal(setting_text(m, SETTING_CERTDIR), "");
    fixture_row(m, TABLE_SETTING, "key=limits.content_length", "value=007", NULL);
    fixture_row(m, TABLE_SETTING, "key=upload.temp_store_mode", "value=0644", NULL);
    fixture_row(m, TABLE_SETTING, "key=limits.handler_targets", "value=0", NULL);
    fixture_row(m, TABLE_SETTING, "key=limits.min_ping", "value=soon", NULL);
    fixture_row(m, TABLE_SETTING, "key=host.matching", "value=nonsense", NULL);
    fixture_row(m, TABLE_SETTING, "key=certdir", "value=certs/", NULL);
    assert_int_equal(setting_int(m, SETTING_LIMITS_CONTENT_LENGTH), 7);
    assert_int_equal(setting_int(m, SETTING_UPLOAD_TEMP_STORE_MODE), 0644);
    assert_int_equal(setting_int(m, SETTING_LIMITS_HANDLER_TARGETS), 1);
    assert_int_equal(setting_int(m, SETTING_LIMITS_MIN_PING), 120);
    assert_string_equal(setting_text(m, SETTING_HOST_MATCHING), "labels");
    assert_string_equal(setting_text(m, SETTING_CERTDIR), "certs/");
    model_unref(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_whole_and_sorted),
        cmocka_unit_test(values_are_checked),
        cmocka_unit_test(the_value_in_effect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
