/* Processes by their id and the moment they began, since an id alone is used again. Read from
 * proc(5); where that is not mounted, an id must do. */
#ifndef DEPLOY_PROCER_PROC_H
#define DEPLOY_PROCER_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct proc {
    pid_t pid;      /* 0: none */
    uint64_t start; /* clock ticks after boot; 0: unknown */
};

enum proc_file {
    PROC_FILE_MISSING,
    PROC_FILE_GARBAGE, /* no regular file, or anything but one number above 1 */
    PROC_FILE_STALE,   /* the process is gone, or its id belongs to a younger one */
    PROC_FILE_LIVE,
};

/* The process that has this id now; false when there is none, or only a zombie. A process of
 * another user counts. */
bool proc_find(pid_t pid, struct proc *out);

/* Whether this very process still runs. */
bool proc_is_alive(const struct proc *p);

/* What a pid file says; *out is filled when it is live. A process that began after the file was
 * written is another one. */
enum proc_file proc_read_file(const char *path, struct proc *out);

/* A descriptor that becomes readable when the process ends; -1 when the kernel has none to give.
 * The caller closes it. */
int proc_watch(const struct proc *p);

#endif
