/* The keys that this node accepts at its handler port and its control port: the list that the
 * coordinators keep, with a copy on disk, so that a node that restarts without a coordinator knows
 * its workers. Public keys only. */
#ifndef NODE_CLUSTER_KEY_LIST_H
#define NODE_CLUSTER_KEY_LIST_H

#include "node/cluster/state_dir.h"
#include "proto/link/keyring.h"
#include "proto/wire/cluster_reply.h"

struct key_list {
    struct keyring ring;
};

void key_list_init(struct key_list *k);
void key_list_fini(struct key_list *k);

/* Takes a coordinator's answer to `keys`; what was there stays when it makes no sense.
 * ERROR_INVALID, ERROR_NO_MEMORY. */
int key_list_take(struct key_list *k, const struct cluster_table *t, struct error *e);

/* The file "keys". Without one there are none; a damaged one is an error, and none. */
int key_list_save(const struct key_list *k, const struct state_dir *dir, struct error *e);
int key_list_load(struct key_list *k, const struct state_dir *dir, struct error *e);

#endif
