/* HTTP dates against the C library's calendar, in a time zone that is not UTC (D13). */

#include "proto/http/date.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define NOW INT64_C(1700000000) /* 2023-11-14 */

static void test_parse(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t time; /* INT64_MIN: refused */
    } rows[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
        {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
        {"Sun Nov  6 08:49:37 1994", 784111777},
        {"Wed Nov 16 08:49:37 1994", 784975777},
        {"Mon, 06 Nov 1994 08:49:37 GMT", 784111777}, /* the name of the day may be wrong */
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"Wed, 31 Dec 1969 23:59:59 GMT", -1},
        {"Sat, 31 Dec 2016 23:59:60 GMT", 1483228800},
        {"Tue, 29 Feb 2000 00:00:00 GMT", 951782400},
        {"Fri, 31 Dec 9999 23:59:59 GMT", 253402300799},
        {"Friday, 01-Jan-73 00:00:00 GMT", 3250454400}, /* 50 years ahead: 2073 */
        {"Friday, 01-Jan-74 00:00:00 GMT", 126230400},  /* 51: 1974 */
        {"Tuesday, 29-Feb-00 00:00:00 GMT", 951782400},
        {"Mon, 29 Feb 1900 00:00:00 GMT", INT64_MIN},
        {"Sun, 06 Nov 1994 08:49:37", INT64_MIN},
        {"Sun, 06 Nov 1994 08:49:37 UTC", INT64_MIN},
        {"Sun, 06 Nov 1994 08:49:37 GMT ", INT64_MIN},
        {"sun, 06 nov 1994 08:49:37 gmt", INT64_MIN},
        {"Sun, 6 Nov 1994 08:49:37 GMT", INT64_MIN},
        {"Sun, 00 Nov 1994 08:49:37 GMT", INT64_MIN},
        {"Sun, 31 Nov 1994 08:49:37 GMT", INT64_MIN},
        {"Sun, 06 Nov 1994 24:00:00 GMT", INT64_MIN},
        {"Sun, 06 Nov 1994 08:60:00 GMT", INT64_MIN},
        {"Sun, 06 Nov 1994 08:49:61 GMT", INT64_MIN},
        {"Sun, 06 Nov 94 08:49:37 GMT", INT64_MIN},
        {"Sun, 06-Nov-94 08:49:37 GMT", INT64_MIN},
        {"Sunday, 06 Nov 1994 08:49:37 GMT", INT64_MIN},
        {"Sunday Nov  6 08:49:37 1994", INT64_MIN},
        {"Sun Nov 6 08:49:37 1994", INT64_MIN},
        {"Sun Nov 06 08:49:37 1994", 784111777},
        {"Xyz, 06 Nov 1994 08:49:37 GMT", INT64_MIN},
        {"Sun, 06 Xyz 1994 08:49:37 GMT", INT64_MIN},
        {"784111777", INT64_MIN},
        {"Sun", INT64_MIN},
        {"Sunday", INT64_MIN},
        {"", INT64_MIN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t time = INT64_MIN;
        bool good = date_parse(slice_str(rows[i].text), NOW, &time);
        if (good != (rows[i].time != INT64_MIN) || time != rows[i].time)
            fail_msg("\"%s\": %lld", rows[i].text, (long long)time);
    }
}

static void check_against_libc(int64_t wall_s)
{
    char got[DATE_LEN + 1], want[64];
    time_t t = (time_t)wall_s;
    struct tm tm;
    gmtime_r(&t, &tm);
    static const char days[] = "SunMonTueWedThuFriSat",
                      months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    snprintf(want, sizeof want, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT", days + 3 * tm.tm_wday,
             tm.tm_mday, months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
             tm.tm_sec);
    date_format(wall_s, got);
    assert_string_equal(got, want);
    int64_t back;
    assert_true(date_parse(slice_str(got), NOW, &back));
    assert_int_equal(back, wall_s);
}

static void test_format(void **state)
{
    (void)state;
    setenv("TZ", "America/New_York", 1);
    tzset();
    for (int64_t day = -719528; day < 2932896; day += 13) /* years 0 to 9999 */
        check_against_libc(day * 86400 + (day * 7919 % 86400 + 86400) % 86400);
    for (int64_t s = -100000; s < 100000; s += 997)
        check_against_libc(s);
    check_against_libc(1483228799);
    char text[DATE_LEN + 1];
    date_format(INT64_MAX, text);
    assert_string_equal(text, "Fri, 31 Dec 9999 23:59:59 GMT");
    date_format(INT64_MIN, text);
    assert_string_equal(text, "Sat, 01 Jan 0000 00:00:00 GMT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_format),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
