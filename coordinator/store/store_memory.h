/* The reference store: a history in memory, gone with the process. For tests, which can make it
 * slow or make it fail; `memory:` on the command line is for trying things out. */
#ifndef COORDINATOR_STORE_STORE_MEMORY_H
#define COORDINATOR_STORE_STORE_MEMORY_H

#include "coordinator/store/store.h"

/* Keeps all answers back until released. */
void store_memory_hold(struct store *s, bool hold);

/* The next call of append fails with this code; with `keep` it is done all the same, as when the
 * answer of a server is lost. */
void store_memory_fail_append(struct store *s, enum error_code code, bool keep);

/* Damages the record of a version, as somebody with an editor would. */
void store_memory_tamper(struct store *s, uint64_t version);

#endif
