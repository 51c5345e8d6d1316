/* /proc/PID/schedstat would give the same nanoseconds, but only as of the last scheduler tick of a
 * thread that runs just now, up to 4 ms late; the CPU clock is exact. */

#include "tests/bench/programs/usage.h"

#include "proto/base/clock.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int usage_watch_init(struct usage_watch *w, const char *pids, int core, struct error *e)
{
    memset(w, 0, sizeof(*w));
    w->core = core;
    for (const char *at = pids != NULL ? pids : ""; *at != '\0';) {
        char *end;
        long pid = strtol(at, &end, 10);
        if (end == at || pid <= 0 || (*end != ',' && *end != '\0'))
            return error_set(e, ERROR_INVALID, "\"%s\" is no list of process ids.", pids);
        if (w->count == USAGE_MAX_PROCESSES)
            return error_set(e, ERROR_TOO_LARGE, "At most %d processes can be watched.",
                             USAGE_MAX_PROCESSES);
        w->pids[w->count] = (pid_t)pid;
        if (clock_getcpuclockid((pid_t)pid, &w->clocks[w->count]) != 0)
            return error_set(e, ERROR_INVALID, "There is no process %ld.", pid);
        w->count++;
        at = *end == ',' ? end + 1 : end;
    }
    return 0;
}

static void add_process_ticks(pid_t pid, struct usage *out)
{
    char path[64], line[1024];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return;
    if (fgets(line, sizeof(line), f) != NULL) {
        uint64_t user, kernel;
        /* The name in parentheses may hold anything: fields are counted from its end. */
        const char *after_name = strrchr(line, ')');
        if (after_name != NULL &&
            sscanf(after_name + 1,
                   " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %" SCNu64 " %" SCNu64, &user,
                   &kernel) == 2) {
            out->user_ticks += user;
            out->kernel_ticks += kernel;
        }
    }
    fclose(f);
}

static uint64_t core_busy_ticks(int core)
{
    char line[512], name[24];
    uint64_t busy = 0;
    FILE *f = fopen("/proc/stat", "re");
    if (f == NULL)
        return 0;
    snprintf(name, sizeof(name), "cpu%d ", core);
    while (fgets(line, sizeof(line), f) != NULL) {
        uint64_t user, nice, kernel, irq, softirq, steal;
        if (strncmp(line, name, strlen(name)) != 0)
            continue;
        if (sscanf(line + strlen(name),
                   "%" SCNu64 " %" SCNu64 " %" SCNu64 " %*s %*s %" SCNu64 " %" SCNu64 " %" SCNu64,
                   &user, &nice, &kernel, &irq, &softirq, &steal) == 6)
            busy = user + nice + kernel + irq + softirq + steal;
        break;
    }
    fclose(f);
    return busy;
}

void usage_read(const struct usage_watch *w, struct usage *out)
{
    memset(out, 0, sizeof(*out));
    out->at_us = clock_monotonic_us();
    for (unsigned i = 0; i < w->count; i++) {
        struct timespec t;
        if (clock_gettime(w->clocks[i], &t) == 0)
            out->cpu_ns += (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
        add_process_ticks(w->pids[i], out);
    }
    if (w->core >= 0)
        out->busy_ticks = core_busy_ticks(w->core);
}

void usage_print(FILE *out, const struct usage_watch *w, const struct usage *before,
                 const struct usage *after)
{
    double elapsed_s = (double)(after->at_us - before->at_us) / 1e6;
    double cpu_s = (double)(after->cpu_ns - before->cpu_ns) / 1e9;
    double user = (double)(after->user_ticks - before->user_ticks);
    double kernel = (double)(after->kernel_ticks - before->kernel_ticks);
    double busy_s = (double)(after->busy_ticks - before->busy_ticks) / (double)sysconf(_SC_CLK_TCK);
    double foreign_s = w->core >= 0 && busy_s > cpu_s ? busy_s - cpu_s : 0;
    elapsed_s = elapsed_s > 0 ? elapsed_s : 1e-6;
    fprintf(out,
            "\"elapsed_s\":%.6f,\"cpu_us\":%.1f,\"kernel_share\":%.3f,\"busy_share\":%.3f,"
            "\"foreign_share\":%.3f,",
            elapsed_s, cpu_s * 1e6, user + kernel > 0 ? kernel / (user + kernel) : 0.0,
            cpu_s / elapsed_s, foreign_s / elapsed_s);
}
