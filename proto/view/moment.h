/* Moments for people. */
#ifndef PROTO_VIEW_MOMENT_H
#define PROTO_VIEW_MOMENT_H

#include <stdint.h>

#define MOMENT_LEN     19 /* "2026-11-22 19:10:54" */
#define MOMENT_AGE_LEN 31 /* "12 minutes ago" */

/* A wall time in UTC. */
void moment_format(int64_t wall_ms, char out[MOMENT_LEN + 1]);

/* How long ago that was, in the largest unit that says something. */
void moment_age(int64_t wall_ms, char out[MOMENT_AGE_LEN + 1]);

#endif
