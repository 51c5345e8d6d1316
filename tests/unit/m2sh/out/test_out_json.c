/* Commas, quotes and nesting. */

#include "m2sh/out/out_json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void test_nested(void **state)
{
    (void)state;
    struct buf out = BUF_INIT;
    struct out_json j;
    out_json_init(&j, &out);
    out_json_object(&j);
    out_json_pair_str(&j, "a", "x\"y\n");
    out_json_pair_str(&j, "none", NULL);
    out_json_key(&j, "list");
    out_json_array(&j);
    out_json_int(&j, -1);
    out_json_array(&j);
    out_json_end(&j);
    out_json_object(&j);
    out_json_end(&j);
    out_json_bool(&j, false);
    out_json_null(&j);
    out_json_real(&j, 1.5);
    out_json_real(&j, NAN);
    out_json_end(&j);
    out_json_pair_int(&j, "n", INT64_MIN);
    out_json_pair_bool(&j, "b", true);
    out_json_end(&j);
    assert_string_equal(buf_str(&out), "{\"a\":\"x\\\"y\\u000a\",\"none\":null,\"list\":[-1,[],{},"
                                       "false,null,1.5,null],\"n\":-9223372036854775808,"
                                       "\"b\":true}");
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_nested)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
