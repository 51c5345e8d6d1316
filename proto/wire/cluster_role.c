/* The names of roles, as certificates, records and people write them. */

#include "proto/wire/cluster_role.h"

#include <stddef.h>

static const struct {
    enum cluster_role role;
    const char *name;
} roles[] = {
    {ROLE_COORDINATOR, "coordinator"}, {ROLE_ADMIN, "admin"},   {ROLE_NODE, "node"},
    {ROLE_HANDLER, "handler"},         {ROLE_VIEWER, "viewer"},
};

const char *cluster_role_name(unsigned role)
{
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        if (roles[i].role == role)
            return roles[i].name;
    return "";
}

unsigned cluster_role_from_name(struct slice name)
{
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        if (slice_eq(name, slice_str(roles[i].name)))
            return roles[i].role;
    return 0;
}
