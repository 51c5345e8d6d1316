/* Who may do what in a cluster: the role of a key (docs/reference/keys.md). */
#ifndef PROTO_WIRE_CLUSTER_ROLE_H
#define PROTO_WIRE_CLUSTER_ROLE_H

#include "proto/base/slice.h"

/* A key has one role. Whoever comes without keys, where none are asked for, counts as ADMIN. */
enum cluster_role {
    ROLE_VIEWER = 1,
    ROLE_HANDLER = 2,
    ROLE_NODE = 4,
    ROLE_ADMIN = 8,
    ROLE_ANY = 15,         /* of those that ask */
    ROLE_COORDINATOR = 16, /* whom they ask */
};

/* "admin" …; "" for what is no role. */
const char *cluster_role_name(unsigned role);

/* 0 when there is no such role. */
unsigned cluster_role_from_name(struct slice name);

#endif
