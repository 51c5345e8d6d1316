/* All profiles of a folder: which there are, who may start when, and what procer does with signals.
 *
 * SIGHUP reads the folder again: new profiles start, changed ones go on as they are now described,
 * of those that are gone the processes are left alone; what has failed is tried again; procer's log
 * is opened anew. SIGTERM and SIGINT end the keeper, and nothing else. */
#ifndef DEPLOY_PROCER_KEEPER_H
#define DEPLOY_PROCER_KEEPER_H

#include "deploy/procer/life.h"
#include "proto/base/error.h"

struct keeper;

/* Of the folder (absolute; also the current directory). `own_log` is opened again at SIGHUP; NULL:
 * there is none. Both are borrowed. */
struct keeper *keeper_create(const char *folder, const char *own_log,
                             const struct life_limits *limits, struct error *e);
/* Reads the folder and logs what is wrong in it; starts nothing. -1 when it cannot be read. */
int keeper_scan(struct keeper *k, struct error *e);
/* Until it is told to end. */
void keeper_run(struct keeper *k);
void keeper_destroy(struct keeper *k); /* NULL is fine */

#endif
