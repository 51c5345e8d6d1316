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

/* The key of what is kept about a commit: its version in twenty digits, so that keys sort. */
#define OUTCOME_KEY_LEN 20
void outcome_key(uint64_t version, char out[OUTCOME_KEY_LEN + 1]);

#endif
