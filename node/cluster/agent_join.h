/* What a node says of itself when it joins: addresses, ports, pools; and whether that has changed
 * since it was last said, because a join is only worth sending then. */
#ifndef NODE_CLUSTER_AGENT_JOIN_H
#define NODE_CLUSTER_AGENT_JOIN_H

#include "node/cluster/agent.h"
#include "proto/base/arena.h"
#include "proto/base/buf.h"
#include "proto/wire/cluster_msg.h"

struct agent_join {
    struct buf text;    /* all of it in one string: equal strings, equal joins */
    struct arena arena; /* of what follows */
    struct field_strings addresses, pools;
    const char *handler, *control;
};

void agent_join_init(struct agent_join *j);
void agent_join_fini(struct agent_join *j);

/* Takes over what the node says and the pools that `server` uses in the model (NULL: none). True
 * when something has changed. */
bool agent_join_update(struct agent_join *j, const struct agent_description *d,
                       const struct model *m, const char *server);

/* Fills addresses, handler, control and pools; they borrow from `j`. */
void agent_join_fill(const struct agent_join *j, struct cluster_join *out);

#endif
