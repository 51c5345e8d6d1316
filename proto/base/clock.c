/* clock_gettime behind one door, so that a test can stand in it. */

#include "proto/base/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

/* The only state: tests set it before they start, nothing else writes it. */
static bool faked;
static uint64_t fake_monotonic_us;
static int64_t fake_wall_ms;

uint64_t clock_monotonic_us(void)
{
    if (faked)
        return fake_monotonic_us;
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

uint64_t clock_monotonic_ms(void)
{
    return clock_monotonic_us() / 1000u;
}

int64_t clock_wall_ms(void)
{
    if (faked)
        return fake_wall_ms;
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t clock_wall_s(void)
{
    return clock_wall_ms() / 1000;
}

void clock_format_utc(int64_t wall_s, char out[21])
{
    time_t t = (time_t)wall_s;
    struct tm tm;
    if (gmtime_r(&t, &tm) == NULL || strftime(out, 21, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        snprintf(out, 21, "1970-01-01T00:00:00Z");
}

void clock_fake(uint64_t monotonic_us, int64_t wall_ms)
{
    faked = true;
    fake_monotonic_us = monotonic_us;
    fake_wall_ms = wall_ms;
}

void clock_fake_stop(void)
{
    faked = false;
}
