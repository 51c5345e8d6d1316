/* Range fields: RFC 9110 section 14. */

#include "proto/http/range.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct row {
    const char *value;
    uint64_t size;
    const char *want; /* "first-last" joined by blanks, "" to ignore, "416" */
};

static const struct row rows[] = {
    {"bytes=0-99", 1000, "0-99"},
    {"Bytes=0-99", 1000, "0-99"},
    {"bytes=0-0", 1000, "0-0"},
    {"bytes=0-", 1000, "0-999"},
    {"bytes=999-", 1000, "999-999"},
    {"bytes=500-5000", 1000, "500-999"},
    {"bytes=-5", 1000, "995-999"},
    {"bytes=-5000", 1000, "0-999"},
    {"bytes=0-18446744073709551616", 1000, "0-999"},
    {"bytes=0-99999999999999999999999999999999", 1000, "0-999"},
    {"bytes=-99999999999999999999999999999999", 1000, "0-999"},
    /* several */
    {"bytes=0-9, 500-509 ,-10", 1000, "0-9 500-509 990-999"},
    {"bytes=500-509,0-9", 1000, "500-509 0-9"},
    {"bytes=0-9,10-19", 1000, "0-19"},
    {"bytes=0-9,89-99", 1000, "0-99"},
    {"bytes=0-9,90-99", 1000, "0-9 90-99"},
    {"bytes=0-9,900-909,500-509,5-600", 1000, "0-600 900-909"},
    {"bytes=900-909,0-9,5-6", 1000, "900-909 0-9"},
    {"bytes=0-999,0-999,0-999", 1000, "0-999"},
    {"bytes=5000-,0-9", 1000, "0-9"},
    {"bytes=0-9,,", 1000, "0-9"},
    {"bytes=0-0,200-200,400-400,600-600,800-800,1000-1000,1200-1200,1400-1400,1600-1600,1800-1800,"
     "2000-2000,2200-2200,2400-2400,2600-2600,2800-2800,3000-3000",
     9999,
     "0-0 200-200 400-400 600-600 800-800 1000-1000 1200-1200 1400-1400 1600-1600 1800-1800 "
     "2000-2000 2200-2200 2400-2400 2600-2600 2800-2800 3000-3000"},
    {"bytes=0-0,1-1,2-2,3-3,4-4,5-5,6-6,7-7,8-8,9-9,10-10,11-11,12-12,13-13,14-14,15-15,16-16",
     1000, ""},
    /* not satisfiable */
    {"bytes=1000-", 1000, "416"},
    {"bytes=1000-1001", 1000, "416"},
    {"bytes=-0", 1000, "416"},
    {"bytes=5000-,-0", 1000, "416"},
    {"bytes=0-", 0, "416"},
    {"bytes=99999999999999999999999999999999-", 1000, "416"},
    {"bytes=-5", 0, ""},
    /* ignored */
    {"", 1000, ""},
    {"bytes", 1000, ""},
    {"bytes=", 1000, ""},
    {"bytes=,", 1000, ""},
    {"items=0-9", 1000, ""},
    {"bytes=9-0", 1000, ""},
    {"bytes=a-b", 1000, ""},
    {"bytes=1", 1000, ""},
    {"bytes=-", 1000, ""},
    {"bytes=--5", 1000, ""},
    {"bytes=1-2-3", 1000, ""},
    {"bytes=1 -2", 1000, ""},
    {"bytes=+1-2", 1000, ""},
    {"bytes=0-9,x", 1000, ""},
    {"bytes =0-9", 1000, ""},
    {"bytes=0x0-9", 1000, ""},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct byte_range ranges[RANGES_MAX];
        char got[1024] = "";
        int count = range_parse(slice_str(rows[i].value), rows[i].size, ranges);
        if (count < 0)
            strcpy(got, "416");
        for (int k = 0; k < count; k++)
            snprintf(got + strlen(got), sizeof got - strlen(got), "%s%llu-%llu", k > 0 ? " " : "",
                     (unsigned long long)ranges[k].first, (unsigned long long)ranges[k].last);
        if (strcmp(got, rows[i].want) != 0)
            fail_msg("\"%s\" of %llu: \"%s\" instead of \"%s\"", rows[i].value,
                     (unsigned long long)rows[i].size, got, rows[i].want);
    }
}

static void test_content(void **state)
{
    (void)state;
    char text[RANGE_CONTENT_MAX];
    struct byte_range r = {0, 99};
    size_t len = range_content(&r, 1234, text);
    assert_int_equal(len, 15);
    assert_memory_equal(text, "bytes 0-99/1234", 15);
    len = range_content(NULL, 1234, text);
    assert_memory_equal(text, "bytes */1234", len);
    r = (struct byte_range){INT64_MAX - 1, INT64_MAX - 1};
    assert_true(range_content(&r, INT64_MAX, text) < sizeof text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
