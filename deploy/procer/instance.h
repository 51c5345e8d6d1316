/* procer's own pid file: there is one procer for it. The file is locked as long as procer lives, so
 * that of two that start at once one is refused, whatever the file says. */
#ifndef DEPLOY_PROCER_INSTANCE_H
#define DEPLOY_PROCER_INSTANCE_H

#include "proto/base/error.h"

struct instance {
    int fd;
    const char *path; /* borrowed; absolute */
};

/* Takes the file for us, empty. -1 with *e when a living process has it. */
int instance_open(struct instance *i, const char *path, struct error *e);
/* Writes our process id (after a fork, which the lock goes along with). */
int instance_write(struct instance *i, struct error *e);
/* Removes the file. */
void instance_close(struct instance *i);

#endif
