/* Moments for people. */
#ifndef M2SH_OUT_OUT_WHEN_H
#define M2SH_OUT_OUT_WHEN_H

#include <stdint.h>

#define OUT_WHEN_LEN 19 /* "2026-11-22 19:10:54" */
#define OUT_AGE_LEN  31 /* "12 minutes ago" */

/* A wall time in UTC. */
void out_when_format(int64_t wall_ms, char out[OUT_WHEN_LEN + 1]);

/* How long ago that was, in the largest unit that says something. */
void out_when_age(int64_t wall_ms, char out[OUT_AGE_LEN + 1]);

#endif
