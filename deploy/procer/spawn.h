/* Starting a `run`: as the owner of its profile, with a clean set of descriptors and signals, in a
 * session of its own. And what else is done on disk as that owner. */
#ifndef DEPLOY_PROCER_SPAWN_H
#define DEPLOY_PROCER_SPAWN_H

#include "deploy/procer/profile.h"
#include "proto/base/error.h"

/* Starts p->run with the current directory, output to `log_fd` (borrowed), PROCER_PIDFILE and
 * PROCER_ACTION. Without a pid_file of its own the child writes its id to the profile's before it
 * becomes the program. What fails in the child is logged by it, and ends it with status 127.
 * Returns its id, -1 with *e. */
pid_t spawn_run(const struct profile *p, int log_fd, struct error *e);

/* Whether this process may become the profile's owner. */
int spawn_check(const struct profile *p, struct error *e);

/* Writes a pid file, and removes one, with the rights of the profile's owner, who chose the path.
 * A file that is not there counts as removed. */
int spawn_write_pid_file(const struct profile *p, pid_t pid, struct error *e);
int spawn_remove_pid_file(const struct profile *p, struct error *e);

#endif
