/* The process around the server: daemon, chroot, privileges, pid file, descriptor limit. Reference
 * manual, chapter Deploying; what is done differently is in docs/decisions/0004-process.md. */
#ifndef NODE_PROCESS_H
#define NODE_PROCESS_H

#include "proto/base/error.h"

#include <stdbool.h>

struct process_plan {
    const char *chroot;   /* "" none */
    const char *pid_file; /* inside the chroot */
    const char *error_log;
    bool daemonize;
    /* filled by process_plan_resolve */
    bool test_mode; /* a chroot is configured but we may not: stay in front, below that directory */
    char pid_path[4096];
    char error_log_path[4096];
    char base[4096]; /* put in front of log paths */
    int ready_fd;    /* of the waiting parent; -1 none */
};

/* Decides by who we are where files lie and whether to go to the background. */
void process_plan_resolve(struct process_plan *p);

/* Refuses when the pid file names a living process; a stale one is left to process_enter. */
int process_check_pid_file(const struct process_plan *p, struct error *e);

/* Forks into a new session when the plan says so. The parent waits until process_ready, then exits
 * 0, or 1 when the child ends before. Call before any thread or loop is made. */
int process_daemonize(struct process_plan *p, struct error *e);

/* Writes the pid file, enters the chroot, becomes the owner of that directory (all groups dropped),
 * opens the error log. Call when privileged sockets are bound. */
int process_enter(struct process_plan *p, struct error *e);

/* Releases the waiting parent and tells the service manager (sd_notify). */
void process_ready(struct process_plan *p);
void process_stopping(void);

/* Opens the error log again by name, for rotation. */
int process_reopen_error_log(const struct process_plan *p, struct error *e);

/* Removes the pid file if it is still ours. */
void process_leave(const struct process_plan *p);

/* Sets the soft limit of open files to `want`, at most the hard limit (0: the hard limit); says
 * when it got less. */
void process_limit_descriptors(unsigned want);

#endif
