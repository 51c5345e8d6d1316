/* A backup goes into a store: `mongrel2-coordinator -store URL -restore FILE`. No coordinator uses
 * the store meanwhile, and none does while it is not whole. */
#ifndef COORDINATOR_RESTORE_H
#define COORDINATOR_RESTORE_H

#include "proto/base/error.h"

/* Runs until it is done, telling on standard error how far it is. What is in the store already is
 * left as it is, so a restore that was broken off can be run again. ERROR_INVALID: the file is
 * damaged; nothing was touched. ERROR_CONFLICT: the store has another history, or more than the
 * file. ERROR_EXISTS: a coordinator uses it. */
int restore_run(const char *url, const char *path, struct error *e);

#endif
