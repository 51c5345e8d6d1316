/* Days are counted from 1 March of year 0, so that the leap day is the last of its year; the
 * Gregorian calendar repeats every 400 years = 146097 days. No libc calendar: it has a time zone
 * and takes locks. */

#include "proto/http/date.h"

#include "proto/http/scan.h"

#include <string.h>

#define DAY_S           86400
#define DAYS_TO_EPOCH   719468 /* from 0000-03-01 to 1970-01-01 */
#define YEARS_PER_CYCLE 400
#define DAYS_PER_CYCLE  146097
#define LAST_SECOND     INT64_C(253402300799) /* 9999-12-31 23:59:59 */
#define FIRST_SECOND    INT64_C(-62167219200) /* 0000-01-01 00:00:00 */

static const char day_names[7][10] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                      "Thursday", "Friday", "Saturday"};
static const char month_names[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct civil {
    int year, month, day; /* month 1 … 12 */
    int hour, minute, second;
};

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t to_seconds(const struct civil *c)
{
    int64_t year = c->month > 2 ? c->year : c->year - 1;
    int64_t cycle = (year >= 0 ? year : year - (YEARS_PER_CYCLE - 1)) / YEARS_PER_CYCLE;
    int64_t in_cycle = year - cycle * YEARS_PER_CYCLE;
    int64_t month = (c->month + 9) % 12; /* March is 0 */
    int64_t in_year = (153 * month + 2) / 5 + c->day - 1;
    int64_t days = cycle * DAYS_PER_CYCLE + in_cycle * 365 + in_cycle / 4 - in_cycle / 100 +
                   in_year - DAYS_TO_EPOCH;
    return days * DAY_S + c->hour * 3600 + c->minute * 60 + c->second;
}

static struct civil from_days(int64_t days)
{
    days += DAYS_TO_EPOCH;
    int64_t cycle = (days >= 0 ? days : days - (DAYS_PER_CYCLE - 1)) / DAYS_PER_CYCLE;
    int64_t d = days - cycle * DAYS_PER_CYCLE;
    int64_t in_cycle = (d - d / 1460 + d / 36524 - d / 146096) / 365;
    int64_t in_year = d - (365 * in_cycle + in_cycle / 4 - in_cycle / 100);
    int64_t month = (5 * in_year + 2) / 153;
    struct civil c = {0};
    c.day = (int)(in_year - (153 * month + 2) / 5 + 1);
    c.month = (int)(month < 10 ? month + 3 : month - 9);
    c.year = (int)(in_cycle + cycle * YEARS_PER_CYCLE + (c.month <= 2));
    return c;
}

static char *put_2(char *to, int n)
{
    *to++ = (char)('0' + n / 10 % 10);
    *to++ = (char)('0' + n % 10);
    return to;
}

void date_format(int64_t wall_s, char out[DATE_LEN + 1])
{
    if (wall_s < FIRST_SECOND)
        wall_s = FIRST_SECOND;
    if (wall_s > LAST_SECOND)
        wall_s = LAST_SECOND;
    int64_t days = (wall_s - FIRST_SECOND) / DAY_S + FIRST_SECOND / DAY_S;
    int in_day = (int)(wall_s - days * DAY_S);
    struct civil c = from_days(days);
    int weekday = (int)((days - FIRST_SECOND / DAY_S + 6) % 7); /* 0000-01-01 is a Saturday */
    memcpy(out, day_names[weekday], 3);
    memcpy(out + 3, ", ", 2);
    char *to = put_2(out + 5, c.day);
    *to++ = ' ';
    memcpy(to, month_names[c.month - 1], 3);
    to[3] = ' ';
    to = put_2(put_2(to + 4, c.year / 100), c.year);
    *to++ = ' ';
    to = put_2(to, in_day / 3600);
    *to++ = ':';
    to = put_2(to, in_day / 60 % 60);
    *to++ = ':';
    to = put_2(to, in_day % 60);
    memcpy(to, " GMT", 5);
}

/* Each take_* steps over what it names; false when it is not there. */
static bool take(struct slice *s, const char *text)
{
    struct slice want = slice_str(text);
    if (!slice_starts_with(*s, want))
        return false;
    *s = slice_from(*s, want.len);
    return true;
}

static bool take_digits(struct slice *s, int count, int *value)
{
    *value = 0;
    if (s->len < (size_t)count)
        return false;
    for (int i = 0; i < count; i++) {
        if (!scan_is(s->ptr[i], BYTE_DIGIT))
            return false;
        *value = *value * 10 + (s->ptr[i] - '0');
    }
    *s = slice_from(*s, (size_t)count);
    return true;
}

static bool take_month(struct slice *s, int *month)
{
    for (*month = 1; *month <= 12; (*month)++)
        if (take(s, month_names[*month - 1]))
            return true;
    return false;
}

static bool take_time(struct slice *s, struct civil *c)
{
    return take_digits(s, 2, &c->hour) && take(s, ":") && take_digits(s, 2, &c->minute) &&
           take(s, ":") && take_digits(s, 2, &c->second);
}

/* The day of the week in full or by three letters. */
static bool take_weekday(struct slice *s, bool *full)
{
    for (int i = 0; i < 7; i++) {
        struct slice name = slice_str(day_names[i]);
        *full = slice_starts_with(*s, name);
        if (*full || slice_starts_with(*s, slice_of(name.ptr, 3))) {
            *s = slice_from(*s, *full ? name.len : 3);
            return true;
        }
    }
    return false;
}

static bool take_fixdate(struct slice *s, struct civil *c)
{
    return take(s, ", ") && take_digits(s, 2, &c->day) && take(s, " ") &&
           take_month(s, &c->month) && take(s, " ") && take_digits(s, 4, &c->year) &&
           take(s, " ") && take_time(s, c) && take(s, " GMT");
}

static bool take_rfc850(struct slice *s, struct civil *c, int64_t now_wall_s)
{
    if (!take(s, ", ") || !take_digits(s, 2, &c->day) || !take(s, "-") ||
        !take_month(s, &c->month) || !take(s, "-") || !take_digits(s, 2, &c->year) ||
        !take(s, " ") || !take_time(s, c) || !take(s, " GMT"))
        return false;
    int this_year = from_days(now_wall_s / DAY_S).year;
    c->year += this_year / 100 * 100;
    if (c->year > this_year + 50)
        c->year -= 100;
    return true;
}

static bool take_asctime(struct slice *s, struct civil *c)
{
    if (!take(s, " ") || !take_month(s, &c->month) || !take(s, " "))
        return false;
    int digits = take(s, " ") ? 1 : 2;
    return take_digits(s, digits, &c->day) && take(s, " ") && take_time(s, c) && take(s, " ") &&
           take_digits(s, 4, &c->year);
}

/* A leap second (60) is the first of the next minute. */
static bool is_valid(const struct civil *c)
{
    static const char lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int length = lengths[c->month - 1] + (c->month == 2 && is_leap(c->year));
    return c->day >= 1 && c->day <= length && c->hour < 24 && c->minute < 60 && c->second <= 60;
}

bool date_parse(struct slice text, int64_t now_wall_s, int64_t *wall_s)
{
    struct civil c = {0};
    bool full;
    if (!take_weekday(&text, &full))
        return false;
    bool read;
    if (text.len > 0 && text.ptr[0] == ' ')
        read = !full && take_asctime(&text, &c);
    else if (full)
        read = take_rfc850(&text, &c, now_wall_s);
    else
        read = take_fixdate(&text, &c);
    if (!read || text.len > 0 || !is_valid(&c))
        return false;
    *wall_s = to_seconds(&c);
    return true;
}
