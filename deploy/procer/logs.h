/* Files that lines go to: procer's own log, and one for the output of each profile. Opened by
 * procer, which may write where it lies, before a profile's user is put on. */
#ifndef DEPLOY_PROCER_LOGS_H
#define DEPLOY_PROCER_LOGS_H

#include "deploy/procer/profile.h"
#include "proto/base/error.h"

/* Opens procer's own log and lets log.h, standard output and standard error go there. Again: for
 * rotation. */
int logs_open_own(const char *path, struct error *e);

/* Opens the log of a profile: $PROCER_RUN_LOG, else NAME.log in the current directory; it belongs
 * to the profile's owner. The caller closes it. -1 with *e. */
int logs_open_profile(const struct profile *p, struct error *e);

#endif
