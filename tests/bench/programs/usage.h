/* What a server used between two moments: CPU time of all its processes and threads, and how busy
 * the core it is pinned to was altogether. Not a profiler.
 *
 * CPU time comes from the CPU clocks of the processes (clock_getcpuclockid(3)): nanoseconds that
 * the scheduler counted, brought up to date by the read, threads that have ended included. The
 * split into user and kernel time and the load of the core come from the clock ticks of /proc. A
 * watch is a plain value; the processes must live as long as it is read. */
#ifndef TESTS_BENCH_PROGRAMS_USAGE_H
#define TESTS_BENCH_PROGRAMS_USAGE_H

#include "proto/base/error.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <time.h>

#define USAGE_MAX_PROCESSES 64

struct usage_watch {
    pid_t pids[USAGE_MAX_PROCESSES];
    clockid_t clocks[USAGE_MAX_PROCESSES];
    unsigned count;
    int core; /* -1: none */
};

struct usage {
    uint64_t at_us;        /* monotonic */
    uint64_t cpu_ns;       /* of all processes watched */
    uint64_t user_ticks;   /* of all processes watched */
    uint64_t kernel_ticks; /* of all processes watched */
    uint64_t busy_ticks;   /* of the core, whoever used it */
};

/* Watches the processes in `pids` ("12,34"; empty or NULL: none) and core `core`. ERROR_INVALID,
 * ERROR_TOO_LARGE. */
int usage_watch_init(struct usage_watch *w, const char *pids, int core, struct error *e);

void usage_read(const struct usage_watch *w, struct usage *out);

/* Prints the difference as members of a JSON object, with a comma behind each:
 * "elapsed_s", "cpu_us", "kernel_share" (0..1), "busy_share" (of one core), "foreign_share" (what
 * others took of the core). */
void usage_print(FILE *out, const struct usage_watch *w, const struct usage *before,
                 const struct usage *after);

#endif
