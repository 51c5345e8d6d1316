/* Going to the background, with an exit status for the caller that tells the truth. */
#ifndef DEPLOY_PROCER_DAEMON_H
#define DEPLOY_PROCER_DAEMON_H

#include "proto/base/error.h"

/* Forks into a new session and returns in the child; *ready is then to be given to daemon_ready.
 * The parent waits: it exits 0 when the child is ready, 1 when the child ends before. */
int daemon_fork(int *ready, struct error *e);
/* Lets go of the caller: its standard input too. */
void daemon_ready(int ready);

#endif
