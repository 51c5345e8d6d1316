/* Every known name is found in every case; no name with one byte changed is. */

#include "proto/http/field_name.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static enum field_id id_of(const char *name, size_t len)
{
    char *exact = malloc(len); /* so that sanitizers see over-reads */
    assert_non_null(exact);
    memcpy(exact, name, len);
    enum field_id id = field_name_id(slice_of(exact, len));
    free(exact);
    return id;
}

static void test_known(void **state)
{
    (void)state;
    for (int id = 1; id < FIELD_ID_COUNT; id++) {
        struct slice name = field_name_lower((enum field_id)id);
        assert_true(name.len > 0);
        char text[32];
        memcpy(text, name.ptr, name.len);
        assert_int_equal(id_of(text, name.len), id);
        for (size_t i = 0; i < name.len; i++) {
            text[i] = (char)toupper(text[i]);
            assert_int_equal(id_of(text, name.len), id);
        }
    }
    assert_int_equal(field_name_lower(FIELD_OTHER).len, 0);
}

static void test_near_misses(void **state)
{
    (void)state;
    static const char tchars[] = "!#$%&'*+-.^_`|~abcdefghijklmnopqrstuvwxyz0123456789";
    for (int id = 1; id < FIELD_ID_COUNT; id++) {
        struct slice name = field_name_lower((enum field_id)id);
        for (size_t i = 0; i < name.len; i++) {
            for (const char *c = tchars; *c != '\0'; c++) {
                char text[32];
                memcpy(text, name.ptr, name.len);
                text[i] = *c;
                enum field_id want = *c == name.ptr[i] ? (enum field_id)id : FIELD_OTHER;
                assert_int_equal(id_of(text, name.len), want);
            }
        }
        if (name.len > 2)
            assert_int_equal(id_of(name.ptr, name.len - 1), FIELD_OTHER);
    }
    for (size_t len = 1; len < 40; len++)
        assert_int_equal(id_of("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", len), FIELD_OTHER);
}

static void test_token(void **state)
{
    (void)state;
    assert_true(field_name_is_token(SLICE("X-Any!Name")));
    assert_false(field_name_is_token(SLICE("")));
    assert_false(field_name_is_token(SLICE("a b")));
    assert_false(field_name_is_token(SLICE("a:")));
    assert_false(field_name_is_token(SLICE("abcdefghijklmnopqr\r\n")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_near_misses),
        cmocka_unit_test(test_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
