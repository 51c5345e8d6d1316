/* The directory of handler pools: which live nodes have a pool, and where their handler ports are.
 *
 * Nothing is kept but the names that were ever asked for or published; the rows are read from the
 * members each time. A suspect node stays in it (its data plane may be well), a gone one does not.
 */
#ifndef COORDINATOR_POOLS_H
#define COORDINATOR_POOLS_H

#include "coordinator/members.h"
#include "proto/wire/cluster_reply.h"

/* pool, node, uuid, endpoint; ends with NULL. */
extern const char *const pools_headers[];

/* Puts a row for each node that has the pool; empty: all pools. */
void pools_rows(struct cluster_table_writer *w, const struct members *ms, struct slice pool);

/* The published form: appends the update for one pool. */
void pools_update(struct buf *out, const struct members *ms, struct slice pool);

#endif
