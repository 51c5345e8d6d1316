/* Time. Monotonic for deadlines and ages (the default everywhere), wall only for people and HTTP.
 * Tests may put a fake in place; programs never do. */
#ifndef PROTO_BASE_CLOCK_H
#define PROTO_BASE_CLOCK_H

#include <stdint.h>

uint64_t clock_monotonic_us(void); /* microseconds since an arbitrary start */
uint64_t clock_monotonic_ms(void);
int64_t clock_wall_ms(void); /* milliseconds since the Unix epoch, UTC */
int64_t clock_wall_s(void);

/* "2026-11-22T19:10:54Z" for a wall time in seconds; out holds 21 bytes. */
void clock_format_utc(int64_t wall_s, char out[21]);

/* For tests: from now on both clocks answer these values; clock_fake_stop() ends it. */
void clock_fake(uint64_t monotonic_us, int64_t wall_ms);
void clock_fake_stop(void);

#endif
