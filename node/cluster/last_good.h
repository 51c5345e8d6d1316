/* The newest commit that a node has applied, on its own disk: with it a node starts and serves when
 * there is no coordinator. Two files: `commit`, the record with its canonical configuration, which
 * is what counts; and `config.sqlite`, the same as an ordinary Mongrel2 database for people and
 * tools. A node is seeded by either. */
#ifndef NODE_CLUSTER_LAST_GOOD_H
#define NODE_CLUSTER_LAST_GOOD_H

#include "node/cluster/state_dir.h"
#include "proto/base/buf.h"
#include "proto/model/model.h"

#include <stdint.h>

struct last_good {
    struct model *model; /* a reference of the holder's; NULL: there is none */
    int64_t version;     /* 0: seeded from a database, no commit */
    char hash[65];       /* "" for version 0 */
    struct buf record;   /* as it was fetched; empty for version 0 */
};

/* Reads and verifies. 0 also when there is nothing (model NULL); -1 when there is something
 * damaged: nothing of it is given. */
int last_good_read(const struct state_dir *d, struct last_good *out, struct error *e);
void last_good_fini(struct last_good *g);

/* Writes both files; `commit` is the encoded record with its configuration. Blocks on fsync: for a
 * side thread. A database that can't be written is no failure of the commit, but is told. ERROR_IO.
 */
int last_good_write(const struct state_dir *d, struct slice commit, const struct model *m,
                    struct error *e);

#endif
