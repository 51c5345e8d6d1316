/* What a node fetches from the leader when the number of it in a beat is new: the keys that it
 * accepts (kept on disk), and the keys of TLS session tickets (kept nowhere). Part of the agent. */
#ifndef NODE_CLUSTER_SECRETS_H
#define NODE_CLUSTER_SECRETS_H

#include "node/cluster/agent.h"
#include "node/cluster/coordinator_link.h"
#include "node/cluster/key_list.h"
#include "node/cluster/state_dir.h"

/* One thing of which a beat carries the number. */
struct secrets_part {
    int64_t known; /* 0: nothing yet */
    int64_t asked; /* is being fetched; 0: it is not */
};

struct secrets {
    const struct agent_ops *ops;
    void *arg; /* of ops */
    const struct state_dir *dir;
    bool has_keys; /* the node has keys of its own, and asks for others' */
    struct key_list keys;
    struct secrets_part key_part, ticket_part;
};

/* Borrows all. */
void secrets_init(struct secrets *s, const struct agent_ops *ops, void *arg,
                  const struct state_dir *dir, bool has_keys);
void secrets_fini(struct secrets *s);

/* Accepts the keys that are on disk. */
void secrets_recall(struct secrets *s);

/* Asks for what is new in a beat of the leader. */
void secrets_on_beat(struct secrets *s, struct coordinator_link *l,
                     const struct cluster_head_beat *b);

#endif
