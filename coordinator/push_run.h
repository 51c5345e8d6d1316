/* The push in its surroundings: its environment made of this coordinator's store, publisher and
 * members, its ticks, what is kept and told of it afterwards. Part of coordinator.c. */
#ifndef COORDINATOR_PUSH_RUN_H
#define COORDINATOR_PUSH_RUN_H

#include "coordinator/coordinator.h"

void coordinator_push_init(struct coordinator *c);
void coordinator_push_fini(struct coordinator *c);

/* Is a push running? One that has ended is put away here. */
bool coordinator_is_pushing(struct coordinator *c);

/* coordinator.c: the commit is in the store and now the head. */
void coordinator_push_committed(struct coordinator *c, const struct commit *commit);

/* A sealed commit on top of the head; borrows what it is given. ERROR_NO_MEMORY. */
int coordinator_make_commit(const struct coordinator *c, struct slice config,
                            const struct cluster_author *author, struct slice scope,
                            struct commit *out, struct error *e);

/* Writes c->outcome beside its commit. */
void coordinator_keep_outcome(struct coordinator *c);

/* Ends the watch over the last commit's effect when it is time, or `now`: then it is in the log. */
void coordinator_effect_tick(struct coordinator *c, bool now);

#endif
