/* In UTC, as the deployment log always was: people of one cluster sit in several zones. */

#include "proto/view/moment.h"

#include "proto/base/clock.h"

#include <stdio.h>
#include <string.h>

void moment_format(int64_t wall_ms, char out[MOMENT_LEN + 1])
{
    char iso[21]; /* 2026-11-22T19:10:54Z */
    clock_format_utc(wall_ms / 1000, iso);
    iso[10] = ' ';
    iso[MOMENT_LEN] = '\0';
    memcpy(out, iso, MOMENT_LEN + 1);
}

void moment_age(int64_t wall_ms, char out[MOMENT_AGE_LEN + 1])
{
    static const struct {
        const char *unit;
        int64_t seconds;
    } units[] = {{"day", 86400}, {"hour", 3600}, {"minute", 60}, {"second", 1}};
    int64_t age_s = (clock_wall_ms() - wall_ms) / 1000;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        int64_t n = age_s / units[i].seconds;
        if (n > 0) {
            snprintf(out, MOMENT_AGE_LEN + 1, "%lld %s%s ago", (long long)n, units[i].unit,
                     n == 1 ? "" : "s");
            return;
        }
    }
    snprintf(out, MOMENT_AGE_LEN + 1, "just now");
}
