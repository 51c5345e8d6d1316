/* The history in a store goes into a file: `mongrel2-coordinator -store URL -backup FILE`. For a
 * store that no coordinator has open; of one that runs, `m2sh backup` asks it. */
#ifndef COORDINATOR_BACKUP_H
#define COORDINATOR_BACKUP_H

#include "proto/base/error.h"

/* Runs until it is done, telling on standard error how far it is. ERROR_EXISTS: a coordinator has
 * it open. */
int backup_run(const char *url, const char *path, struct error *e);

#endif
